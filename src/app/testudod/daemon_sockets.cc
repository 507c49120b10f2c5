// The daemon's part in policies of single sockets: who serves them, the devices by which their packets come, and what
// the packet filter makes of them.
#include "app/testudod/daemon.h"
#include "io/clock.h"

namespace testudo::app {
namespace {

constexpr unsigned kSocketMode = 0666;  // whoever has a socket may give it a policy

}  // namespace

Status<std::string> Daemon::serve_sockets() {
  auto listener = io::SeqPacketListener::listen(options_.run_dir + "/socket.sock", kSocketMode);
  if (!listener) return Failure{listener.error().to_string()};
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
  socket_service_ = std::make_unique<SocketService>(loop_, *std::move(listener), *sockets_);
  return Done{};
}

/// Before setsockopt() returns: the device is there, and the rules lead to it.
bool Daemon::put_in_force(std::span<const unsigned> slots) {
  for (const unsigned slot : slots) {
    const auto device = attachment_->socket_device(slot);
    if (!device) {
      log_.error("a socket cannot have its policy: " + device.error().to_string());
      return false;
    }
    if (!socket_ports_.contains(slot)) receive_from_sockets(slot, **device);
  }
  settings_.used = 1;
  if (const auto applied = attachment_->apply(socket_rules(sockets_->slots(), settings_)); !applied) {
    log_.error("a socket cannot have its policy: " + applied.error().to_string());
    return false;
  }
  return true;
}

void Daemon::receive_from_sockets(unsigned slot, const io::Tun& device) {
  io::HostPort& port = *socket_ports_.emplace(slot, std::make_unique<io::HostPort>(device)).first->second;
  watches_.push_back(loop_.watch(device.fd(), [this, slot, &port] {
    const auto* content = sockets_->slots().find(slot);
    packets_->from_sockets(port, content != nullptr && content->out ? &*content->out : nullptr);
    pfkey_->pump();
  }));
}

/// After variables that decide about them (enabled, *_deflev).
void Daemon::apply_socket_rules() {
  if (!sockets_ || socket_ports_.empty()) return;
  if (const auto applied = attachment_->apply(socket_rules(sockets_->slots(), settings_)); !applied) {
    log_.error("the host's packet filter does not follow the policies of sockets: " + applied.error().to_string());
  }
}

}  // namespace testudo::app
