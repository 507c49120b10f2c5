#include "wire/ike/v1/sa.h"

#include <algorithm>

#include "wire/ike/v1/chain.h"

namespace testudo::wire::ike::v1 {
namespace {

/// The items of one kind that fill `bytes`: what each generic header calls next must be the same kind or the end.
template <typename T, typename Parse>
Result<std::vector<T>, Malformed> items(Payload kind, std::size_t limit, Bytes bytes, Parse parse) {
  std::vector<T> found;
  bool more = true;
  for (Reader in{bytes}; more;) {
    if (found.size() == limit) return Failure{Malformed::TooDeep};
    TRY(const std::uint8_t next, in.u8());
    TRY_DONE(in.skip(1));
    TRY(const std::uint16_t length, in.u16());
    if (length < 4) return Failure{Malformed::BadLength};
    TRY(const Bytes body, in.take(length - 4U));
    TRY(T item, parse(body));
    found.push_back(std::move(item));
    more = Payload{next} == kind;
    if (!more && Payload{next} != Payload::None) return Failure{Malformed::BadValue};
    if (more == in.empty()) return Failure{Malformed::BadLength};
  }
  return found;
}

Result<Transform, Malformed> parse_transform(Bytes body) {
  Reader in{body};
  Transform transform;
  TRY(transform.number, in.u8());
  TRY(transform.id, in.u8());
  TRY_DONE(in.skip(2));
  TRY(transform.attributes, parse_attributes(in.rest()));
  return transform;
}

/// `left`: how many transforms it may have; less afterwards.
Result<Proposal, Malformed> parse_proposal(Bytes body, std::size_t& left) {
  Reader in{body};
  Proposal proposal;
  TRY(proposal.number, in.u8());
  TRY(const std::uint8_t protocol, in.u8());
  proposal.protocol = Protocol{protocol};
  TRY(const std::uint8_t spi_size, in.u8());
  TRY(const std::uint8_t announced, in.u8());
  TRY(const Bytes spi, in.take(spi_size));
  proposal.spi.assign(spi.begin(), spi.end());
  TRY(proposal.transforms, items<Transform>(Payload::Transform, left, in.rest(), parse_transform));
  left -= proposal.transforms.size();
  if (proposal.transforms.size() != announced) return Failure{Malformed::BadValue};
  return proposal;
}

ByteVector compose_transform(const Transform& transform) {
  Writer out;
  out.u8(transform.number).u8(transform.id).zeros(2);
  compose_attributes(transform.attributes, out);
  return out.take();
}

ByteVector compose_proposal(const Proposal& proposal) {
  ChainWriter transforms;
  for (const Transform& transform : proposal.transforms) {
    transforms.add(Payload::Transform, compose_transform(transform));
  }
  Writer out;
  out.u8(proposal.number).u8(static_cast<std::uint8_t>(proposal.protocol));
  out.u8(static_cast<std::uint8_t>(proposal.spi.size())).u8(static_cast<std::uint8_t>(proposal.transforms.size()));
  out.raw(proposal.spi).raw(transforms.bytes());
  return out.take();
}

}  // namespace

std::optional<std::uint64_t> Transform::number_of(std::uint16_t type) const {
  const auto found = std::ranges::find(attributes, type, &Attribute::type);
  return found == attributes.end() ? std::nullopt : found->number();
}

Result<SaPayload, Malformed> parse_sa(Bytes body) {
  Reader in{body};
  SaPayload sa;
  TRY(sa.doi, in.u32());
  TRY(sa.situation, in.u32());
  // Situations with secrecy or integrity carry labels of their own layout in front of the proposals.
  if (sa.doi > kDoiIpsec || sa.situation != kSituationIdentityOnly) return Failure{Malformed::Unsupported};
  std::size_t left = kMaxTransforms;
  const auto next = [&left](Bytes proposal) { return parse_proposal(proposal, left); };
  TRY(sa.proposals, items<Proposal>(Payload::Proposal, kMaxProposals, in.rest(), next));
  return sa;
}

ByteVector compose_sa(const SaPayload& sa) {
  ChainWriter proposals;
  for (const Proposal& proposal : sa.proposals) proposals.add(Payload::Proposal, compose_proposal(proposal));
  Writer out;
  out.u32(sa.doi).u32(sa.situation).raw(proposals.bytes());
  return out.take();
}

}  // namespace testudo::wire::ike::v1
