#pragma once
// One tunnel interface at work: its TUN device, and the way of packets through it.  What the host routes into the
// device is put into IP between the tunnel's ends, as gif(4) does, and goes on to the engine, whose policy for those
// ends protects it; what the engine hands to the host between them comes out of the device without that header.
#include <array>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/strong.h"
#include "host/tunnel_spec.h"
#include "io/event_loop.h"
#include "io/host_port.h"
#include "net/drop_reason.h"
#include "transform/settings.h"
#include "wire/packet/ip.h"

namespace testudo::app {

class TunnelPort {
 public:
  using PacketBuffer = wire::packet::PacketBuffer;
  struct Traffic {
    std::uint64_t packets = 0, bytes = 0;
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
  /// What the host wants to send, each between the tunnel's ends; may be empty before the end.  `again` tells packets
  /// that came through a tunnel before.
  std::span<PacketBuffer* const> read(const std::function<bool(const wire::packet::IpView&)>& again,
                                      const transform::HeaderSettings& settings, const Lost& lost);
  bool pending() const { return host_.pending(); }

  /// True when the packet is one of this tunnel's; it is taken then, and an empty buffer left in its place.
  bool take(PacketBuffer& packet, const wire::packet::IpView& outer, const transform::HeaderSettings& settings,
            const Lost& lost);
  void flush(const Lost& lost);

  std::vector<PolicyId> policies;
  io::EventLoop::Watch watch;  ///< last: gone before the device closes

 private:
  host::TunnelSpec spec_;
  io::Tun tun_;
  io::HostPort host_{tun_};
  std::vector<PacketBuffer*> batch_;
  Traffic in_, out_;
  std::uint16_t identification_ = 1;
};

}  // namespace testudo::app
