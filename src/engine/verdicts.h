#pragma once
// Where packets end.  Each packet that enters a call of the engine leaves it through exactly one of to_wire(),
// to_host(), drop(), held() or joined(): here is the only place that writes the counters of their sum, so that nothing
// can disappear.  One object for one call of Engine::outbound() or inbound(), with that call's time and Outbox.
#include <span>

#include "engine/engine.h"
#include "engine/passage.h"

namespace testudo::engine {

/// What outlives the calls: the counters, and whether somebody watches.
struct Ledger {
  Statistics statistics{};
  std::uint64_t packets_seen = 0;
  /// The numbers of packets: each number_step-th, this far below, so that those of several engines differ.
  std::uint64_t number_step = 1, number_back = 0;
  bool tracing = false, tracing_entries = false;
};

class Verdicts {
 public:
  Verdicts(Ledger& ledger, Outbox& out, Time now) : ledger_(ledger), out_(out), now_(now) {}
  Verdicts(const Verdicts&) = delete;
  Verdicts& operator=(const Verdicts&) = delete;

  Time now() const { return now_; }
  Statistics& statistics() { return ledger_.statistics; }

  /// A packet enters.
  Passage enter(PacketBuffer& packet, spd::Direction direction);
  /// So many packets enter, of which none is traced.
  void enter(std::size_t packets, spd::Direction direction);
  /// A packet of ours: a fragment beyond the first.
  void made_fragment() { ++statistics().fragments_made; }

  void to_wire(const Passage& passage, bool in_clear);
  /// `ports`: of the SA of NAT-T whose IP in IP this is, if it is.
  void to_host(const Passage& passage, const sad::Ports& ports = {});
  /// Packets that are not traced.
  void to_wire(std::span<PacketBuffer* const> sealed);
  void to_wire_in_clear(PacketBuffer& packet);
  void to_host(std::span<PacketBuffer* const> opened);
  void drop(net::DropReason reason, const net::Flow& flow, const LayerName& layer);
  /// An ICMP message of ours, for the host's stack.
  void icmp_to_host(PacketBuffer& message);
  void drop(net::DropReason reason, const Passage& passage, const LayerName& layer = {});
  /// A message for the engine itself, which has done what it says.
  void consumed() { ++statistics().consumed; }
  void acquire(const Acquire& wanted) { out_.acquire(wanted); }
  void before_sealing(const sad::Sa& sa) { out_.before_sealing(sa); }
  void new_mapping(const sad::Sa& sa, const net::Endpoint& now_at) { out_.new_mapping(sa, now_at); }

  bool tracing() const { return ledger_.tracing; }
  /// Reports `step`, with the passage's number, flow and length filled in.
  void trace(TraceStep step, const Passage& passage);

 private:
  Ledger& ledger_;
  Outbox& out_;
  Time now_;
  spd::Direction direction_ = spd::Direction::Out;
};

/// The counters of a protocol, and the place of an SA's algorithm in their histogram.
ProtocolCounters& counters_of(sad::SaProtocol protocol, Statistics& statistics);
/// The numbers of netipsec for what authenticates AES-GCM and AES-GMAC: with keys of 128, 192 and 256 bits.
inline constexpr std::uint8_t kGmac128 = 11, kGmac192 = 12, kGmac256 = 13;
/// The histograms: of what was done to these packets.  ESP with authentication counts in AH's, too.
void count_algorithms(const sad::Sa& sa, std::uint64_t packets, Statistics& statistics);
std::uint8_t algorithm_id(const sad::Sa& sa);

/// Counts fragments that are given up while they waited.
void count_drop(Statistics& statistics, net::DropReason reason, const net::Flow& flow, std::size_t fragments);
/// Counts a drop that the outside made.
void count_outside_drop(Statistics& statistics, net::DropReason reason, Bytes packet, std::uint64_t packets = 1);

}  // namespace testudo::engine
