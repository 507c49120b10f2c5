#pragma once
// Which sockets have a policy of their own, for those who set it, for the engine and for the packet filter.  Everything
// about a socket is taken from the socket itself; its slot stands in its mark, which the kernel keeps for as long as
// the socket lives, hands on to what it accepts, and shows for each flow.  docs/adr/0016.  One thread, but for
// inbound().
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "host/settings.h"
#include "host/socket_diag.h"
#include "host/socket_ports.h"
#include "host/steering.h"
#include "io/fd.h"
#include "io/inet_socket.h"
#include "pfkey/server/errno.h"
#include "spd/database.h"
#include "wire/socket_request.h"

namespace testudo::app {

class SocketTable final : public engine::Sockets {
 public:
  using Errno = pfkey::server::Errno;
  /// Slots have got a meaning: makes the host act on them, or says that it does not.
  using PutInForce = std::function<bool(std::span<const unsigned> slots)>;
  /// Sockets with UDP_ENCAP have got other ports: receives what comes there, and says whether it does at `port`.
  using FollowPorts = std::function<bool(std::uint16_t port)>;

  SocketTable(spd::Database& spd, host::Settings settings, std::string state_file, PutInForce put_in_force,
              FollowPorts follow_ports);

  struct Asker {
    std::uint32_t user = 0;
    bool privileged = false;
  };
  /// Of the slots that the unprivileged share, so that nobody takes them from all others.
  static constexpr std::size_t kForOneUser = 3;
  /// 0 when done, else the errno of setsockopt(2).
  int set(const io::Fd& socket, const wire::SocketRequest& request, const Asker& asker, Time now);
  /// What was set for the direction in the request's policy, or ENTRUST.
  Result<ByteVector, int> get(const io::Fd& socket, const wire::SocketRequest& request);

  bool any_inbound() const override { return any_inbound_; }
  const spd::SocketPolicy* inbound(const net::Flow& flow, Time now) const override;

  const spd::SocketSlots& slots() const { return slots_; }
  /// Of sockets that have asked for UDP_ENCAP.  Those that had no port yet when they asked turn up here later.
  std::vector<host::SocketPort> encapsulation_ports() const;
  /// Marks of the slots of sockets with UDP_ENCAP; the ports are the caller's.
  host::SteeredSockets steered() const;
  /// A JSON array of what each slot says, for `testudo status --sockets`.
  std::string describe() const;

  /// Slots that a daemon before us left: their sockets may still be there.
  void restore(Time now);
  void closed(spd::SocketCookie socket) { slots_.closed(socket); }

 private:
  struct Known {
    unsigned slot = 0;
    Time until{};
  };
  using Slot = spd::SocketSlots::Slot;

  Result<Slot, int> wanted_of(const io::InetSocket& socket, const wire::SocketRequest& request, bool privileged,
                              Time now) const;
  const Slot* slot_of(const io::InetSocket& socket) const { return slots_.find(settings_.slot_of(socket.mark)); }
  Result<unsigned, int> slot_for(Slot wanted, std::uint32_t user);
  Result<unsigned, int> take_slot(Slot wanted, std::uint32_t user);
  unsigned vacant(bool privileged, std::uint32_t user) const;
  void reclaim();
  void install(unsigned slot, Slot content);
  void remove(unsigned slot);
  bool save() const;

  spd::Database& spd_;
  host::Settings settings_;
  std::string state_file_;
  PutInForce put_in_force_;
  FollowPorts follow_ports_;
  spd::SocketSlots slots_;
  std::map<unsigned, std::uint32_t> made_for_;  ///< the user whose sockets a slot serves
  bool any_inbound_ = false;
  mutable std::mutex asking_;  ///< of inbound()
  mutable std::optional<host::SocketDiag> diag_;
  mutable std::unordered_map<net::Flow, Known> known_;
};

}  // namespace testudo::app
