// The daemon's UDP ports: ESP and keepalives that were sent to an encapsulation port are steered to sockets of its own;
// the port itself is the key daemon's, and held for it while there is none.
#include <iterator>
#include <utility>

#include "app/testudod/daemon.h"

namespace testudo::app {

Status<std::string> Daemon::open_encapsulation_ports() {
  std::vector<host::Steer> steers;
  for (const std::uint16_t port : options_.host.encapsulation_ports) {
    for (const net::Family family : {net::Family::V4, net::Family::V6}) {
      auto group = io::Receiver::udp_encapsulation(family, port, attachment_->tun().index(),
                                                   static_cast<std::uint32_t>(workers_.size()));
      if (!group) {
        log_.warning("ESP in UDP is not received: " + group.error().to_string());
        continue;
      }
      steers.push_back({family, port, group->front().local_port()});
      receive_encapsulated(family, port, *std::move(group));
    }
  }
  if (const auto steered = gate_.aside([&] { return attachment_->steer(steers); }); !steered)
    return Failure{steered.error().to_string()};
  hold_ports();
  return Done{};
}

/// A socket for each worker.
void Daemon::receive_encapsulated(net::Family family, std::uint16_t port, std::vector<io::Receiver> group) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = *workers_[i];
    if (options_.host.offload) {
      group[i].join_messages();
      worker.packets->lend(family, port, group[i].fd());
    }
    receive_from(worker, std::move(group[i]));
  }
}

/// Takes the ports that nobody has, so that IKE messages for nobody are counted and not answered by ICMP.
void Daemon::hold_ports() {
  for (const std::uint16_t port : options_.host.encapsulation_ports) {
    if (held_ports_.contains(port)) continue;
    auto hold = io::PortHold::take(port);
    if (!hold) continue;
    const int fd = hold->fd();
    held_ports_.emplace(port, Held{*std::move(hold), false, loop_.watch(fd, [this, port] { heed_ike(port); })});
  }
}

void Daemon::heed_ike(std::uint16_t port) {
  const auto held = held_ports_.find(port);
  if (held == held_ports_.end()) return;
  ike_unclaimed_ += held->second.hold.drain();
  held->second.heard = true;
}

/// A key daemon may be there, and the kernel have given its messages to us.
void Daemon::release_contested_ports() {
  for (auto held = held_ports_.begin(); held != held_ports_.end();) {
    const bool release = std::exchange(held->second.heard, false) && held->second.hold.contested();
    held = release ? held_ports_.erase(held) : std::next(held);
  }
}

}  // namespace testudo::app
