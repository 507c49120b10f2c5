#include "app/testudod/tunnel_port.h"

#include <algorithm>
#include <utility>

#include "net/drop_reason.h"
#include "net/protocol.h"
#include "transform/ip_in_ip.h"
#include "transform/tunnel_outer.h"

namespace testudo::app {
namespace {

using net::DropReason;
using wire::packet::IpView;

bool is_ip(std::uint8_t protocol) {
  return protocol == net::protocol::kIpv4 || protocol == net::protocol::kIpv6;
}

}  // namespace

TunnelPort::TunnelPort(host::TunnelSpec spec, io::Tun tun) : spec_(std::move(spec)), tun_(std::move(tun)) {}

bool TunnelPort::is_own_output(const IpView& ip) const {
  const std::uint8_t made = spec_.nat ? net::protocol::kUdp : net::protocol::kEsp;
  return ip.source == spec_.local && ip.destination == spec_.remote &&
         (ip.upper_protocol == made || is_ip(ip.upper_protocol));
}

std::size_t TunnelPort::read(const std::function<bool(const IpView&)>& again, const transform::HeaderSettings& settings,
                             const Lost& lost) {
  std::size_t count = 0;
  for (Outgoing& outgoing : outgoing_) outgoing.packets.clear();
  const auto waiting = host_.read([&](Bytes packet) { lost(DropReason::OutboundInvalid, packet); });
  for (PacketBuffer* packet : waiting) {
    const auto ip = wire::packet::parse_ip(packet->bytes());
    if (!ip || again(*ip)) {
      lost(ip ? DropReason::TunnelRecursion : DropReason::OutboundInvalid, packet->bytes());
      continue;
    }
    const std::size_t size = ip->total_length;
    const std::size_t inside = ip->is_v4() ? 0 : 1;
    const transform::IpInIp between{spec_.local, spec_.remote, identification_};
    if (const auto done = transform::enclose(*packet, *ip, between, settings); !done) {
      lost(done.error(), packet->bytes());
      continue;
    }
    if (++identification_ == 0) identification_ = 1;
    ++out_.packets;
    out_.bytes += size;
    outgoing_[inside].packets.push_back(packet);
    ++count;
  }
  return count;
}

bool TunnelPort::has_ends_of(const IpView& outer) const {
  return is_ip(outer.upper_protocol) && outer.source == spec_.remote && outer.destination == spec_.local;
}

bool TunnelPort::has_ports(const sad::Ports& ports) const {
  return !spec_.nat || sad::fits({spec_.nat->remote, spec_.nat->local}, ports);
}

void TunnelPort::take(PacketBuffer& packet, const IpView& outer, const transform::HeaderSettings& settings,
                      const Lost& lost) {
  const auto inner = transform::strip_outer(packet, outer, outer.upper_protocol, settings);
  if (!inner) return lost(inner.error(), packet.bytes());
  ++in_.packets;
  in_.bytes += inner->total_length;
  if (host_.give(packet)) return;
  flush(lost);
  static_cast<void>(host_.give(packet));  // there is room now
}

void TunnelPort::flush(const Lost& lost) {
  host_.flush([&](Bytes packet) { lost(DropReason::HostQueueFull, packet); });
}

}  // namespace testudo::app
