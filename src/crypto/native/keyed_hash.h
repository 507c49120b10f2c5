#pragma once
// The MACs of AH before HMAC: keyed MD5 (RFC 1828) and keyed SHA-1 (RFC 1852), key | fill | datagram | key.
// Kept for SAs of old peers only; both hashes are broken for most other uses.
#include <memory>

#include "crypto/algorithms.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

/// Null when kind is neither.
std::unique_ptr<Mac> make_keyed_hash(MacKind kind, Bytes key);

}  // namespace testudo::crypto::native
