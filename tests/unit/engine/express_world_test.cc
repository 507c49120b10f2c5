// The short ways against the long ones in random worlds: SAs of many forms, some near the end of their numbers or
// lifetimes, policies of all kinds, packets of all kinds, and all of it changing while packets flow.  Two stations live
// through the same; one traces, and so takes the long way with every packet.  What they send, deliver, count, ask for
// and remember must be the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "support/fragments.h"
#include "unit/engine/express_drops.h"
#include "unit/engine/express_world.h"

namespace testudo {
namespace {

using test::Station;
using test::World;
using Packets = std::vector<ByteVector>;

constexpr std::size_t kIpv4 = 20, kIpv6 = 40;

/// What need not be the same twice: the identifications of IPv6 fragments, which are drawn, and those of outer headers
/// that a transport SA leaves to its host, which an SA gives in the order in which it seals.
ByteVector without_numbers(ByteVector packet) {
  const bool v4 = packet.size() >= kIpv4 && packet[0] == 0x45;
  if (v4 && (packet[9] == net::protocol::kIpv4 || packet[9] == net::protocol::kIpv6)) {
    test::detail::patch16(packet, 4, 0);
    test::detail::patch16(packet, 10, 0);
  }
  if (packet.size() >= kIpv6 + 8 && packet[0] >> 4 == 6 && packet[6] == net::protocol::kFragment) {
    std::fill_n(packet.begin() + kIpv6 + 4, 4, std::uint8_t{0});
  }
  return packet;
}

/// Packets that must keep their order among themselves: those of a flow; of ESP those of an SA.  Fragments are in one
/// heap, in any order.
std::map<ByteVector, Packets> by_flow(const Packets& packets) {
  std::map<ByteVector, Packets> out;
  for (const ByteVector& packet : packets) {
    const auto ip = wire::packet::parse_ip(packet);
    ByteVector key;
    if (ip && !ip->fragment) {
      for (const net::Address* a : {&ip->source, &ip->destination})
        key.insert(key.end(), a->bytes().begin(), a->bytes().end());
      key.push_back(ip->upper_protocol);
      const Bytes upper = Bytes{packet}.subspan(ip->upper_offset);
      const Bytes ports = upper.first(std::min<std::size_t>(4, upper.size()));
      key.insert(key.end(), ports.begin(), ports.end());
    }
    out[key].push_back(without_numbers(packet));
  }
  std::ranges::sort(out[{}]);
  return out;
}

/// Of protected packets whose bytes are drawn, or whose numbers may have been given in another order: lengths.
std::multiset<std::pair<std::uint8_t, std::size_t>> shapes(const Packets& packets) {
  std::multiset<std::pair<std::uint8_t, std::size_t>> out;
  for (const ByteVector& packet : packets) out.emplace(packet[0], packet.size());
  return out;
}

std::vector<std::uint64_t> counters_of(const Station& station) {
  const engine::Statistics& s = station.statistics();
  std::vector<std::uint64_t> out{s.outbound_packets, s.inbound_packets, s.to_wire,
                                 s.to_host,          s.fragments_made,  s.fragments_joined,
                                 s.icmp_made,        s.consumed,        s.held,
                                 s.given_back,       s.keepalives,      s.bundled,
                                 s.spd_lookups,      s.spd_misses,      s.ipcomp_too_short,
                                 s.ipcomp_useless,   s.acquires,        s.acquires_suppressed,
                                 station.sad.size(), station.spd.size()};
  for (const engine::ProtocolCounters* p : {&s.esp, &s.ah, &s.ipcomp, &s.ipip}) {
    out.insert(out.end(), {p->input, p->output, p->input_bytes, p->output_bytes});
    out.insert(out.end(), p->histogram.begin(), p->histogram.end());
  }
  for (const auto& drop : s.drops) {
    const bool told_apart = &drop != &s.drops[static_cast<std::size_t>(net::DropReason::BadIcv)] &&
                            &drop != &s.drops[static_cast<std::size_t>(net::DropReason::Replayed)];
    if (told_apart) out.insert(out.end(), drop.by_protocol.begin(), drop.by_protocol.end());
  }
  out.push_back(static_cast<std::uint64_t>(station.settings.used));
  return out;
}

std::uint64_t since_start(const std::optional<Time>& time) {
  return time ? static_cast<std::uint64_t>(time->time_since_epoch().count()) : UINT64_MAX;
}

std::vector<std::string> state_of(const Station& station) {
  std::vector<std::string> out;
  const auto add = [&out](std::initializer_list<std::uint64_t> numbers) {
    std::string line;
    for (const std::uint64_t n : numbers) line += std::to_string(n) + ' ';
    out.push_back(line);
  };
  station.sad.for_each([&](const sad::Sa& sa) {
    const sad::Usage usage = sa.usage();
    std::uint64_t seen = 0;
    for (std::uint64_t i = 0; i < 40; ++i) seen = seen << 1 | (sa.window.check(sa.window.highest() - i) ? 1U : 0U);
    add({sa.spi().value, static_cast<std::uint64_t>(sa.state()), usage.packets, usage.bytes, since_start(usage.first),
         since_start(usage.last), sa.sequence.last(), sa.window.highest(), seen, sa.share().identification,
         sa.iv_counter.next()});
  });
  for (const auto direction : {spd::Direction::In, spd::Direction::Out}) {
    station.spd.for_each(direction, [&](const spd::Policy& p) { add({p.id.value, p.hits, since_start(p.last_used)}); });
  }
  return out;
}

bool is_udp(const ByteVector& packet) {
  const bool v4 = packet[0] >> 4 == 4;
  return packet.size() > kIpv6 + 8 && (v4 ? packet[9] : packet[6]) == net::protocol::kUdp;
}

/// Where an ESP packet in UDP says it comes from.  That is heeded when the packet has the highest number of those that
/// are opened with it, and which these are differs.
bool tells_whereabouts(const ByteVector& packet, std::size_t place) {
  if (!is_udp(packet)) return false;
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t source = v4 ? 12 : 8, destination = v4 ? 16 : 24, port = v4 ? kIpv4 : kIpv6;
  return (place >= source && place < destination) || place == port || place == port + 1;
}

/// What a network does to packets.
void trouble(Packets& packets, test::SeededRandom& random) {
  for (std::size_t i = 0, n = packets.size(); i < n; ++i) {
    ByteVector& packet = packets[i];
    if (packet.empty()) continue;
    const bool v4 = packet[0] >> 4 == 4;
    const std::size_t place = random.below(static_cast<std::uint32_t>(packet.size()));
    if (random.chance(3) && !tells_whereabouts(packet, place)) packet[place] ^= 0x10;
    if (random.chance(2)) packet.resize(random.below(static_cast<std::uint32_t>(packet.size())));
    if (random.chance(3)) packet.resize(packet.size() + 5);
    if (random.chance(10) && packet.size() > 60) {
      const auto mark = static_cast<std::uint8_t>(1 + random.below(3));
      packet[1] = static_cast<std::uint8_t>(packet[1] | (v4 ? mark : mark << 4));
      if (v4) test::detail::patch16(packet, 10, 0);
      if (v4) test::detail::patch16(packet, 10, test::detail::internet_checksum(Bytes{packet}.first(kIpv4)));
    }
    if (random.chance(5)) packets.push_back(ByteVector{packets[i]});
    if (random.chance(5)) std::swap(packets[i], packets[random.below(static_cast<std::uint32_t>(n))]);
  }
}

/// A router's word about a packet of ours that did not fit.
ByteVector too_big_for(const ByteVector& packet, std::uint16_t mtu) {
  const Bytes quote = Bytes{packet}.first(std::min<std::size_t>(packet.size(), 100));
  const auto view = wire::packet::parse_ip(packet);
  if (!view) return {};
  ByteVector body{0, 0, static_cast<std::uint8_t>(mtu >> 8), static_cast<std::uint8_t>(mtu)};
  body.insert(body.end(), quote.begin(), quote.end());
  const bool v4 = view->source.is_v4();
  const std::pair<std::uint8_t, std::uint8_t> type =
      v4 ? std::pair{std::uint8_t{3}, std::uint8_t{4}} : std::pair{std::uint8_t{2}, std::uint8_t{0}};
  return test::icmp(v4 ? test::ip("30.0.0.1") : test::ip("fd30::1"), view->source, type, body);
}

class ExpressWorlds : public testing::TestWithParam<std::uint64_t> {
 protected:
  ExpressWorlds() {
    for (Station* station : {&quick, &traced}) world.furnish(*station, World::Side::Near);
    for (Station* station : {&sender, &after_quick, &after_traced}) world.furnish(*station, World::Side::Far);
    for (Station* station : {&traced, &sender, &after_quick, &after_traced}) station->engine.set_tracing(true);
    for (const auto& policy : {test::policy(spd::Direction::Out, "0.0.0.0/0", "0.0.0.0/0", spd::Action::None)}) {
      static_cast<void>(sender.spd.add(policy));
    }
  }

