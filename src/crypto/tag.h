#pragma once
// Comparison of authentication tags on the packet path: constant time, without the byte-wise volatile loop of
// equal_constant_time(), which costs more than the GCM of a small packet.
#include <openssl/crypto.h>

#include "base/bytes.h"

namespace testudo::crypto {

/// computed has at least received.size() bytes.
inline bool same_tag(Bytes received, const std::uint8_t* computed) {
  return CRYPTO_memcmp(received.data(), computed, received.size()) == 0;
}

}  // namespace testudo::crypto
