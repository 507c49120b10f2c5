#include "observe/tap.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/endian.h"

namespace testudo::observe {
namespace {

using engine::TraceStep;
using Kind = TraceStep::Kind;

const ByteVector kPacket{0x45, 0, 0, 5, 9};  // of an odd length, so that it has to be padded

TraceStep step(Kind kind, spd::Direction direction = spd::Direction::Out) {
  TraceStep made;
  made.kind = kind;
  made.direction = direction;
  made.packet = 7;
  made.bytes = kPacket;
  return made;
}

std::uint32_t native32(const ByteVector& bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

TEST(Pcapng, BlocksStateTheirLengthAtBothEndsAndAreOfWholeWords) {
  const ByteVector preface = pcapng_preface();
  for (const ByteVector& blocks :
       {preface, pcapng_packet({.bytes = kPacket}, "five!"), pcapng_missed(TapSide::Host, 1, 2)}) {
    for (std::size_t at = 0; at < blocks.size();) {
      const std::size_t length = native32(blocks, at + 4);
      ASSERT_EQ(length % 4, 0U);
      ASSERT_LE(at + length, blocks.size());
      EXPECT_EQ(native32(blocks, at + length - 4), length);
      at += length;
    }
  }
  EXPECT_EQ(be32(preface.data()), 0x0a0d0d0aU);
  EXPECT_EQ(native32(preface, 8), 0x1a2b3c4dU) << "dumpcap takes no other order from a pipe";
}

// draft-ietf-opsawg-pcapng, enhanced packet block: two words, the upper one first in either order of bytes.
TEST(Pcapng, WritesTheHighHalfOfTheTimeFirst) {
  const ByteVector block = pcapng_packet({TapSide::Wire, TapWay::In, 0x0006'0000'1234'5678, kPacket}, "");
  EXPECT_EQ(native32(block, 12), 0x00060000U);
  EXPECT_EQ(native32(block, 16), 0x12345678U);
  EXPECT_EQ(packet_of(block).microseconds, 0x0006'0000'1234'5678U);
}

TEST(Pcapng, GivesBackWhatWasPutIn) {
  const ByteVector block = pcapng_packet({TapSide::Wire, TapWay::In, 1234567, kPacket}, "why not");
  const TapPacket packet = packet_of(block);
  EXPECT_EQ(packet.side, TapSide::Wire);
  EXPECT_EQ(packet.way, TapWay::In);
  EXPECT_EQ(packet.microseconds, 1234567U);
  EXPECT_EQ(ByteVector(packet.bytes.begin(), packet.bytes.end()), kPacket);
  EXPECT_EQ(comment_of(block), "why not");
  EXPECT_EQ(missed_of(pcapng_missed(TapSide::Host, 1, 42)), 42U);
  EXPECT_EQ(missed_of(block), 0U);
  EXPECT_TRUE(packet_of(pcapng_preface()).bytes.empty());
}

// pcap-linktype(7), LINKTYPE_LOOP: the family in network byte order, 2 for IPv4, 24 for IPv6 as NetBSD and OpenBSD
// count.
TEST(Pcapng, NamesTheFamilyInFrontOfThePacket) {
  constexpr std::size_t kFamily = 28;
  EXPECT_EQ(be32(pcapng_packet({.bytes = kPacket}, "").data() + kFamily), 2U);
  EXPECT_EQ(be32(pcapng_packet({.bytes = ByteVector(40, 0x60)}, "").data() + kFamily), 24U);
}

TEST(Tap, ShowsAPacketBeforeAndAfterWithWhatHappenedBetween) {
  Tap tap;
  const auto before = tap.block_of(step(Kind::Entered), 1);
  ASSERT_TRUE(before);
  EXPECT_EQ(comment_of(*before), "#7 out before IPsec");
  EXPECT_EQ(packet_of(*before).side, TapSide::Host);

  TraceStep policy = step(Kind::Policy), sealed = step(Kind::Sealed);
  policy.policy = PolicyId{3};
  sealed.protocol = 50;
  sealed.spi = Spi{13245};
  sealed.sequence = 2;
  EXPECT_FALSE(tap.block_of(policy, 1));
  EXPECT_FALSE(tap.block_of(sealed, 1));
  const auto after = tap.block_of(step(Kind::Emitted), 1);
  ASSERT_TRUE(after);
  EXPECT_EQ(comment_of(*after), "#7 out after IPsec: protected; policy=3 esp spi=13245(0x000033bd) seq=2");
  EXPECT_EQ(packet_of(*after).side, TapSide::Wire);
}

TEST(Tap, SaysWhyAPacketWasDroppedAndShowsItWhereItStood) {
  Tap tap;
  TraceStep dropped = step(Kind::Dropped, spd::Direction::In);
  dropped.reason = net::DropReason::BadIcv;
  dropped.spi = Spi{256};
  const auto block = tap.block_of(dropped, 1);
  ASSERT_TRUE(block);
  EXPECT_TRUE(comment_of(*block).starts_with("#7 in dropped: BadIcv: The integrity check failed"));
  EXPECT_TRUE(comment_of(*block).ends_with("spi=256(0x00000100)"));
  EXPECT_EQ(packet_of(*block).side, TapSide::Wire);
  EXPECT_EQ(packet_of(*block).way, TapWay::In);
}

TEST(Tap, ForgetsPacketsThatNeverEnd) {
  Tap tap;
  for (std::uint64_t n = 0; n < 10000; ++n) {
    TraceStep waits = step(Kind::Policy);
    waits.packet = n;
    EXPECT_FALSE(tap.block_of(waits, 1));
  }
  const auto end = tap.block_of(step(Kind::Emitted), 1);
  ASSERT_TRUE(end);
  EXPECT_EQ(comment_of(*end), "#7 out after IPsec: protected");
}

}  // namespace
}  // namespace testudo::observe
