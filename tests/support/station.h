#pragma once
// One machine in memory: databases, engine, the facts of its host, and an Outbox that keeps what comes out.  Two of
// them and a Link are a network (EnginePair).
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "support/link.h"
#include "support/packets.h"
#include "support/random.h"
#include "support/requests.h"
#include "support/sas.h"

namespace testudo::test {

class FakeHost final : public engine::Host {
 public:
  std::set<net::Address> addresses;
  std::size_t mtu = 1500;

  bool is_local(const net::Address& address) const override { return addresses.contains(address); }
  std::size_t mtu_towards(const net::Address&) const override { return mtu; }
  net::Address source_towards(const net::Address& to) const override {
    for (const net::Address& a : addresses) {
      if (a.family() == to.family()) return a;
    }
    return net::Address::any(to.family());
  }
};

class Station final : public engine::Outbox {
 public:
  explicit Station(std::uint64_t seed = 1) : random_(seed) {}

  engine::Settings settings;
  FakeHost host;

 private:
  SeededRandom random_;

 public:
  sad::Database sad{settings.key, random_};
  spd::Database spd;
  engine::Engine engine{{sad, spd, settings, random_, host}};

  std::vector<ByteVector> wire, delivered;  ///< what came out since the last clear()
  std::vector<bool> in_clear;               ///< for each packet of wire
  std::vector<std::uint32_t> links;         ///< by which those leave
  std::vector<engine::Acquire> acquires;
  std::vector<engine::TraceStep> steps;
  std::vector<std::pair<Spi, net::Endpoint>> mappings;  ///< that changed

  sad::Sa& install(sad::SaParameters parameters) {
    const auto added = sad.add(sa(std::move(parameters)));
    if (!added) ADD_FAILURE() << "the SAD refused an SA of the test";
    return **added;
  }
  const spd::Policy& install(spd::Policy policy) {
    const auto added = spd.add(std::move(policy));
    if (!added) ADD_FAILURE() << "the SPD refused a policy of the test";
    return **added;
  }

  void send(const std::vector<ByteVector>& packets, Time now = {}) {
    run(packets, [&](auto batch) { engine.outbound(batch, now, *this); });
  }
  void receive(const std::vector<ByteVector>& packets, Time now = {}) {
    run(packets, [&](auto batch) { engine.inbound(batch, now, *this); });
  }
  void tick(Time now) {
    sad.tick(now);
    spd.tick(now);
    engine.tick(now, *this);
    expect_conservation();
  }

  const engine::Statistics& statistics() const { return engine.statistics(); }
  std::uint64_t drops(net::DropReason reason) const {
    return statistics().drops[static_cast<std::size_t>(reason)].packets;
  }
  /// The reasons that dropped anything, with their counts.
  std::map<std::string, std::uint64_t> all_drops() const {
    std::map<std::string, std::uint64_t> out;
    for (std::size_t i = 0; i < net::kDropReasonCount; ++i) {
      const auto packets = statistics().drops[i].packets;
      if (packets > 0) out[std::string{net::kDropReasons[i].name}] = packets;
    }
    return out;
  }
  void clear() {
    wire.clear();
    links.clear();
    in_clear.clear();
    delivered.clear();
    acquires.clear();
    steps.clear();
    mappings.clear();
  }

  void to_wire(wire::packet::PacketBuffer& packet, bool clear) override {
    wire.emplace_back(packet.bytes().begin(), packet.bytes().end());
    links.push_back(packet.link());
    in_clear.push_back(clear);
    take(packet);
  }
  void to_host(wire::packet::PacketBuffer& packet) override {
    delivered.emplace_back(packet.bytes().begin(), packet.bytes().end());
    take(packet);
  }
  void acquire(const engine::Acquire& wanted) override { acquires.push_back(wanted); }
  void new_mapping(const sad::Sa& sa, const net::Endpoint& now_at) override { mappings.emplace_back(sa.spi(), now_at); }
  void trace(const engine::TraceStep& step) override { steps.push_back(step); }

 private:
  /// Hands back another buffer, as a real Outbox does.
  static void take(wire::packet::PacketBuffer& packet) {
    wire::packet::PacketBuffer empty;
    std::swap(packet, empty);
  }

  template <typename Call>
  void run(const std::vector<ByteVector>& packets, Call call) {
    std::vector<std::unique_ptr<wire::packet::PacketBuffer>> buffers;
    std::vector<wire::packet::PacketBuffer*> batch;
    for (const ByteVector& packet : packets) {
      buffers.push_back(std::make_unique<wire::packet::PacketBuffer>());
      EXPECT_TRUE(buffers.back()->assign(packet));
      batch.push_back(buffers.back().get());
    }
    call(std::span<wire::packet::PacketBuffer* const>{batch});
    expect_conservation();
  }

  void expect_conservation() const {
    const engine::Statistics& s = statistics();
    EXPECT_EQ(s.entered(), s.left() + s.held) << "packets in = delivered + dropped by reason";
  }
};

/// Two stations and a link each way.
class EnginePair {
 public:
  explicit EnginePair(const LinkFaults& faults = {}, std::uint64_t seed = 1)
      : a(seed), b(seed + 1), a_to_b(faults, seed + 2), b_to_a(faults, seed + 3) {}

  Station a, b;
  Link a_to_b, b_to_a;
  Time now{};

  /// Lets everything cross until both links are empty, a millisecond at a time.
  void settle() {
    do {
      hand_over(a, a_to_b, b);
      hand_over(b, b_to_a, a);
      now += std::chrono::milliseconds{1};
    } while (!a_to_b.empty() || !b_to_a.empty());
  }

 private:
  void hand_over(Station& from, Link& link, Station& to) {
    for (const ByteVector& packet : from.wire) link.send(packet, now);
    from.wire.clear();
    from.in_clear.clear();
    to.receive(link.arrived(now), now);
  }
};

}  // namespace testudo::test
