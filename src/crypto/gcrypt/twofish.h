#pragma once
// Twofish in CBC (RFC 2451) by libgcrypt: OpenSSL has none.
#include <memory>

#include "crypto/cipher.h"

namespace testudo::crypto::gcrypt {

/// key of 16 or 32 bytes.  Null when libgcrypt lacks the algorithm (it does in FIPS mode).
std::unique_ptr<Cipher> make_twofish_cbc(Bytes key);

}  // namespace testudo::crypto::gcrypt
