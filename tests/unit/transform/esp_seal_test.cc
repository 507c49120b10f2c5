#include "transform/esp_seal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/endian.h"
#include "unit/transform/one_packet.h"

namespace testudo::transform {
namespace {

using namespace test_support;

const net::Address kA = test::ip("10.0.0.1"), kB = test::ip("10.0.0.2");
const net::Address kA6 = test::ip("fd00::1"), kB6 = test::ip("fd00::2");

ByteVector datagram(std::size_t size = 20) {
  return test::udp({kA, 1000}, {kB, 2000}, ByteVector(size, 0x55));
}

TEST(EspSeal, WritesHeaderTrailerAndIpFields) {
  const auto sa = test::sa(test::esp(kA, kB, "null"));
  const ByteVector packet = datagram(5);  // 8 + 5 bytes of UDP: pad 1
  const Outcome sealed = seal(*sa, packet);
  ASSERT_TRUE(sealed) << name_of(sealed);
  ByteVector expected = packet;
  expected[9] = 50;
  expected[3] = static_cast<std::uint8_t>(packet.size() + 8 + 1 + 2);
  expected[10] = expected[11] = 0;
  put_be16(&expected[10], test::detail::internet_checksum(Bytes{expected}.first(20)));
  const ByteVector header = hex("00001000 00000001"), trailer = hex("01 01 11");
  expected.insert(expected.begin() + 20, header.begin(), header.end());
  expected.insert(expected.end(), trailer.begin(), trailer.end());
  EXPECT_EQ(sealed.bytes, expected);
}

TEST(EspSeal, TheOldFormatHasNoSequenceNumber) {
  const auto sa = test::sa(test::esp(kA, kB, "null", "", {.old_format = true}));
  const Outcome sealed = seal(*sa, datagram(6));
  ASSERT_TRUE(sealed) << name_of(sealed);
  EXPECT_EQ(ByteVector(sealed.bytes.begin() + 20, sealed.bytes.begin() + 28), hex("00001000 03e807d0"));
  EXPECT_EQ(sa->sequence.last(), 0U);
}

/// Fails for every second packet, and leaves that as it is.
class FailingSuite final : public crypto::Suite {
 public:
  void seal(std::span<crypto::Job> jobs) override {
    for (crypto::Job& job : jobs) job.ok = calls_++ % 2 != 0;
  }
  void open(std::span<crypto::Job>) override {}
  std::unique_ptr<crypto::Suite> clone() const override { return std::make_unique<FailingSuite>(*this); }

