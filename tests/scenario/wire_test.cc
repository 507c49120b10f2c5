// What a real wire does to protected packets: loss, repetition, reordering, corruption, delay, fragments.
#include <gtest/gtest.h>

#include <map>

#include "scenario/network.h"

namespace testudo {
namespace {

using namespace test;
using net::DropReason;

const Way kTunnel{{Proto::Esp, Mode::Tunnel, "aes-gcm-16", ""}};
const Way kBundle{{Proto::Esp, Mode::Transport}, {Proto::Ah, Mode::Transport}};

/// Datagrams that differ, so that a delivery can be matched with what was sent.
ByteVector numbered(const Protection& protection, std::uint16_t number, std::size_t size) {
  ByteVector text = Protection::text(size);
  text[0] = static_cast<std::uint8_t>(number >> 8);
  text[1] = static_cast<std::uint8_t>(number);
  return udp({protection.from_a(), 1025}, {protection.from_b(), 7}, text);
}

TEST(Wire, APacketThatCrossesTwiceIsDeliveredOnce) {
  for (const Way& way : {kTunnel, kBundle}) {
    EnginePair pair{{.doubles = 100}};
    const Protection protection{pair, way, net::Family::V4, net::Family::V4};
    std::vector<ByteVector> sent;
    for (std::uint16_t i = 0; i < 50; ++i) sent.push_back(numbered(protection, i, 100));
    pair.a.send(sent);
    pair.settle();
    EXPECT_EQ(pair.b.delivered, sent);
    EXPECT_EQ(pair.b.drops(DropReason::Replayed), 50U);
  }
}

TEST(Wire, ARecordedPacketIsNoUseLater) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  pair.a.send({protection.datagram(100)});
  const auto recorded = pair.a.wire;
  for (std::uint16_t i = 0; i < 200; ++i) pair.a.send({numbered(protection, i, 10)});
  pair.settle();
  EXPECT_EQ(pair.b.delivered.size(), 201U);
  pair.b.receive(recorded);
  EXPECT_EQ(pair.b.delivered.size(), 201U);
  EXPECT_EQ(pair.b.drops(DropReason::Replayed), 1U);
}

TEST(Wire, ReorderingInsideTheWindowLosesNothing) {
  EnginePair pair{{.reorders = 50}};
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  std::vector<ByteVector> sent;
  for (std::uint16_t i = 0; i < 300; ++i) sent.push_back(numbered(protection, i, 60));
  pair.a.send(sent);
  pair.settle();
  EXPECT_NE(pair.b.delivered, sent) << "the link did reorder";
  std::ranges::sort(pair.b.delivered);
  std::ranges::sort(sent);
  EXPECT_EQ(pair.b.delivered, sent);
}

TEST(Wire, NothingThatWasChangedOnTheWayIsDelivered) {
  EnginePair pair{{.corrupts = 100}};
  const Protection protection{pair, kBundle, net::Family::V6, net::Family::V6};
  std::vector<ByteVector> sent;
  for (std::uint16_t i = 0; i < 300; ++i) sent.push_back(numbered(protection, i, 60));
  pair.a.send(sent);
  pair.settle();
  // A packet that now is for somebody else goes there, as it is.
  std::erase_if(pair.b.delivered,
                [&](const ByteVector& got) { return wire::packet::parse_ip(got)->destination != protection.from_b(); });
  for (ByteVector& got : pair.b.delivered) {
    // What AH does not cover may be changed (RFC 4302 appendix A): traffic class, flow label, hop limit.
    got[0] = 0x60;
    got[1] = got[2] = got[3] = 0;
    got[7] = 64;
    EXPECT_EQ(std::ranges::count(sent, got), 1);
  }
  EXPECT_LT(pair.b.delivered.size(), 100U);
}

TEST(Wire, AnUnreliableWireDeliversEachPacketAtMostOnceAndInventsNone) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EnginePair pair{{.loses = 10, .doubles = 10, .reorders = 20, .corrupts = 5}, seed};
    const Protection protection{pair, kTunnel, net::Family::V6, net::Family::V4};
    std::map<ByteVector, int> sent;
    for (std::uint16_t i = 0; i < 200; ++i) {
      const ByteVector packet = numbered(protection, i, 30 + i);
      ++sent[packet];
      pair.a.send({packet}, pair.now);
      if (i % 16 == 0) pair.settle();
    }
    pair.settle();
    EXPECT_GT(pair.b.delivered.size(), 100U);
    for (const ByteVector& got : pair.b.delivered) EXPECT_EQ(sent[got]--, 1) << "seed " << seed;
  }
}

