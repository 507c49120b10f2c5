// What several engines have together, and what becomes one when they are asked.
#include "engine/shared.h"

#include <gtest/gtest.h>

#include <set>

#include "support/station.h"

namespace testudo::engine {
namespace {

using net::DropReason;
using test::kGateA;
using test::kGateB;
using test::kHostA;
using test::kHostB;

/// A station with a second engine.
class SharedByTwo : public testing::Test {
 protected:
  static engine::Engine::Parts parts_of(test::Station& station, test::SeededRandom& random, Shared& shared,
                                        std::uint8_t number) {
    Engine::Parts parts{station.sad, station.spd, station.settings, random, station.host};
    parts.worker = sad::Worker{number};
    parts.shared = &shared;
    return parts;
  }
  void send(Engine& by) {
    PacketBuffer packet;
    ASSERT_TRUE(packet.assign(test::udp({kHostA, 1}, {kHostB, 2}, ByteVector(20, 'x'))));
    PacketBuffer* const batch[] = {&packet};
    by.outbound(batch, Time{}, station);
  }
  void want_an_sa() {
    station.settings.key.blockacq_count = 1000;
    station.install(test::policy(spd::Direction::Out, "10.0.1.0/24", "10.0.2.0/24",
                                 {test::tunnel(spd::RequestProtocol::Esp, kGateA, kGateB)}));
  }

  test::Station station;
  test::SeededRandom random{3};
  Shared shared{station.settings.key, 2};
  Engine first{parts_of(station, random, shared, 0)}, second{parts_of(station, random, shared, 1)};
};

TEST_F(SharedByTwo, WhatOneAskedForTheOtherDoesNotAskForAgain) {
  want_an_sa();
  send(first);
  send(second);
  EXPECT_EQ(station.acquires.size(), 1U);
  second.acquire_answered(station.acquires.front().sequence);
  send(first);
  EXPECT_EQ(station.acquires.size(), 2U) << "whoever is told of the answer";
}

TEST_F(SharedByTwo, WhatTheKeyDaemonNeverHeardIsAskedForAtOnceAndCounted) {
  want_an_sa();
  send(first);
  first.acquire_forgotten(station.acquires.front().sequence);
  send(second);
  EXPECT_EQ(station.acquires.size(), 2U);
  EXPECT_EQ(first.statistics().acquires_forgotten, 1U);
  EXPECT_EQ(second.statistics().acquires_forgotten, 0U);
}

TEST_F(SharedByTwo, PacketsHaveNumbersOfTheirOwn) {
  for (Engine* engine : {&first, &second}) engine->set_tracing(true);
  for (int i = 0; i < 3; ++i) {
    send(first);
    send(second);
  }
  std::set<std::uint64_t> numbers;
  for (const TraceStep& step : station.steps) numbers.insert(step.packet);
  EXPECT_EQ(numbers, (std::set<std::uint64_t>{1, 2, 3, 4, 5, 6}));
}

TEST(StatisticsOfSeveral, AreTheSumOfAll) {
  Statistics one, other;
  one.to_wire = 1;
  other.to_wire = 2;
  one.acquires_forgotten = 3;
  other.acquires_forgotten = 4;
  one.esp.histogram[12] = 5;
  other.esp.histogram[12] = 6;
  one.ipip.input = 7;
  one.drops[static_cast<std::size_t>(DropReason::NoSa)] = {.packets = 8, .by_protocol = {8, 0, 0, 0}, .last = {}};
  other.drops[static_cast<std::size_t>(DropReason::NoSa)] = {
      .packets = 9, .by_protocol = {0, 9, 0, 0}, .last = DropSample{.flow = {}, .spi = Spi{77}, .protocol = 51}};
  one += other;
  EXPECT_EQ(one.to_wire, 3U);
  EXPECT_EQ(one.acquires_forgotten, 7U);
  EXPECT_EQ(one.esp.histogram[12], 11U);
  EXPECT_EQ(one.ipip.input, 7U);
  const DropCount& drop = one.drops[static_cast<std::size_t>(DropReason::NoSa)];
  EXPECT_EQ(drop.packets, 17U);
  EXPECT_EQ(drop.by_protocol, (std::array<std::uint64_t, 4>{8, 9, 0, 0}));
  EXPECT_EQ(drop.last->spi, Spi{77});
  EXPECT_EQ(one.dropped(), 17U);
}

}  // namespace
}  // namespace testudo::engine
