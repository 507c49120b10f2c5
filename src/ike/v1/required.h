#pragma once
// Small things that every mode of IKEv1 asks of a chain of payloads.  Pure.
#include "base/result.h"
#include "ike/refusal.h"
#include "wire/ike/v1/chain.h"
#include "wire/ike/v1/sa.h"

namespace testudo::ike::v1 {

/// A message that breaks its protocol, whatever the configuration.
Mismatch broken(std::string attribute, std::string hint,
                wire::ike::v1::Notify notify = wire::ike::v1::Notify::PayloadMalformed);

/// The body of the one payload of this type.
Result<Bytes, Mismatch> only(const wire::ike::v1::Chain& chain, wire::ike::v1::Payload type);

Result<wire::ike::v1::SaPayload, Mismatch> only_sa(const wire::ike::v1::Chain& chain);

/// RFC 2409 section 5: "The length of nonce payload MUST be between 8 and 256 bytes inclusive."
Result<ByteVector, Mismatch> only_nonce(const wire::ike::v1::Chain& chain);

inline ByteVector owned(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace testudo::ike::v1
