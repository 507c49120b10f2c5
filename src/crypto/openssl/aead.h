#pragma once
// The AEADs of ESP by OpenSSL: AES-GCM (RFC 4106), AES-CCM (RFC 4309), AES-GMAC (RFC 4543), ChaCha20-Poly1305
// (RFC 7634).
#include <memory>

#include "crypto/algorithms.h"
#include "crypto/suite.h"

namespace testudo::crypto::openssl {

/// key as PF_KEY carries it, of a length that the row allows.  Null when OpenSSL lacks the algorithm.
std::unique_ptr<Suite> make_aead(const CipherRow& row, Bytes key);

}  // namespace testudo::crypto::openssl
