#pragma once
// Carries packets between the kernel and the engine, a batch at a time, and keeps the buffers they travel in.
#include <functional>
#include <mutex>
#include <vector>

#include "app/testudod/send_turns.h"
#include "app/testudod/tunnels.h"
#include "engine/engine.h"
#include "io/host_port.h"
#include "io/receiver.h"
#include "io/sender.h"
#include "io/slot.h"

namespace testudo::app {

class PacketPath final : public engine::Outbox {
 public:
  struct Listeners {
    std::function<void(const engine::Acquire&)> acquire;
    std::function<void(const engine::TraceStep&)> trace;
    std::function<void(const sad::Sa&, const net::Endpoint&)> new_mapping;
  };
  /// `turns`: of all workers.
  PacketPath(engine::Engine& engine, const io::Tun& tun, io::Sender sender, Listeners listeners, SendTurns& turns);

  /// Call while the TUN device is readable; bounded work a call.
  void from_host();
  /// The same for a tunnel interface.
  void from_tunnel(Tunnels& tunnels, TunnelPort& port);
  /// What goes to the host between the ends of one of these is theirs.
  void serve(Tunnels* tunnels) { tunnels_ = tunnels; }
  /// The same for packets of sockets with this policy of their own; null: it is not known any more.
  void from_sockets(io::HostPort& port, const spd::SocketPolicy* policy);
  /// Call while the receiver is readable; bounded work a call.  Overheard: the kernel has delivered its own copy of
  /// these.  IpInIp: the host's own tunnels receive these too, and only what an IPcomp tunnel left as it was is ours.
  enum class Role : std::uint8_t { Delivered, Overheard, IpInIp };
  void from_wire(io::Receiver& receiver, Role role);
  /// Trains of datagrams from this port go out by this socket: io::Sender::lend().
  void lend(net::Family family, std::uint16_t port, int socket) { sender_.lend(family, port, socket); }
  /// What the queues of a receiver had no room for, and what it had to pass over.
  void count_overflows(io::Receiver& receiver);
  /// What the queue of the host's side had no room for, counted since the start.
  void count_host_losses(std::uint64_t total);
  /// About once a second.
  void tick(Time now);

  /// While the rules of a killed daemon wait for policies, nothing that they mark goes out.
  void hold_outbound(bool hold) { hold_ = hold; }
  bool holds_outbound() const { return hold_; }

  /// Sends and delivers what to_wire() and to_host() were given from outside of an engine's call.
  void flush();
  /// Sends what to_wire() was given, also within one.
  void send();

  void to_wire(engine::PacketBuffer& packet, bool in_clear) override;
  void to_host(engine::PacketBuffer& packet) override { to_host_by_udp(packet, {}); }
  void to_host_by_udp(engine::PacketBuffer& packet, const sad::Ports& ports) override;
  void acquire(const engine::Acquire& wanted) override { listeners_.acquire(wanted); }
  void new_mapping(const sad::Sa& sa, const net::Endpoint& now_at) override { listeners_.new_mapping(sa, now_at); }
  void before_sealing(const sad::Sa& sa) override;
  void trace(const engine::TraceStep& step) override { listeners_.trace(step); }

 private:
  void carry_out(io::HostPort& port, const spd::SocketPolicy* of_socket, bool hold);
  void seal(std::span<engine::PacketBuffer* const> batch, const spd::SocketPolicy* of_socket, bool hold);
  std::span<io::Slot> fresh_slots();
  void flush_host();
  void end_turn();

  engine::Engine& engine_;
  io::HostPort host_;
  io::Sender sender_;
  Listeners listeners_;
  SendTurns& turns_;
  std::unique_lock<std::mutex> turn_;  ///< until what was sealed is sent
  Tunnels* tunnels_ = nullptr;
  TunnelPort::Lost lost_;
  std::uint64_t host_losses_ = 0;
  bool hold_ = false;
  Role role_ = Role::Delivered;  ///< of the packets that the engine works on

  std::vector<engine::PacketBuffer> incoming_, outgoing_;
  std::size_t queued_ = 0;  ///< of outgoing_
  std::vector<engine::PacketBuffer*> batch_;
  std::vector<io::Slot> slots_;
  std::size_t used_;  ///< of slots_ and incoming_, at the front: not fresh any more
  std::vector<Bytes> to_send_;
  std::vector<std::uint32_t> links_;  ///< by which those leave
};

}  // namespace testudo::app
