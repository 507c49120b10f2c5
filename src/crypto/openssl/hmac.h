#pragma once
// HMAC (RFC 2104) of MD5, SHA-1, SHA-2 and RIPEMD-160: RFC 2403, 2404, 4868, 2857.
#include <memory>

#include "crypto/algorithms.h"
#include "crypto/suite.h"

namespace testudo::crypto::openssl {

/// Null when kind is no HMAC.
std::unique_ptr<Mac> make_hmac(MacKind kind, Bytes key);

}  // namespace testudo::crypto::openssl
