#pragma once
// The tunnel interfaces of `testudo tunnel`, as ipsecif(4) has them: a device for each, and the four policies that the
// system makes for it, which users can neither delete nor flush.  A device outlives a killed daemon, so that what is
// routed into it goes nowhere until the next daemon has it.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/testudod/tunnel_port.h"
#include "engine/settings.h"
#include "host/netlink.h"
#include "spd/database.h"

namespace testudo::app {

class Tunnels {
 public:
  struct Parts {
    spd::Database& spd;
    const engine::Settings& settings;
    host::Netlink& netlink;
    io::EventLoop& loop;
    std::vector<std::uint16_t> encapsulation_ports;
    std::function<void(TunnelPort&)> readable;
    std::function<void(const std::string&)> warn;
    TunnelPort::Lost lost;
  };
  explicit Tunnels(Parts parts) : parts_(std::move(parts)) {}
  ~Tunnels();
  /// Their devices stay, for a daemon that comes next.
  void leave() { ports_.clear(); }
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  /// The error is a sentence, and nothing is left behind.
  Status<std::string> add(const host::TunnelSpec& spec);
  Status<std::string> remove(const std::string& name);
  /// {"tunnels": […]} as JSON text.
  std::string list() const;

  bool empty() const { return ports_.empty(); }
  /// The next packets of a port for the engine; empty when nothing waits.
  std::span<wire::packet::PacketBuffer* const> read(TunnelPort& port);
  /// True when the packet, which the engine hands to the host, belongs to a tunnel; it is taken then.
  bool take(wire::packet::PacketBuffer& packet);
  void flush();

 private:
  Result<std::unique_ptr<TunnelPort>, std::string> make_device(const host::TunnelSpec& spec);
  Status<std::string> make_policies(TunnelPort& port);
  Status<std::string> clash_of(const host::TunnelSpec& spec) const;
  void take_away(TunnelPort& port);
  void warn_of_recursion(const TunnelPort& port);

  Parts parts_;
  std::vector<std::unique_ptr<TunnelPort>> ports_;
  Time warned_{};
};

}  // namespace testudo::app
