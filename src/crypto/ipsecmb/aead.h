#pragma once
// AES-GCM (RFC 4106), AES-GMAC (RFC 4543) and ChaCha20-Poly1305 (RFC 7634) by the library's direct calls: one packet
// uses the whole width of the machine, so nothing is gained by queueing.
#ifdef TESTUDO_HAVE_IPSECMB
#include <memory>

#include "crypto/ipsecmb/manager.h"
#include "crypto/suite.h"

namespace testudo::crypto::ipsecmb {

/// Null when the row is none of the three.
std::unique_ptr<Suite> make_aead(IMB_MGR& manager, const CipherRow& row, Bytes key);

}  // namespace testudo::crypto::ipsecmb
#endif
