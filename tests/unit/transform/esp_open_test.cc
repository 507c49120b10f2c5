#include "transform/esp_open.h"

#include <gtest/gtest.h>

#include "base/endian.h"
#include "unit/transform/one_packet.h"

namespace testudo::transform {
namespace {

using namespace test_support;

const net::Address kA = test::ip("10.0.0.1"), kB = test::ip("10.0.0.2");

struct Pair {
  std::unique_ptr<sad::Sa> out, in;
};

Pair pair_of(const char* cipher, const char* mac, sad::SaFlags flags = {}, std::uint32_t window = 64) {
  const auto make = [&] {
    sad::SaParameters p = test::esp(kA, kB, cipher, mac, flags);
    p.replay_packets = window;
    return test::sa(std::move(p));
  };
  return {make(), make()};
}

std::vector<ByteVector> sealed_run(sad::Sa& sa, std::size_t count) {
  test::SeededRandom random;
  std::vector<ByteVector> out;
  const std::vector<ByteVector> packets(count, test::udp({kA, 1}, {kB, 2}, as_bytes("x")));
  for (Outcome& o : seal_all(&seal_esp, sa, packets, random)) out.push_back(std::move(o.bytes));
  return out;
}

TEST(EspOpen, DeliversEachNumberOnceThoughDoublesShareItsRun) {
  for (const char* cipher : {"aes-cbc", "aes-gcm-16"}) {
    const Pair sa = pair_of(cipher, cipher == std::string{"aes-cbc"} ? "hmac-sha1" : "");
    const auto wire = sealed_run(*sa.out, 100);
    std::vector<ByteVector> doubled;
    for (const ByteVector& packet : wire) doubled.insert(doubled.end(), {packet, packet, packet});
    const auto opened = open_all(&open_esp, *sa.in, doubled);
    for (std::size_t i = 0; i < opened.size(); ++i) {
      if (i % 3 == 0) {
        EXPECT_TRUE(opened[i]) << name_of(opened[i]);
      } else {
        EXPECT_EQ(opened[i].drop, DropReason::Replayed);
      }
    }
    EXPECT_EQ(sa.in->window.highest(), 100U);
  }
}

TEST(EspOpen, AcceptsReorderingInsideTheWindowOnly) {
  const Pair sa = pair_of("aes-cbc", "hmac-sha1", {}, 32);
  const auto wire = sealed_run(*sa.out, 100);
  EXPECT_TRUE(open(*sa.in, wire[49]));                           // number 50
  EXPECT_TRUE(open(*sa.in, wire[18]));                           // 19: the oldest in the window
  EXPECT_EQ(open(*sa.in, wire[17]).drop, DropReason::Replayed);  // 18: older
  EXPECT_EQ(open(*sa.in, wire[18]).drop, DropReason::Replayed);  // again
  EXPECT_TRUE(open(*sa.in, wire[99]));
  EXPECT_EQ(open(*sa.in, wire[50]).drop, DropReason::Replayed);
}

TEST(EspOpen, AForgedPacketDoesNotMoveTheWindow) {
  const Pair sa = pair_of("aes-cbc", "hmac-sha1");
  const auto wire = sealed_run(*sa.out, 3);
  ByteVector forged = wire[2];
  put_be32(&forged[24], 0xfffffff0);
  EXPECT_EQ(open(*sa.in, forged).drop, DropReason::BadIcv);
  EXPECT_EQ(sa.in->window.highest(), 0U);
  for (const ByteVector& packet : wire) EXPECT_TRUE(open(*sa.in, packet));
}

// RFC 4303 section 3.4.3: without integrity no window, or anybody could move it.
TEST(EspOpen, WithoutIntegrityNothingCountsAsReplay) {
  const Pair sa = pair_of("aes-cbc", "");
  const auto wire = sealed_run(*sa.out, 3);
  EXPECT_TRUE(open(*sa.in, wire[2]));
  EXPECT_TRUE(open(*sa.in, wire[2]));
  EXPECT_TRUE(open(*sa.in, wire[0]));
}

TEST(EspOpen, AWindowOfNothingChecksNothing) {
  const Pair sa = pair_of("aes-gcm-16", "", {}, 0);
  const auto wire = sealed_run(*sa.out, 2);
  EXPECT_TRUE(open(*sa.in, wire[1]));
  EXPECT_TRUE(open(*sa.in, wire[1]));
  EXPECT_TRUE(open(*sa.in, wire[0]));
}

TEST(EspOpen, FollowsEsnAcrossTheEndOfThirtyTwoBits) {
  for (const char* cipher : {"aes-cbc", "aes-gcm-16", "aes-ccm-8", "chacha20-poly1305", "null", "aes-gmac"}) {
    const bool aead = crypto::cipher_by_name(cipher)->is_aead();
    const Pair sa = pair_of(cipher, aead ? "" : "hmac-sha256", {.extended_sequence = true});
    const std::uint64_t start = (std::uint64_t{3} << 32) - 80;
    sa.out->sequence = sad::Sequence{true, sad::Sequence::Wrap::Never, start};
    sa.in->window.commit(start);
    auto wire = sealed_run(*sa.out, 160);
    std::swap(wire[70], wire[90]);  // across the boundary, inside one run
    const auto opened = open_all(&open_esp, *sa.in, wire);
    for (std::size_t i = 0; i < opened.size(); ++i) {
      const std::size_t number = i == 70 ? 90 : i == 90 ? 70 : i;
      ASSERT_TRUE(opened[i]) << cipher << ' ' << i << ' ' << name_of(opened[i]);
      EXPECT_EQ(opened[i].opened.sequence, start + 1 + number);
    }
    EXPECT_EQ(open(*sa.in, wire[150]).drop, DropReason::Replayed);
  }
}

TEST(EspOpen, AWrongHighHalfIsAWrongIcv) {
  const Pair sa = pair_of("aes-cbc", "hmac-sha256", {.extended_sequence = true});
  sa.out->sequence = sad::Sequence{true, sad::Sequence::Wrap::Never, std::uint64_t{1} << 32};
  const auto wire = sealed_run(*sa.out, 1);
  EXPECT_EQ(open(*sa.in, wire[0]).drop, DropReason::BadIcv);
}

// Two leaps in one run: the second number means what it means only after the first was committed.
TEST(EspOpen, ALeapOfHalfTheNumbersIsCommittedBeforeTheNextPacketIsRead) {
  const Pair sa = pair_of("aes-gcm-16", "", {.extended_sequence = true});
  std::vector<ByteVector> wire = sealed_run(*sa.out, 1);
  for (const std::uint64_t number : {0xffff'ff00ULL, 0x1'0000'0005ULL, 0x1'ffff'ff00ULL, 0x2'0000'0003ULL}) {
    sa.out->sequence = sad::Sequence{true, sad::Sequence::Wrap::Never, number - 1};
    wire.push_back(sealed_run(*sa.out, 1).front());
  }
  const auto opened = open_all(&open_esp, *sa.in, wire);
  for (const Outcome& o : opened) EXPECT_TRUE(o) << name_of(o);
  EXPECT_EQ(opened.back().opened.sequence, 0x2'0000'0003ULL);
}

/// An ESP packet of the null cipher without authentication: the trailer is ours to choose.
ByteVector bare(Bytes text) {
  ByteVector esp = hex("00001000 00000001");
  esp.insert(esp.end(), text.begin(), text.end());
  return test::packet(kA, kB, 50, esp);
}

struct TrailerRow {
  const char* sentence;
  const char* text;
  sad::Padding kind;
  std::optional<DropReason> drop;
};

TEST(EspOpen, JudgesTheTrailer) {
  using enum sad::Padding;
  const TrailerRow rows[] = {
      {"no padding", "aabb 00 11", Sequential, {}},
      {"a trailer alone", "0000 00 11", Sequential, {}},
      {"counted padding", "aabbccdd 0102 02 11", Sequential, {}},
      {"padding over everything", "0102 02 11", Sequential, {}},
      {"longer than the payload", "0102 03 11", Sequential, DropReason::BadPayloadLength},
      {"the longest, in nothing", "0102 ff 11", Sequential, DropReason::BadPayloadLength},
      {"padding that does not count", "aabbccdd 0103 02 11", Sequential, DropReason::BadPadding},
      {"padding that begins wrong", "aabbccdd 0202 02 11", Sequential, DropReason::BadPadding},
      {"zeros where counting is the rule", "aabbccdd 0000 02 11", Sequential, DropReason::BadPadding},
      {"zeros", "aabbccdd 0000 02 11", Zero, {}},
      {"counting where zeros are sent", "aabbccdd 0102 02 11", Zero, {}},
      {"anything", "aabbccdd 9cf3 02 11", Random, {}},
      {"random, too long", "0102 03 11", Random, DropReason::BadPayloadLength},
      {"a dummy", "aabb 00 3b", Sequential, DropReason::DummyPacket},
      {"hop-by-hop inside", "aabb 00 00", Sequential, DropReason::BadNextHeader},
      {"not a multiple of four", "aabbcc 00 11", Sequential, DropReason::BadPayloadLength},
      {"nothing", "", Sequential, DropReason::BadPayloadLength},
  };
  for (const TrailerRow& row : rows) {
    const Pair sa = pair_of("null", "", {.padding = row.kind});
    const Outcome o = open(*sa.in, bare(hex(row.text)));
    EXPECT_EQ(o.drop, row.drop) << row.sentence << ": " << name_of(o);
  }
}

TEST(EspOpen, LeavesTrafficFlowPaddingBehindTheInnerPacket) {
  const Pair sa = pair_of("null", "");
  ByteVector inner = test::udp({kA, 1}, {kB, 2}, as_bytes("inner packet"));
  inner.resize(inner.size() + 40, 0);  // TFC padding, RFC 4303 section 2.7
  ByteVector text = inner;
  for (const std::uint8_t byte : hex("0102 02 04")) text.push_back(byte);
  const Outcome o = open(*sa.in, bare(text));
  ASSERT_TRUE(o) << name_of(o);
  EXPECT_EQ(o.opened.next_protocol, 4);
  EXPECT_EQ(ByteVector(o.bytes.begin() + 20, o.bytes.end()), inner);
}

TEST(EspOpen, IgnoresWhatTrailsThePacketOnTheWire) {
  const Pair sa = pair_of("aes-gcm-16", "");
  ByteVector wire = sealed_run(*sa.out, 1).front();
  wire.resize(wire.size() + 6, 0xee);
  EXPECT_TRUE(open(*sa.in, wire));
}

TEST(EspOpen, RefusesFragments) {
  const Pair sa = pair_of("null", "");
  const ByteVector packet = test::packet(kA, kB, 50, hex("00001000 00000001 aabb 00 11"), {.more_fragments = true});
  EXPECT_EQ(open(*sa.in, packet).drop, DropReason::InboundMalformed);
}

TEST(EspOpen, IsMalformedWhenTheHeaderIsCutShort) {
  const Pair sa = pair_of("aes-cbc", "hmac-sha1");
  for (std::size_t size = 0; size < 8 + 16 + 12; ++size) {
    EXPECT_EQ(open(*sa.in, test::packet(kA, kB, 50, ByteVector(size, 1))).drop, DropReason::InboundMalformed) << size;
  }
}

// RFC 1829 section 3: a 32-bit IV is followed by its complement.  The long form of the same packet must open the same.
TEST(EspOpen, AShortIvIsTheLongOneWithItsComplement) {
  const Pair shorter = pair_of("des-cbc", "", {.old_format = true, .four_byte_iv = true});
  const Pair longer = pair_of("des-cbc", "", {.old_format = true});
  const ByteVector packet = test::udp({kA, 1}, {kB, 2}, as_bytes("IV"));
  const ByteVector sealed = seal(*shorter.out, packet).bytes;
  ByteVector rewritten(sealed.begin() + 20, sealed.begin() + 28);
  for (std::size_t i = 24; i < 28; ++i) rewritten.push_back(static_cast<std::uint8_t>(~sealed[i]));
  rewritten.insert(rewritten.end(), sealed.begin() + 28, sealed.end());
  const Outcome o = open(*longer.in, test::packet(kA, kB, 50, rewritten));
  ASSERT_TRUE(o) << name_of(o);
  EXPECT_EQ(o.bytes, packet);
}

// KAME's des-deriv: sequence number and complement.  Put on the wire by hand, an ordinary receiver opens it.
TEST(EspOpen, ADerivedIvIsTheSequenceNumberAndItsComplement) {
  const Pair derived = pair_of("3des-cbc", "", {.derived_iv = true});
  const Pair plain = pair_of("3des-cbc", "");
  const ByteVector packet = test::udp({kA, 1}, {kB, 2}, as_bytes("IV"));
  derived.out->sequence = sad::Sequence{false, sad::Sequence::Wrap::Never, 0x01020303};
  const ByteVector sealed = seal(*derived.out, packet).bytes;
  ByteVector rewritten(sealed.begin() + 20, sealed.begin() + 28);
  for (const std::uint8_t byte : hex("01020304 fefdfcfb")) rewritten.push_back(byte);
  rewritten.insert(rewritten.end(), sealed.begin() + 28, sealed.end());
  const Outcome o = open(*plain.in, test::packet(kA, kB, 50, rewritten));
  ASSERT_TRUE(o) << name_of(o);
  EXPECT_EQ(o.bytes, packet);
}

}  // namespace
}  // namespace testudo::transform
