#pragma once
// The SA payload with its proposals and transforms: RFC 2408 sections 3.4 to 3.6, RFC 2407 section 4.6.1.  Proposals of
// one number belong together (AH and ESP: logical and); different numbers are alternatives.  The order of the message
// is kept, since it is the initiator's preference.  Judges form only.
#include <vector>

#include "wire/ike/v1/attribute.h"
#include "wire/ike/v1/constants.h"

namespace testudo::wire::ike::v1 {

struct Transform {
  std::uint8_t number = 0, id = 0;
  std::vector<Attribute> attributes;

  /// The value of the first attribute of this type; nothing when it is absent or no number.
  std::optional<std::uint64_t> number_of(std::uint16_t type) const;

  friend bool operator==(const Transform&, const Transform&) = default;
};

struct Proposal {
  std::uint8_t number = 0;
  Protocol protocol = Protocol::None;
  ByteVector spi;
  std::vector<Transform> transforms;

  friend bool operator==(const Proposal&, const Proposal&) = default;
};

struct SaPayload {
  std::uint32_t doi = kDoiIpsec, situation = kSituationIdentityOnly;
  std::vector<Proposal> proposals;

  friend bool operator==(const SaPayload&, const SaPayload&) = default;
};

/// More than these are TooDeep; transforms are counted over all proposals, since a stranger's are looked at too.
inline constexpr std::size_t kMaxProposals = 64, kMaxTransforms = 256;

/// Unsupported for another DOI or situation; BadValue when a proposal announces another number of transforms than it
/// has.
Result<SaPayload, Malformed> parse_sa(Bytes body);
ByteVector compose_sa(const SaPayload& sa);

}  // namespace testudo::wire::ike::v1
