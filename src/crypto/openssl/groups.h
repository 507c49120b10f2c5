#pragma once
// Arithmetic of the Diffie-Hellman groups by OpenSSL's big numbers, curves and X25519.  Constant time in the private
// value as far as OpenSSL's functions for it are.  Internal to crypto/; crypto/ike/key_exchange.h is the door.
#include <optional>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/ike/rows.h"

namespace testudo::crypto::openssl {

/// g^x as the KE payload holds it; nothing when x is no private value of the group.
std::optional<ByteVector> public_value(const ike::GroupRow& group, const Secret& x);

/// False for a value of the group's length that can be told from a proper one without a private value.
bool is_member(const ike::GroupRow& group, Bytes y);

/// y^x; nothing when y is not a proper public value.
std::optional<Secret> shared_secret(const ike::GroupRow& group, const Secret& x, Bytes y);

}  // namespace testudo::crypto::openssl
