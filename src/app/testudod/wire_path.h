#pragma once
// Carries frames between two interfaces through the engine, as a router does: what is not for this host is judged as
// something that came in, its TTL is counted down, and it is judged as something that goes out (RFC 4301 section 5, and
// ip_input() and ip_output() of NetBSD):
//
//   frame ─► inbound() ─► for us? ─ yes ─► the host's way (PacketPath)
//                           no ─► TTL ─► outbound() ─► next hop known, on our interfaces? ─► frame
//                                                      no ─► the host's way, which resolves it
//
// One thread: each worker has its own, with sockets of its own.
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "app/testudod/packet_path.h"
#include "base/tally.h"
#include "base/token_bucket.h"
#include "engine/engine.h"
#include "host/next_hops.h"
#include "io/frame_socket.h"
#include "io/slot.h"
#include "wire/packet/ip.h"

namespace testudo::app {

/// How many ICMP errors leave about what is forwarded (RFC 4443 section 2.4 (f), RFC 1812 section 4.3.2.8).  A bucket
/// for each kind: who floods with small TTLs keeps nobody from learning what fits.  Of all workers.
struct ErrorLimits {
  static constexpr TokenBucket::Rate kRate{.a_second = 1000, .burst = 50};
  TokenBucket time_exceeded{kRate}, too_big{kRate};
  Tally<std::uint64_t> withheld;  ///< errors that were not sent
};

class WirePath final : public engine::Outbox {
 public:
  struct Parts {
    engine::Engine& engine;
    const engine::Host& view;
    PacketPath& host_way;
    host::NextHops hops;
    ErrorLimits& limits;
    SendTurns& turns;
  };
  explicit WirePath(Parts parts);

  /// Frames may leave by this interface, from this address, by the first socket of it; `socket` must outlive this.
  void add(unsigned device, const io::MacAddress& own, io::FrameSocket& socket);
  /// Call while the socket is readable; bounded work a call.
  void from_interface(io::FrameSocket& socket);
  /// Addresses, routes or neighbours changed.
  void forget_hops() { parts_.hops.forget(); }
  /// What the rings had no room for, counted since the start.
  void count_losses(std::uint64_t total);

  void to_wire(engine::PacketBuffer& packet, bool in_clear) override;
  void to_host(engine::PacketBuffer& packet) override { to_host_by_udp(packet, {}); }
  void to_host_by_udp(engine::PacketBuffer& packet, const sad::Ports& ports) override;
  void acquire(const engine::Acquire& wanted) override { parts_.host_way.acquire(wanted); }
  void new_mapping(const sad::Sa& sa, const net::Endpoint& at) override { parts_.host_way.new_mapping(sa, at); }
  void before_sealing(const sad::Sa& sa) override;
  void trace(const engine::TraceStep& step) override { parts_.host_way.trace(step); }

 private:
  struct Exit {
    unsigned device;
    io::MacAddress own;
    io::FrameSocket* socket;
  };
  /// What the engine was called for.
  enum class Stage : std::uint8_t { Arriving, Departing, Answering };

  bool read(io::FrameSocket& socket);
  void flush();
  void send();
  void forward();
  void send_on(std::span<engine::PacketBuffer> packets, std::size_t n, Stage stage);
  bool is_for_host(const net::Address& destination) const;
  bool is_martian(const net::Address& source) const;
  void route(engine::PacketBuffer& packet, const wire::packet::IpView& ip);
  void answer(TokenBucket& limit, Bytes message);
  void tell_time_exceeded(Bytes packet, const wire::packet::IpView& ip);
  engine::PacketBuffer* room(std::vector<engine::PacketBuffer>& queue, std::size_t& queued, Bytes packet);
  const Exit* exit_by(unsigned device) const;

  Parts parts_;
  std::vector<Exit> exits_;
  Stage stage_ = Stage::Arriving;
  Time now_{};
  std::uint64_t losses_ = 0;
  std::unique_lock<std::mutex> turn_;  ///< as PacketPath's

  std::vector<engine::PacketBuffer> incoming_;
  std::vector<engine::PacketBuffer> routed_, answers_;  ///< to be sent on; ICMP of ours about what was
  std::size_t routed_count_ = 0, answer_count_ = 0;
  std::vector<engine::PacketBuffer*> batch_;
  io::FrameSocket::Lost malformed_, refused_;
};

}  // namespace testudo::app
