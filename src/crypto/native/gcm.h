#pragma once
// AES-GCM of our own (RFC 4106 over NIST SP 800-38D) for machines with VAES and VPCLMULQDQ: several packets of an SA at
// once, where a library takes one after the other.  Elsewhere there is none and another back end has to do.
#include <memory>

#include "crypto/suite.h"

namespace testudo::crypto::native {

enum class GcmLanes : std::uint8_t {
  Widest,   ///< that this machine has
  Bits256,  ///< also where there are wider ones
};

/// Null when the row is not AES-GCM or the machine lacks the instructions.  The key's length is checked already.
std::unique_ptr<Suite> make_gcm(const CipherRow& row, Bytes key, GcmLanes lanes);
/// Whether make_gcm() makes one of this row, which it then does of every key.
bool makes(const CipherRow& row);

/// For `testudo version --features`; empty when there is none.
std::string_view gcm_lanes();

}  // namespace testudo::crypto::native
