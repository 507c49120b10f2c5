#include "transform/ip_in_ip.h"

#include <algorithm>

#include "net/protocol.h"
#include "transform/ecn.h"

namespace testudo::transform {

Status<DropReason> enclose(PacketBuffer& packet, const IpView& inner, const IpInIp& between,
                           const HeaderSettings& settings) {
  constexpr std::size_t kLargestPacket = 65535;
  wire::packet::OuterHeader outer;
  outer.source = between.source;
  outer.destination = between.destination;
  outer.protocol = inner.is_v4() ? net::protocol::kIpv4 : net::protocol::kIpv6;
  outer.traffic_class =
      outer_traffic_class(ecn_mode(outer.source.is_v4() ? settings.ecn_v4 : settings.ecn_v6), inner.traffic_class);
  outer.ttl = static_cast<std::uint8_t>(std::clamp(settings.default_ttl, 1, 255));
  outer.identification = between.identification;
  packet.trim_back(packet.size() - inner.total_length);
  const std::size_t payload = packet.size(), header = wire::packet::outer_length(outer);
  if (payload + header > kLargestPacket) return Failure{DropReason::TooBig};
  if (!packet.prepend(header)) return Failure{DropReason::NoRoom};
  wire::packet::write_outer(packet.bytes().first(header), outer, payload);
  return Done{};
}

}  // namespace testudo::transform
