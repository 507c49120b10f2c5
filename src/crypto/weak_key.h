#pragma once
// RFC 2405 section 4: "Weak key checks SHOULD be performed. If such a key is found, the key SHOULD be rejected".
// DES alone has such keys here: RFC 2451 finds none that 3DES or CAST-128 (16 rounds) need reject.  Pure.
#include "base/bytes.h"

namespace testudo::crypto {

/// True for the weak and semi-weak keys of DES, whatever their parity bits.
bool is_weak_des_key(Bytes key);

}  // namespace testudo::crypto
