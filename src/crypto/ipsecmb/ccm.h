#pragma once
// AES-CCM (RFC 4309) by the library's job interface: its CBC-MAC is serial within a packet.  Keys of 128 and 256 bits.
#ifdef TESTUDO_HAVE_IPSECMB
#include <memory>

#include "crypto/ipsecmb/manager.h"
#include "crypto/suite.h"

namespace testudo::crypto::ipsecmb {

/// Null when the library lacks the key length.
std::unique_ptr<Suite> make_ccm(IMB_MGR& manager, const CipherRow& row, Bytes key);

}  // namespace testudo::crypto::ipsecmb
#endif
