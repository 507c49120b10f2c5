#pragma once
// The ciphers of ESP that OpenSSL has and that authenticate nothing: CBC of AES, Camellia, DES, 3DES,
// Blowfish and CAST-128 (RFC 3602, 4312, 2405, 2451), AES-CTR (RFC 3686) and NULL (RFC 2410).
#include <memory>

#include "crypto/algorithms.h"
#include "crypto/cipher.h"

namespace testudo::crypto::openssl {

/// key as PF_KEY carries it, of a length that the row allows.  Null when OpenSSL lacks the algorithm.
std::unique_ptr<Cipher> make_cipher(const CipherRow& row, Bytes key);

}  // namespace testudo::crypto::openssl