  void send_outwards();
  void receive();
  void receive_from_elsewhere();
  void expect_the_same() const;
  void let_things_happen();
  Packets batch(World::Side from);

  World world{GetParam()};
  Station quick{1}, traced{1}, sender{2}, after_quick{3}, after_traced{3};
  Time now{};
};

Packets ExpressWorlds::batch(World::Side from) {
  Packets out;
  for (std::uint32_t i = 0, n = 1 + world.random.below(80); i < n; ++i) {
    out.push_back(world.packet(from));
    while (world.random.chance(40)) out.push_back(out.back());  // trains
  }
  return out;
}

void ExpressWorlds::send_outwards() {
  const Packets packets = batch(World::Side::Near);
  for (Station* station : {&quick, &traced}) station->send(packets, now);
  EXPECT_EQ(shapes(quick.wire), shapes(traced.wire));
  if (world.apart && !world.drawn()) {
    EXPECT_EQ(by_flow(quick.wire), by_flow(traced.wire));
  }
  EXPECT_EQ(by_flow(quick.delivered), by_flow(traced.delivered)) << "ICMP errors to the source";
  EXPECT_EQ(quick.acquires.size(), traced.acquires.size());
  EXPECT_EQ(std::ranges::count(quick.in_clear, true), std::ranges::count(traced.in_clear, true));
  after_quick.receive(quick.wire, now);
  after_traced.receive(traced.wire, now);
  EXPECT_EQ(by_flow(after_quick.delivered), by_flow(after_traced.delivered)) << "what the peer makes of it";
}

void ExpressWorlds::receive() {
  Packets arriving;
  if (!quick.wire.empty() && world.random.chance(30)) {
    arriving.push_back(too_big_for(traced.wire.front(), static_cast<std::uint16_t>(600 + world.random.below(900))));
  }
  sender.send(batch(World::Side::Far), now);
  arriving.insert(arriving.end(), sender.wire.begin(), sender.wire.end());
  trouble(arriving, world.random);
  for (Station* station : {&quick, &traced}) {
    station->clear();
    station->receive(arriving, now);
  }
  EXPECT_EQ(by_flow(quick.delivered), by_flow(traced.delivered));
  EXPECT_EQ(quick.mappings, traced.mappings);
}

/// A peer behind a NAT that gave it another port.
void ExpressWorlds::receive_from_elsewhere() {
  sender.clear();
  sender.send(batch(World::Side::Far), now);
  const auto found = std::ranges::find_if(sender.wire, is_udp);
  if (found != sender.wire.end()) {
    ByteVector moved = *found;
    moved[(moved[0] >> 4 == 4 ? kIpv4 : kIpv6) + 1] ^= 1;
    for (Station* station : {&quick, &traced}) station->receive({moved}, now);
  }
  for (Station* station : {&quick, &traced}) station->receive(sender.wire, now);
  EXPECT_EQ(by_flow(quick.delivered), by_flow(traced.delivered));
  EXPECT_EQ(quick.mappings, traced.mappings);
}

void ExpressWorlds::expect_the_same() const {
  EXPECT_EQ(test::comparable_drops(quick), test::comparable_drops(traced));
  EXPECT_EQ(counters_of(quick), counters_of(traced));
  EXPECT_EQ(state_of(quick), state_of(traced));
}

void ExpressWorlds::let_things_happen() {
  const std::vector<Station*> all{&quick, &traced, &sender, &after_quick, &after_traced};
  for (std::uint32_t i = world.random.below(3); i > 0; --i) {
    world.change({&quick, &traced}, {&sender, &after_quick, &after_traced});
  }
  if (world.random.chance(30)) now += std::chrono::milliseconds{world.random.below(4000)};
  for (Station* station : all) {
    station->tick(now);
    station->clear();
  }
}

TEST_P(ExpressWorlds, AreTheSameByBothWays) {
  for (int round = 0; round < 20 && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    send_outwards();
    receive();
    if (world.random.chance(30)) receive_from_elsewhere();
    expect_the_same();
    let_things_happen();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ExpressWorlds, testing::Range(std::uint64_t{1}, std::uint64_t{61}));

}  // namespace
}  // namespace testudo
