#include "engine/verdicts.h"

#include <gtest/gtest.h>

#include "unit/engine/workbench.h"

namespace testudo::engine {
namespace {

using namespace test;
using net::DropReason;
using Kind = TraceStep::Kind;

const ByteVector kDatagram = udp({ip("10.0.1.5"), 1025}, {ip("10.0.2.5"), 7}, ByteVector(20, 1));

const DropCount& count_of(const Workbench& w, DropReason reason) {
  return w.ledger.statistics.drops[static_cast<std::size_t>(reason)];
}

TEST(Verdicts, EachEndOfAPacketIsCountedOnce) {
  Workbench w;
  w.verdicts.to_wire(w.enter(kDatagram), true);
  w.verdicts.to_wire(w.enter(kDatagram), false);
  w.verdicts.to_host(w.enter(kDatagram, spd::Direction::In));
  w.verdicts.drop(DropReason::NoSa, w.enter(kDatagram));
  w.enter(kDatagram, spd::Direction::In);
  w.verdicts.consumed();
  EXPECT_EQ(w.statistics.outbound_packets, 3U);
  EXPECT_EQ(w.statistics.inbound_packets, 2U);
  EXPECT_EQ(w.statistics.to_wire, 2U);
  EXPECT_EQ(w.statistics.to_host, 1U);
  EXPECT_TRUE(w.adds_up());
  EXPECT_EQ(w.station.in_clear, (std::vector{true, false}));
}

TEST(Verdicts, APacketThatEndedNowhereSpoilsTheSum) {
  Workbench w;
  w.enter(kDatagram);
  EXPECT_FALSE(w.adds_up());
}

TEST(Verdicts, WhatTheEngineMakesIsInTheSum) {
  Workbench w;
  const Passage first = w.enter(kDatagram);
  w.verdicts.to_wire(first, false);
  w.verdicts.made_fragment();
  w.verdicts.to_wire(w.enter(kDatagram), false);
  --w.statistics.outbound_packets;  // the second was made, it did not come
  PacketBuffer message;
  ASSERT_TRUE(message.assign(kDatagram));
  w.verdicts.icmp_to_host(message);
  EXPECT_EQ(w.statistics.icmp_made, 1U);
  EXPECT_TRUE(w.adds_up());
}

TEST(Verdicts, ADropIsCountedByReasonAndProtocolAndRemembersTheLastPacket) {
  Workbench w;
  const Passage passage = w.enter(kDatagram, spd::Direction::In);
  for (const std::uint8_t protocol : {net::protocol::kEsp, net::protocol::kAh, net::protocol::kIpcomp}) {
    w.verdicts.drop(DropReason::InboundNoSa, passage, {protocol, Spi{protocol * 100U}});
  }
  w.verdicts.drop(DropReason::InboundNoSa, passage);
  w.verdicts.drop(DropReason::BadIcv, passage, {net::protocol::kEsp, Spi{7}});
  const DropCount& no_sa = count_of(w, DropReason::InboundNoSa);
  EXPECT_EQ(no_sa.packets, 4U);
  EXPECT_EQ(no_sa.by_protocol, (std::array<std::uint64_t, 4>{1, 1, 1, 1}));
  ASSERT_TRUE(no_sa.last);
  EXPECT_EQ(no_sa.last->flow.destination_port, 7);
  EXPECT_EQ(no_sa.last->spi, std::nullopt);
  EXPECT_EQ(count_of(w, DropReason::BadIcv).last->spi, Spi{7});
  EXPECT_EQ(count_of(w, DropReason::NoSa).packets, 0U);
}

TEST(Verdicts, StepsAreTracedOnlyWhileSomebodyWatches) {
  Workbench w;
  w.verdicts.to_wire(w.enter(kDatagram), true);
  EXPECT_TRUE(w.station.steps.empty());
  w.ledger.tracing = true;
  w.verdicts.to_wire(w.enter(kDatagram), true);
  w.verdicts.to_wire(w.enter(kDatagram), false);
  w.verdicts.to_host(w.enter(kDatagram, spd::Direction::In));
  w.verdicts.drop(DropReason::BadIcv, w.enter(kDatagram, spd::Direction::In), {net::protocol::kEsp, Spi{7}});
  const auto& steps = w.station.steps;
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0].kind, Kind::Bypassed);
  EXPECT_EQ(steps[1].kind, Kind::Emitted);
  EXPECT_EQ(steps[2].kind, Kind::Delivered);
  EXPECT_EQ(steps[3].kind, Kind::Dropped);
  EXPECT_EQ(steps[3].reason, DropReason::BadIcv);
  EXPECT_EQ(steps[3].spi, Spi{7});
  EXPECT_EQ(steps[0].packet + 1, steps[1].packet);
  EXPECT_EQ(steps[0].direction, spd::Direction::Out);
  EXPECT_EQ(steps[2].direction, spd::Direction::In);
  EXPECT_EQ(steps[0].length, kDatagram.size());
  EXPECT_EQ(steps[0].flow.source_port, 1025);
}

TEST(Verdicts, ADropOfTheOutsideIsInTheSumOfWhatWasGivenBack) {
  Statistics statistics;
  ByteVector esp = packet(ip("20.0.0.1"), ip("20.0.0.2"), net::protocol::kEsp, ByteVector{0, 0, 0x10, 0, 0, 0, 0, 1});
  count_outside_drop(statistics, DropReason::QueueFull, esp);
  count_outside_drop(statistics, DropReason::QueueFull, ByteVector{1, 2, 3});
  const DropCount& full = statistics.drops[static_cast<std::size_t>(DropReason::QueueFull)];
  EXPECT_EQ(full.packets, 2U);
  EXPECT_EQ(full.by_protocol, (std::array<std::uint64_t, 4>{1, 0, 0, 1}));
  EXPECT_EQ(statistics.entered(), statistics.left());
}

TEST(Verdicts, ADropOfTheOutsideIsKnownByTheFirstBytesOfThePacket) {
  const ByteVector whole = udp({ip("fd00:1::1"), 1025}, {ip("fd00:1::2"), 7}, ByteVector(1000, 7));
  Statistics statistics;
  count_outside_drop(statistics, DropReason::InboundPolicyClear, Bytes{whole}.first(128));
  const auto& last = statistics.drops[static_cast<std::size_t>(DropReason::InboundPolicyClear)].last;
  ASSERT_TRUE(last);
  EXPECT_EQ(last->flow, (net::Flow{ip("fd00:1::1"), ip("fd00:1::2"), net::protocol::kUdp, 1025, 7}));
}

TEST(AlgorithmId, IsThatOfTheCipherTheMacOrTheCompression) {
  const net::Address a = ip("10.0.0.1"), b = ip("10.0.0.2");
  EXPECT_EQ(algorithm_id(*sa(esp(a, b, "aes-cbc", "hmac-sha1"))), 12);
  EXPECT_EQ(algorithm_id(*sa(ah(a, b, "hmac-sha1"))), 3);
  EXPECT_EQ(algorithm_id(*sa(ipcomp(a, b))), 2);
}

TEST(CountersOf, EachProtocolHasItsOwn) {
  Statistics s;
  EXPECT_EQ(&counters_of(sad::SaProtocol::Esp, s), &s.esp);
  EXPECT_EQ(&counters_of(sad::SaProtocol::Ah, s), &s.ah);
  EXPECT_EQ(&counters_of(sad::SaProtocol::Ipcomp, s), &s.ipcomp);
}

}  // namespace
}  // namespace testudo::engine