TEST(Wire, WhatIsTooLargeForTheLinkCrossesInFragmentsAndIsJoinedBeforeItIsOpened) {
  for (const net::Family family : {net::Family::V4, net::Family::V6}) {
    EnginePair pair{{.doubles = 20, .reorders = 50}};
    const Protection protection{pair, kTunnel, net::Family::V4, family};
    const std::vector<ByteVector> sent{protection.datagram(1460), protection.datagram(4000),
                                       protection.datagram(60000)};
    pair.a.send(sent);
    pair.settle();
    std::ranges::sort(pair.b.delivered);
    auto wanted = sent;
    std::ranges::sort(wanted);
    EXPECT_EQ(pair.b.delivered, wanted);
    EXPECT_LE(pair.a_to_b.largest(), 1500U);
    EXPECT_GT(pair.a.statistics().fragments_made, 40U);
    EXPECT_GT(pair.b.statistics().fragments_joined, 40U);
  }
}

TEST(Wire, ALostFragmentCostsItsPacketAndTimeGivesTheOthersBack) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  pair.a.send({protection.datagram(4000)});
  ASSERT_EQ(pair.a.wire.size(), 3U);
  pair.b.receive({pair.a.wire[0], pair.a.wire[2]});
  EXPECT_EQ(pair.b.statistics().held, 2U);
  EXPECT_TRUE(pair.b.delivered.empty());
  pair.b.tick(Time{} + std::chrono::seconds{120});
  EXPECT_EQ(pair.b.statistics().held, 0U);
  EXPECT_EQ(pair.b.drops(DropReason::ReassemblyTimeout), 2U);
}

TEST(Wire, CountersThatAreResetWhileFragmentsWaitStillAddUp) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  pair.a.send({protection.datagram(4000)});
  ASSERT_EQ(pair.a.wire.size(), 3U);
  pair.b.receive({pair.a.wire[0], pair.a.wire[1]});
  pair.b.engine.reset_statistics();
  pair.b.receive({pair.a.wire[2]});  // receive() itself expects the sum to hold
  EXPECT_EQ(pair.b.delivered.size(), 1U);
}

TEST(Wire, FragmentsOfTheHostItselfAreJoinedBeforePolicyLooks) {
  EnginePair pair;
  const Protection protection{pair, {{Proto::Esp, Mode::Transport}}, net::Family::V4, net::Family::V4};
  const ByteVector whole = protection.datagram(3000, {.identification = 77});
  const auto ip_view = wire::packet::parse_ip(whole);
  ASSERT_TRUE(ip_view);
  std::vector<ByteVector> pieces;
  for (std::size_t at = 20; at < whole.size(); at += 1000) {
    const std::size_t n = std::min<std::size_t>(1000, whole.size() - at);
    pieces.push_back(packet(protection.from_a(), protection.from_b(), net::protocol::kUdp, Bytes{whole}.subspan(at, n),
                            {.identification = 77,
                             .more_fragments = at + n < whole.size(),
                             .fragment_offset = static_cast<std::uint16_t>(at - 20)}));
  }
  pair.a.send(pieces);
  pair.settle();
  ASSERT_EQ(pair.b.delivered.size(), 1U);
  EXPECT_EQ(pair.b.delivered[0], whole);
}

TEST(Wire, FragmentsOfOthersPassThroughATunnelAsTheyAre) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  const std::vector<ByteVector> pieces{packet(protection.from_a(), protection.from_b(), net::protocol::kUdp,
                                              Protection::text(800), {.identification = 5, .more_fragments = true}),
                                       packet(protection.from_a(), protection.from_b(), net::protocol::kUdp,
                                              Protection::text(100), {.identification = 5, .fragment_offset = 800})};
  pair.a.send(pieces);
  pair.settle();
  EXPECT_EQ(pair.b.delivered, pieces);
}

}  // namespace
}  // namespace testudo
