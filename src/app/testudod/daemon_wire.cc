// `attach = wire`: beside the attachment to the host, two interfaces whose frames testudod forwards by itself.
#include "app/testudod/daemon.h"
#include "io/clock.h"

namespace testudo::app {

std::string Daemon::wire_file() const {
  return options_.run_dir + "/wire";
}

/// With any other mode: takes away what a daemon before this one left on interfaces.  The nft rules of the host's
/// attachment are in force by then.
Status<std::string> Daemon::take_wire() {
  const bool wanted = options_.attach == Options::Attach::Wire;
  WireLanes::Spec spec{
      .interfaces = {},
      .encapsulation_ports = options_.host.encapsulation_ports,
      .state_file = wire_file(),
      .io = options_.wire_io,
      .offload = attachment_->tun().offload()};  // what a packet socket takes came with what a TUN does
  if (wanted) spec.interfaces = {options_.wire_inside, options_.wire_outside};
  auto lanes = WireLanes::take(spec, attachment_->netlink());
  if (!lanes) return Failure{lanes.error()};
  if (!wanted) return Done{};
  lanes_ = std::make_unique<WireLanes>(*std::move(lanes));
  auto netlink = host::Netlink::open();
  if (!netlink) return Failure{netlink.error().to_string()};
  wire_netlink_ = *std::move(netlink);
  const auto ask = [this](const net::Address& to) { return wire_netlink_->next_hop(to, options_.host.own_mark()); };
  wire_ = std::make_unique<WirePath>(
      WirePath::Parts{engine(), *first().view, *first().packets, host::NextHops{ask}, error_limits_});
  for (WireLanes::Lane& lane : lanes_->lanes()) {
    if (!lane.why_not_xdp.empty()) log_.info("not by AF_XDP: " + lane.why_not_xdp);
    wire_->add(lane.link.index, lane.link.mac, *lane.sockets.front());
    for (const auto& held : lane.sockets) {
      io::FrameSocket* const socket = held.get();
      watches_.push_back(first().loop.watch(socket->fd(), [this, socket] { wire_->from_interface(*socket); }));
    }
  }
  return Done{};
}

/// Addresses, links or routes changed.
void Daemon::heed_host() {
  for (const auto& worker : workers_) worker->view->forget();
  if (!wire_) return;
  wire_->forget_hops();
  gate_.aside([this] { lanes_->follow_addresses(attachment_->netlink()); });
}

/// `nft flush ruleset` spares nobody's tables; without ours the kernel forwards, by the rules of the host's attachment.
void Daemon::keep_wire() {
  if (!lanes_ || gate_.aside([this] { return lanes_->in_place(); })) return;
  log_.error("an nft table that turns frames over to this testudod was removed (by `nft flush ruleset`?)");
  if (const auto done = gate_.aside([this] { return lanes_->put_back(); }); !done)
    return log_.error("it cannot be put back (tried again each second): " + done.error().to_string());
  log_.info("it is there again");
}

void Daemon::release_wire() {
  if (attachment_) WireLanes::detach(wire_file(), attachment_->netlink());
}

}  // namespace testudo::app
