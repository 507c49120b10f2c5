#pragma once
// One tunnel interface at work: its TUN device, and the way of packets through it.  What the host routes into the
// device is put into IP between the tunnel's ends, as gif(4) does, and goes on to the engine, whose policy for those
// ends protects it; what the engine hands to the host between them comes out of the device without that header.
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/strong.h"
#include "host/tunnel_spec.h"
#include "io/event_loop.h"
#include "io/host_port.h"
#include "net/drop_reason.h"
#include "sad/sa.h"
#include "spd/socket_slots.h"
#include "transform/settings.h"
#include "wire/packet/ip.h"

namespace testudo::app {

class TunnelPort {
 public:
  using PacketBuffer = wire::packet::PacketBuffer;
  struct Traffic {
    std::uint64_t packets = 0, bytes = 0;
  };
  /// What was read for IPv4 or IPv6 inside, and by which policy it goes: for ESP in UDP one with the tunnel's own
  /// ports, which stands in front of the SPD's as a privileged socket's does; else the SPD's.
  struct Outgoing {
    std::vector<PacketBuffer*> packets;
    std::optional<spd::SocketPolicy> own;
  };
  /// Called with a packet that goes no further.
  using Lost = std::function<void(net::DropReason, Bytes)>;

  TunnelPort(host::TunnelSpec spec, io::Tun tun);

  const host::TunnelSpec& spec() const { return spec_; }
  const io::Tun& tun() const { return tun_; }
  const Traffic& in() const { return in_; }
  const Traffic& out() const { return out_; }

  /// True of what this tunnel, or its protection, has made.
  bool is_own_output(const wire::packet::IpView& ip) const;
  /// Has what the host wants to send in outgoing(), each between the tunnel's ends; how many, and that may be 0 before
  /// the end.  `again` tells packets that came through a tunnel before.
  std::size_t read(const std::function<bool(const wire::packet::IpView&)>& again,
                   const transform::HeaderSettings& settings, const Lost& lost);
  /// For IPv4 and for IPv6 inside.
  std::span<Outgoing, 2> outgoing() { return outgoing_; }
  bool pending() const { return host_.pending(); }
  bool drained() const { return host_.drained(); }

  /// IP in IP between the tunnel's two ends.
  bool has_ends_of(const wire::packet::IpView& outer) const;
  /// Came by an SA with these UDP ports (0: without UDP), so it is not another tunnel's between the same ends.
  bool has_ports(const sad::Ports& ports) const;
  /// Takes a packet of this tunnel and leaves an empty buffer in its place.
  void take(PacketBuffer& packet, const wire::packet::IpView& outer, const transform::HeaderSettings& settings,
            const Lost& lost);
  void flush(const Lost& lost);

  std::vector<PolicyId> policies;  ///< of the SPD; tunnels between the same two ends have the same
  io::EventLoop::Watch watch;      ///< last: gone before the device closes

 private:
  host::TunnelSpec spec_;
  io::Tun tun_;
  io::HostPort host_{tun_};
  std::array<Outgoing, 2> outgoing_;
  Traffic in_, out_;
  std::uint16_t identification_ = 1;
};

}  // namespace testudo::app