 private:
  int calls_ = 0;
};

TEST(EspSeal, WhatTheCipherDidNotSealIsRefusedAndWiped) {
  const auto sa = test::sa(test::esp(kA, kB, "aes-cbc", "hmac-sha1"));
  sa->replace(std::make_unique<FailingSuite>());
  test::SeededRandom random;
  const std::string text = "attack at dawn";
  const auto sealed =
      seal_all(&seal_esp, *sa, std::vector<ByteVector>(5, test::udp({kA, 1}, {kB, 2}, as_bytes(text))), random);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    const bool fails = i % 2 == 0;
    EXPECT_EQ(sealed[i].drop, fails ? std::optional{DropReason::OutboundInvalid} : std::nullopt);
    const auto found = std::search(sealed[i].bytes.begin(), sealed[i].bytes.end(), text.begin(), text.end());
    EXPECT_EQ(found == sealed[i].bytes.end(), fails);
  }
}

struct PadRow {
  sad::Padding kind;
  std::size_t data;  // of UDP, behind its header
  const char* trailer;
};

TEST(EspSeal, PadsAsTheSaSays) {
  for (const PadRow& row :
       {PadRow{sad::Padding::Sequential, 2, "0211"}, PadRow{sad::Padding::Sequential, 0, "01020211"},
        PadRow{sad::Padding::Sequential, 3, "0102030311"}, PadRow{sad::Padding::Zero, 3, "0000000311"},
        PadRow{sad::Padding::Zero, 2, "0011"}}) {
    const auto sa = test::sa(test::esp(kA, kB, "null", "", {.padding = row.kind}));
    const Outcome sealed = seal(*sa, datagram(row.data));
    const ByteVector expected = hex(row.trailer);
    if (row.data == 2) {
      EXPECT_EQ(ByteVector(sealed.bytes.end() - 2, sealed.bytes.end()), hex("0011"));
      continue;
    }
    EXPECT_EQ(ByteVector(sealed.bytes.end() - static_cast<std::ptrdiff_t>(expected.size()), sealed.bytes.end()),
              expected);
  }
  const auto random = test::sa(test::esp(kA, kB, "null", "", {.padding = sad::Padding::Random}));
  std::set<ByteVector> pads;
  test::SeededRandom source;
  for (int i = 0; i < 20; ++i) {
    const ByteVector bytes = seal(*random, datagram(3), source).bytes;
    pads.emplace(bytes.end() - 5, bytes.end() - 2);
    EXPECT_EQ(bytes[bytes.size() - 2], 3);
  }
  EXPECT_GT(pads.size(), 15U);
}

// The block sizes of NetBSD's enc_xform table; its esp_input() refuses a payload that is no multiple of them, and its
// own packets are (for AES-CTR more than RFC 3686 section 3.1 asks for, which is ESP's 4).
TEST(EspSeal, PadsToTheBlockThatANetBsdReceiverInsistsOn) {
  struct Row {
    const char* cipher;
    std::size_t iv, block, icv;
  };
  for (const Row& row :
       {Row{"null", 0, 4, 0}, Row{"des-cbc", 8, 8, 0}, Row{"3des-cbc", 8, 8, 0}, Row{"blowfish-cbc", 8, 8, 0},
        Row{"cast128-cbc", 8, 8, 0}, Row{"aes-cbc", 16, 16, 0}, Row{"camellia-cbc", 16, 16, 0},
        Row{"aes-ctr", 8, 16, 0}, Row{"aes-gcm-16", 8, 4, 16}, Row{"aes-gmac", 8, 4, 16}}) {
    const auto out = test::sa(test::esp(kA, kB, row.cipher, row.icv == 0 ? "hmac-sha1" : ""));
    const auto in = test::sa(test::esp(kA, kB, row.cipher, row.icv == 0 ? "hmac-sha1" : ""));
    std::set<std::size_t> remainders;
    for (std::size_t data = 0; data < 32; ++data) {
      const ByteVector plain = datagram(data), sealed = seal(*out, plain).bytes;
      const std::size_t text = sealed.size() - 20 - 8 - row.iv - (row.icv == 0 ? 12 : row.icv);
      EXPECT_EQ(text % row.block, 0U) << row.cipher << " " << data;
      EXPECT_LT(text, 8 + data + 2 + row.block) << row.cipher << ": no more than that";
      remainders.insert(text % 16);
      EXPECT_EQ(open(*in, sealed).bytes, plain) << row.cipher;
    }
    EXPECT_EQ(remainders.size(), 16 / row.block) << row.cipher;
  }
}

TEST(EspSeal, NumbersPacketsFromOneInOrder) {
  const auto sa = test::sa(test::esp(kA, kB, "null"));
  test::SeededRandom random;
  const auto sealed = seal_all(&seal_esp, *sa, std::vector<ByteVector>(200, datagram()), random);
  for (std::size_t i = 0; i < sealed.size(); ++i) EXPECT_EQ(be32(&sealed[i].bytes[24]), i + 1);
}

TEST(EspSeal, NeverWrapsItsSequenceUnlessAskedTo) {
  constexpr std::uint64_t kEnd = UINT32_MAX;
  struct Row {
    const char* cipher;
    bool cyclic, esn, wraps;
  };
  for (const Row& row : {Row{"aes-cbc", true, false, true}, Row{"aes-cbc", false, false, false},
                         Row{"aes-gcm-16", true, false, false}, Row{"aes-ctr", true, false, false}}) {
    sad::SaParameters p = test::esp(kA, kB, row.cipher, row.cipher == std::string{"aes-gcm-16"} ? "" : "hmac-sha1");
    p.flags.cyclic_sequence = row.cyclic;
    const auto sa = test::sa(std::move(p));
    sa->sequence = sad::Sequence{false, sa->sequence.wrap(), kEnd - 1};
    EXPECT_TRUE(seal(*sa, datagram()));
    const Outcome beyond = seal(*sa, datagram());
    if (row.wraps) {
      ASSERT_TRUE(beyond) << row.cipher;
      EXPECT_EQ(be32(&beyond.bytes[24]), 1U);
    } else {
      EXPECT_EQ(beyond.drop, DropReason::SequenceExhausted) << row.cipher;
    }
  }
}

TEST(EspSeal, GoesOnBeyondThirtyTwoBitsWithEsn) {
  const auto sa = test::sa(test::esp(kA, kB, "aes-gcm-16", "", {.extended_sequence = true}));
  sa->sequence = sad::Sequence{true, sa->sequence.wrap(), UINT32_MAX};
  const Outcome sealed = seal(*sa, datagram());
  ASSERT_TRUE(sealed) << name_of(sealed);
  EXPECT_EQ(be32(&sealed.bytes[24]), 0U) << "only the low half is sent";
}

std::uint64_t iv_of(const Outcome& sealed) {
  return be64(&sealed.bytes[28]);
}

TEST(EspSeal, NoCounterIvRepeatsInOneInstallation) {
  for (const char* cipher : {"aes-ctr", "aes-gcm-16", "aes-gmac", "aes-ccm-16", "chacha20-poly1305"}) {
    const auto sa = test::sa(test::esp(kA, kB, cipher));
    test::SeededRandom random;
    sa->iv_counter = sad::IvCounter{UINT64_MAX - 100};  // it may wrap: only the distance of two values counts
    std::set<std::uint64_t> seen;
    for (const Outcome& o : seal_all(&seal_esp, *sa, std::vector<ByteVector>(500, datagram()), random)) {
      EXPECT_TRUE(seen.insert(iv_of(o)).second) << cipher;
    }
    EXPECT_EQ(seen.size(), 500U);
  }
}

// "sequence and IV never repeat, not after a restart either": the same keys, installed again.
TEST(EspSeal, TheSameKeysInstalledAgainStartTheirIvsElsewhere) {
  for (const char* cipher : {"aes-ctr", "aes-gcm-16", "aes-cbc", "3des-cbc"}) {
    std::set<std::uint64_t> starts;
    test::SeededRandom random;
    for (int restart = 0; restart < 50; ++restart) {
      const auto sa = test::sa(test::esp(kA, kB, cipher));
      starts.insert(iv_of(seal(*sa, datagram(), random)));
    }
    EXPECT_EQ(starts.size(), 50U) << cipher;
  }
}

TEST(EspSeal, CbcIvsFollowNoPattern) {
  const auto sa = test::sa(test::esp(kA, kB, "aes-cbc", "hmac-sha1"));
  std::set<std::uint64_t> seen, steps;
  std::uint64_t last = 0;
  test::SeededRandom random;
  for (const Outcome& o : seal_all(&seal_esp, *sa, std::vector<ByteVector>(300, datagram()), random)) {
    seen.insert(iv_of(o));
    steps.insert(iv_of(o) - last);
    last = iv_of(o);
  }
  EXPECT_EQ(seen.size(), 300U);
  EXPECT_EQ(steps.size(), 300U);
}

TEST(EspSeal, ADerivedIvIsNotOnTheWire) {
  const auto plain = test::sa(test::esp(kA, kB, "des-cbc"));
  const auto derived = test::sa(test::esp(kA, kB, "des-cbc", "", {.derived_iv = true}));
  EXPECT_EQ(seal(*plain, datagram()).bytes.size(), seal(*derived, datagram()).bytes.size() + 8);
}

// Where ESP goes among IPv6 extension headers: behind hop-by-hop, before destination options for the last hop.
TEST(EspSeal, StandsInTheRightPlaceOfAnIpv6Chain) {
  // hop-by-hop (next: destination options) and destination options (next: UDP), each 8 bytes of PadN
  const ByteVector chain = hex("3c 00 01 04 00000000 11 00 01 04 00000000");
  const ByteVector packet =
      test::udp({kA6, 1}, {kB6, 2}, as_bytes("data"), {.options = chain, .first_extension = net::protocol::kHopByHop});
  const auto sa = test::sa(test::esp(kA6, kB6, "null"));
  const Outcome sealed = seal(*sa, packet);
  ASSERT_TRUE(sealed) << name_of(sealed);
  EXPECT_EQ(sealed.bytes[6], net::protocol::kHopByHop);
  EXPECT_EQ(sealed.bytes[40], net::protocol::kEsp);
  EXPECT_EQ(be32(&sealed.bytes[48]), 0x1000U);
  EXPECT_EQ(ByteVector(sealed.bytes.begin() + 56, sealed.bytes.begin() + 64), hex("11 00 01 04 00000000"));
  EXPECT_EQ(sealed.bytes.back(), net::protocol::kDestination);
  EXPECT_EQ(be16(&sealed.bytes[4]), sealed.bytes.size() - 40);
}

TEST(EspSeal, KeepsIpv4Options) {
  const ByteVector packet = test::udp({kA, 1}, {kB, 2}, as_bytes("data"), {.options = hex("94040000")});
  const auto sa = test::sa(test::esp(kA, kB, "null"));
  const Outcome sealed = seal(*sa, packet);
  ASSERT_TRUE(sealed) << name_of(sealed);
  EXPECT_EQ(ByteVector(sealed.bytes.begin() + 20, sealed.bytes.begin() + 28), hex("94040000 00001000"));
  EXPECT_EQ(test::detail::internet_checksum(Bytes{sealed.bytes}.first(24)), 0);
}

TEST(EspSeal, RefusesFragments) {
  const auto sa = test::sa(test::esp(kA, kB, "null"));
  const ByteVector packet = test::packet(kA, kB, 17, ByteVector(64, 1), {.more_fragments = true});
  EXPECT_EQ(seal(*sa, packet).drop, DropReason::OutboundInvalid);
  EXPECT_EQ(sa->sequence.last(), 0U);
}

TEST(EspSeal, DropsWhatTrailsThePacketBeforeItSeals) {
  const auto out = test::sa(test::esp(kA, kB, "aes-cbc", "hmac-sha1"));
  ByteVector packet = datagram();
  const ByteVector whole = packet;
  packet.resize(packet.size() + 9, 0xee);  // an Ethernet frame's padding
  const auto in = test::sa(test::esp(kA, kB, "aes-cbc", "hmac-sha1"));
  EXPECT_EQ(open(*in, seal(*out, packet).bytes).bytes, whole);
}

TEST(EspSeal, SaysNoRoomAndTakesNoNumber) {
  const auto sa = test::sa(test::esp(kA, kB, "aes-cbc", "hmac-sha1"));
  const ByteVector packet = datagram();
  for (const bool at_the_back : {false, true}) {
    PacketBuffer buffer{packet.size()};
    ASSERT_TRUE(buffer.assign(packet));
    std::vector<SealJob> jobs;
    jobs.push_back({.packet = &buffer, .ip = *wire::packet::parse_ip(packet)});
    if (at_the_back) {  // the whole buffer is one long packet
      ASSERT_TRUE(buffer.append(buffer.tail_room()));
      jobs[0].ip.total_length = buffer.size();
    } else {  // earlier headers have eaten the head room
      ASSERT_TRUE(buffer.prepend(buffer.head_room() - 8));
      std::ranges::copy(packet, buffer.data());
      buffer.set_size(packet.size());
    }
    const ByteVector before(buffer.bytes().begin(), buffer.bytes().end());
    test::SeededRandom random;
    const HeaderSettings settings;
    seal_esp(*sa, jobs, Context{settings, random});
    ASSERT_FALSE(jobs[0].result) << at_the_back;
    EXPECT_EQ(jobs[0].result.error(), DropReason::NoRoom) << at_the_back;
    EXPECT_EQ(ByteVector(buffer.bytes().begin(), buffer.bytes().end()), before) << at_the_back;
    EXPECT_EQ(sa->sequence.last(), 0U);
  }
}

// One refused packet does not disturb its neighbours in a run.
TEST(EspSeal, SealsTheOthersOfARunWhenOneIsRefused) {
  const auto out = test::sa(test::esp(kA, kB, "aes-gcm-16"));
  const auto in = test::sa(test::esp(kA, kB, "aes-gcm-16"));
  std::vector<ByteVector> packets(70, datagram());
  packets[3] = test::packet(kA, kB, 17, ByteVector(64, 1), {.more_fragments = true});
  packets[66] = packets[3];
  test::SeededRandom random;
  std::vector<ByteVector> wire;
  const auto sealed = seal_all(&seal_esp, *out, packets, random);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    EXPECT_EQ(sealed[i].drop.has_value(), i == 3 || i == 66);
    if (sealed[i]) wire.push_back(sealed[i].bytes);
  }
  for (const Outcome& o : open_all(&open_esp, *in, wire)) EXPECT_TRUE(o) << name_of(o);
}

}  // namespace
}  // namespace testudo::transform
