#pragma once
// Twofish in CBC (RFC 2451) by nettle: OpenSSL has none.
#include <memory>

#include "crypto/cipher.h"

namespace testudo::crypto::nettle {

/// key of 16, 24 or 32 bytes, else null.
std::unique_ptr<Cipher> make_twofish_cbc(Bytes key);

}  // namespace testudo::crypto::nettle
