// The daemon's part in policies of single sockets: who serves them, the devices by which their packets come, and what
// the packet filter makes of them.
#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "app/testudod/daemon.h"
#include "host/socket_ports.h"
#include "io/clock.h"

namespace testudo::app {
namespace {

constexpr unsigned kSocketMode = 0666;  // whoever has a socket may give it a policy
constexpr Duration kBetweenWarnings = std::chrono::seconds{10};

}  // namespace

Status<std::string> Daemon::serve_sockets() {
  auto listener = io::SeqPacketListener::listen(options_.run_dir + "/socket.sock", kSocketMode);
  if (!listener) return Failure{listener.error().to_string()};
  std::optional<io::SeqPacketListener> by_name;
  if (auto named = io::SeqPacketListener::listen_by_name(options_.run_dir + "/socket.sock")) {
    by_name = *std::move(named);
  } else {
    log_.warning("programs that have another root cannot use their sockets' options: " + named.error().to_string());
  }
  auto monitor = host::SocketMonitor::open();
  if (!monitor) {
    log_.warning("sockets cannot have policies of their own: " + monitor.error().to_string());
    return Done{};
  }
  socket_monitor_ = *std::move(monitor);
  watches_.push_back(loop_.watch(socket_monitor_->fd(), [this] {
    // Of one that was lost here the slot stays taken.
    static_cast<void>(socket_monitor_->drain([this](std::uint64_t cookie) { sockets_->closed(cookie); }));
  }));
  sockets_->restore(io::now());
  socket_service_ = std::make_unique<SocketService>(loop_, *std::move(listener), std::move(by_name), *sockets_, gate_);
  return Done{};
}

/// Before setsockopt() returns: the device is there, and the rules lead to it.
bool Daemon::put_in_force(std::span<const unsigned> slots) {
  for (const unsigned slot : slots) {
    const auto* content = sockets_->slots().find(slot);
    if (content == nullptr || (!content->in && !content->out)) continue;
    settings_.used = 1;
    const auto device = attachment_->socket_device(slot);
    if (!device) {
      log_.error("a socket cannot have its policy: " + device.error().to_string());
      return false;
    }
    if (!socket_ports_.contains(slot)) receive_from_sockets(slot, **device);
  }
  // What the rules let through is steered already, or a socket would get ESP as if it were clear.
  if (!follow_socket_ports(0)) return false;
  if (const auto applied = apply_rules_of_sockets(); !applied) {
    log_.error("a socket cannot have its policy: " + applied.error().to_string());
    return false;
  }
  return true;
}

/// Receives ESP for the ports of sockets with UDP_ENCAP, and for no others; true when `port` (0: any) is among them.
bool Daemon::follow_socket_ports(std::uint16_t port) {
  const auto& configured = options_.host.encapsulation_ports;
  const auto is_configured = [&](std::uint16_t p) { return std::ranges::find(configured, p) != configured.end(); };
  std::vector<host::SocketPort> asked = sockets_->encapsulation_ports();
  std::erase_if(asked, [&](const host::SocketPort& p) { return is_configured(p.port); });
  std::set<std::uint16_t> served;
  for (const SocketReceiver& of : socket_receivers_) served.insert(of.steer.port);
  const auto chosen = host::choose_ports(asked, served);
  std::erase_if(socket_receivers_, [&](const SocketReceiver& of) { return !chosen.contains(of.steer.port); });
  for (const std::uint16_t wanted : chosen) {
    if (!served.contains(wanted)) open_socket_port(wanted);
  }
  const bool serves = port == 0 || is_configured(port) || chosen.contains(port);
  if (!serves) warn_of_too_many_ports(port);
  return steer_sockets() && serves;
}

/// Seldom: anybody may ask, as often as he likes.
void Daemon::warn_of_too_many_ports(std::uint16_t port) {
  const Time now = io::now();
  if (warned_of_ports_ != Time{} && now - warned_of_ports_ < kBetweenWarnings) return;
  warned_of_ports_ = now;
  log_.warning("UDP_ENCAP of a socket of port " + std::to_string(port) + " is refused: a user without privilege has " +
               std::to_string(host::kForOneUsersPorts) + " such ports, all of them " +
               std::to_string(host::kForUnprivilegedPorts) + ", and everybody together " +
               std::to_string(host::kMostSocketPorts));
}

void Daemon::open_socket_port(std::uint16_t port) {
  for (const net::Family family : {net::Family::V4, net::Family::V6}) {
    auto udp = io::Receiver::udp_encapsulation(family, port, attachment_->tun().index());
    if (!udp) {
      log_.warning("ESP in UDP is not received: " + udp.error().to_string());
      continue;
    }
    auto kept = std::make_unique<io::Receiver>(*std::move(udp));
    io::Receiver* const receiver = kept.get();
    auto watch = first().loop.watch(
        receiver->fd(), [this, receiver] { first().packets->from_wire(*receiver, PacketPath::Role::Delivered); });
    socket_receivers_.push_back({{family, port, receiver->local_port()}, std::move(kept), std::move(watch)});
  }
}

bool Daemon::steer_sockets() {
  host::SteeredSockets wanted = sockets_->steered();
  std::vector<std::uint16_t> ports;
  for (const SocketReceiver& of : socket_receivers_) {
    wanted.ports.push_back(of.steer);
    ports.push_back(of.steer.port);
  }
  if (wanted == steered_sockets_) return true;
  for (const auto& worker : workers_) worker->engine->set_socket_ports(ports);
  if (const auto steered = gate_.aside([&] { return attachment_->steer(wanted); }); !steered) {
    log_.error("sockets cannot have their ESP taken out: " + steered.error().to_string());
    return false;
  }
  steered_sockets_ = std::move(wanted);
  return true;
}

void Daemon::receive_from_sockets(unsigned slot, const io::Tun& device) {
  io::HostPort& port = *socket_ports_.emplace(slot, std::make_unique<io::HostPort>(device)).first->second;
  watches_.push_back(first().loop.watch(device.fd(), [this, slot, &port] {
    const auto* content = sockets_->slots().find(slot);
    first().packets->from_sockets(port, content != nullptr && content->out ? &*content->out : nullptr);
  }));
}

Status<io::SystemError> Daemon::apply_rules_of_sockets() {
  const auto rules = socket_rules(sockets_->slots(), settings_);
  return gate_.aside([&] { return attachment_->apply(rules); });
}

/// After variables that decide about them (enabled, *_deflev).
void Daemon::apply_socket_rules() {
  if (!sockets_ || socket_ports_.empty()) return;
  if (const auto applied = apply_rules_of_sockets(); !applied) {
    log_.error("the host's packet filter does not follow the policies of sockets: " + applied.error().to_string());
  }
}

}  // namespace testudo::app
