#pragma once
// Carries packets between the kernel and the engine, a batch at a time, and keeps the buffers they travel in.
#include <functional>
#include <vector>

#include "engine/engine.h"
#include "io/receiver.h"
#include "io/sender.h"
#include "io/slot.h"
#include "io/tun.h"

namespace testudo::app {

class PacketPath final : public engine::Outbox {
 public:
  struct Listeners {
    std::function<void(const engine::Acquire&)> acquire;
    std::function<void(const engine::TraceStep&)> trace;
  };
  PacketPath(engine::Engine& engine, const io::Tun& tun, io::Sender sender, Listeners listeners);

  /// Call while the TUN device is readable; bounded work a call.
  void from_host();
  /// Call while the receiver is readable; bounded work a call.  Overheard: the kernel has delivered its own copy of
  /// these.  IpInIp: the host's own tunnels receive these too, and only what an IPcomp tunnel left as it was is ours.
  enum class Role : std::uint8_t { Delivered, Overheard, IpInIp };
  void from_wire(io::Receiver& receiver, Role role);
  /// About once a second.
  void tick(Time now);

  /// While the rules of a killed daemon wait for policies, nothing that they mark goes out.
  void hold_outbound(bool hold) { hold_ = hold; }

  void to_wire(engine::PacketBuffer& packet, bool in_clear) override;
  void to_host(engine::PacketBuffer& packet) override;
  void acquire(const engine::Acquire& wanted) override { listeners_.acquire(wanted); }
  void trace(const engine::TraceStep& step) override { listeners_.trace(step); }

 private:
  std::size_t read_tun();
  void flush();

  engine::Engine& engine_;
  const io::Tun& tun_;
  io::Sender sender_;
  Listeners listeners_;
  bool hold_ = false;
  Role role_ = Role::Delivered;  ///< of the packets that the engine works on

  std::vector<engine::PacketBuffer> incoming_, outgoing_;
  std::size_t queued_ = 0;  ///< of outgoing_
  std::vector<engine::PacketBuffer*> batch_;
  std::vector<io::Slot> slots_;
  std::vector<Bytes> to_send_;
};

}  // namespace testudo::app
