#include "transform/tunnel_outer.h"

#include "net/protocol.h"
#include "transform/ecn.h"
#include "transform/outer_template.h"

namespace testudo::transform {

namespace packet = wire::packet;
namespace protocol = net::protocol;

namespace {

constexpr std::size_t kLargestPayload = 65535;

EcnMode mode_of(bool outer_is_v4, const HeaderSettings& settings) {
  return ecn_mode(outer_is_v4 ? settings.ecn_v4 : settings.ecn_v6);
}

/// The packet inside, as far as next header and its own lengths and checksum can vouch for it.
Result<IpView, DropReason> parse_inner(Bytes inner, std::uint8_t next_protocol) {
  if (next_protocol != protocol::kIpv4 && next_protocol != protocol::kIpv6) return Failure{DropReason::BadNextHeader};
  if (inner.empty()) return Failure{DropReason::InnerMalformed};
  const unsigned version = next_protocol == protocol::kIpv4 ? 4 : 6;
  if (inner[0] >> 4 != version) return Failure{DropReason::InnerFamilyMismatch};
  const auto ip = packet::parse_ip(inner);
  if (!ip) return Failure{DropReason::InnerMalformed};
  if (ip->is_v4() && packet::checksum(inner.first(ip->header_length)) != 0) return Failure{DropReason::InnerMalformed};
  return *ip;
}

}  // namespace

Status<DropReason> prepend_outer(sad::Sa& sa, PacketBuffer& packet, const IpView& inner, const Context& context) {
  const sad::SaGroup& group = sa.group();
  if (group.source.is_unspecified() || group.destination.is_unspecified())
    return Failure{DropReason::UnspecifiedEndpoint};
  if (group.source.family() != group.destination.family() || packet.size() < inner.total_length)
    return Failure{DropReason::OutboundInvalid};
  packet.trim_back(packet.size() - inner.total_length);

  const OuterTemplate outer{sa, context.settings};
  const std::size_t payload = packet.size();
  // IPv4's total length counts the header, IPv6's payload length does not.
  if (payload + (outer.is_v4() ? outer.length() : 0) > kLargestPayload) return Failure{DropReason::TooBig};
  if (!packet.prepend(outer.length())) return Failure{DropReason::NoRoom};
  const std::uint16_t identification =
      outer.is_v4() ? next_identification(sa.share(context.worker), context.random) : std::uint16_t{0};
  outer.write(packet.data(), payload, inner.is_v4() ? protocol::kIpv4 : protocol::kIpv6, inside_of(inner),
              identification);
  packet.leave_by(group.destination.scope());
  return Done{};
}

Result<IpView, DropReason> strip_outer(PacketBuffer& packet, const IpView& outer, std::uint8_t next_protocol,
                                       const HeaderSettings& settings) {
  if (outer.upper_offset > packet.size()) return Failure{DropReason::InnerMalformed};
  TRY(IpView inner, parse_inner(packet.bytes().subspan(outer.upper_offset), next_protocol));
  const auto traffic_class =
      inner_traffic_class(mode_of(outer.is_v4(), settings), inner.traffic_class, outer.traffic_class);
  if (!traffic_class) return Failure{DropReason::EcnForbidden};

  packet.trim_front(outer.upper_offset);
  packet.trim_back(packet.size() - inner.total_length);
  if (*traffic_class != inner.traffic_class) {
    packet::set_traffic_class(packet.bytes(), *traffic_class);
    if (inner.is_v4()) packet::update_ipv4_checksum(packet.bytes());
    inner.traffic_class = *traffic_class;
  }
  return inner;
}

}  // namespace testudo::transform
