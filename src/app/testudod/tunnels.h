#pragma once
// The tunnel interfaces of `testudo tunnel`, as ipsecif(4) has them: a device for each, and the four policies that the
// system makes for it, which users can neither delete nor flush.  A device outlives a killed daemon, so that what is
// routed into it goes nowhere until the next daemon has it.
#include <functional>
#include <memory>
#include <mutex>
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
    std::string run_dir;  ///< its name marks the devices as this daemon's, or as of one before it
    io::EventLoop& loop;
    std::vector<std::uint16_t> encapsulation_ports;
    std::function<void(TunnelPort&)> readable;
    std::function<void(const std::string&)> warn;
    TunnelPort::Lost lost;  ///< of read()
  };
  explicit Tunnels(Parts parts);
  ~Tunnels();
  /// Their devices stay, for a daemon that comes next.
  void leave() { ports_.clear(); }
  /// Takes away what daemons before this one left and nobody asked for again.
  void take_leftovers();
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  /// The error is a sentence, and nothing is left behind.
  Status<std::string> add(const host::TunnelSpec& spec);
  Status<std::string> remove(const std::string& name);
  /// {"tunnels": […]} as JSON text.
  std::string list() const;

  bool empty() const { return ports_.empty(); }
  /// Has the next packets of a port for the engine in its outgoing(); 0 when nothing waits.
  std::size_t read(TunnelPort& port);
  /// The engine is done with them: what they used is the SPD's.
  void settle(TunnelPort& port);
  /// True when the packet, which the engine hands to the host, is between the ends of a tunnel; it is taken then.
  /// `ports`: of the SA that held it, if that is one of NAT-T.
  /// This and flush(): of several workers at once, each with what counts its losses.
  bool take(wire::packet::PacketBuffer& packet, const sad::Ports& ports, const TunnelPort::Lost& lost);
  void flush(const TunnelPort::Lost& lost);

 private:
  Result<std::unique_ptr<TunnelPort>, std::string> make_device(const host::TunnelSpec& spec);
  Status<std::string> make_policies(TunnelPort& port);
  void give_own_policies(TunnelPort& port);
  bool is_shared(const TunnelPort& port, PolicyId policy) const;
  Status<std::string> clash_of(const host::TunnelSpec& spec) const;
  void take_policies(TunnelPort& port);
  void take_away(TunnelPort& port);
  void warn_of_recursion(const TunnelPort& port);

  Parts parts_;
  std::string alias_;
  std::vector<std::unique_ptr<TunnelPort>> ports_;
  std::mutex delivering_;
  Time warned_{};
};

}  // namespace testudo::app
