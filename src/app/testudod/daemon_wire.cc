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
      .workers = workers_.size(),
      .offload = attachment_->tun().offload()};  // what a packet socket takes came with what a TUN does
  if (wanted) spec.interfaces = {options_.wire_inside, options_.wire_outside};
  auto lanes = WireLanes::take(spec, attachment_->netlink());
  if (!lanes) return Failure{lanes.error()};
  if (!wanted) return Done{};
  lanes_ = std::make_unique<WireLanes>(*std::move(lanes));
  for (const WireLanes::Lane& lane : lanes_->lanes()) {
    if (!lane.why_not_xdp.empty()) log_.info("not by AF_XDP: " + lane.why_not_xdp);
  }
  for (std::size_t i = 0; i < lanes_->carriers(); ++i) TRY_DONE(open_wire(*workers_[i]));
  return Done{};
}

Status<std::string> Daemon::open_wire(Worker& worker) {
  auto netlink = host::Netlink::open();
  if (!netlink) return Failure{netlink.error().to_string()};
  worker.wire_netlink = *std::move(netlink);
  const auto ask = [&worker, mark = options_.host.own_mark()](const net::Address& to) {
    return worker.wire_netlink->next_hop(to, mark);
  };
  worker.wire = std::make_unique<WirePath>(
      WirePath::Parts{*worker.engine, *worker.view, *worker.packets, host::NextHops{ask}, error_limits_, turns_});
  for (WireLanes::Lane& lane : lanes_->lanes()) {
    for (const WireLanes::Held& held : lane.sockets) {
      if (held.worker != worker.number) continue;
      io::FrameSocket* const socket = held.socket.get();
      worker.wire->add(lane.link.index, lane.link.mac, *socket);
      watches_.push_back(worker.loop.watch(socket->fd(), [&worker, socket] { worker.wire->from_interface(*socket); }));
    }
  }
  return Done{};
}

/// Addresses, links or routes changed.
void Daemon::heed_host() {
  for (const auto& worker : workers_) {
    worker->view->forget();
    if (worker->wire) worker->wire->forget_hops();
  }
  if (!lanes_) return;
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
