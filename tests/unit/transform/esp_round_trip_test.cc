// Every suite, format, padding and family: what is sealed opens again, and nothing that was changed opens.
#include <gtest/gtest.h>

#include <string>

#include "base/endian.h"
#include "unit/transform/one_packet.h"

namespace testudo::transform {
namespace {

using namespace test_support;
using sad::Padding;

struct Ends {
  net::Address source, destination;
};
const Ends kV4{test::ip("10.0.0.1"), test::ip("10.0.0.2")}, kV6{test::ip("fd00::1"), test::ip("fd00::2")};

struct Suite {
  std::string cipher, mac;
  bool aead = false;
  bool authenticated() const { return aead || (!mac.empty() && mac != "null"); }
};

std::vector<Suite> all_suites() {
  std::vector<Suite> out;
  for (const auto& cipher : crypto::ciphers()) {
    if (cipher.is_aead()) {
      out.push_back({std::string{cipher.name}, "", true});
      continue;
    }
    out.push_back({std::string{cipher.name}, ""});
    for (const auto& mac : crypto::macs()) {
      if (mac.kind != crypto::MacKind::TcpMd5) out.push_back({std::string{cipher.name}, std::string{mac.name}});
    }
  }
  return out;
}

/// The forms that a suite can take.
std::vector<sad::SaFlags> forms_of(const Suite& suite) {
  std::vector<sad::SaFlags> out;
  for (const Padding padding : {Padding::Sequential, Padding::Random, Padding::Zero}) {
    out.push_back({.padding = padding});
    if (!suite.aead) out.push_back({.old_format = true, .padding = padding});
    if (suite.authenticated()) out.push_back({.extended_sequence = true, .padding = padding});
  }
  const bool des = suite.cipher == "des-cbc";
  if (des || suite.cipher == "3des-cbc") out.push_back({.derived_iv = true});
  if (des) out.push_back({.old_format = true, .four_byte_iv = true});
  return out;
}

/// TCP in transport mode, and an IP packet behind an outer header as tunnel mode leaves it, of either family.
std::vector<ByteVector> samples(const Ends& ends) {
  const ByteVector data = test::SeededRandom{5}.bytes(61);
  const ByteVector inner4 = test::udp({test::ip("192.168.1.1"), 7}, {test::ip("192.168.2.1"), 9}, data);
  const ByteVector inner6 = test::udp({test::ip("fd01::1"), 7}, {test::ip("fd02::1"), 9}, data);
  return {test::tcp({ends.source, 1025}, {ends.destination, 110}, data),
          test::packet(ends.source, ends.destination, net::protocol::kIpv4, inner4),
          test::packet(ends.source, ends.destination, net::protocol::kIpv6, inner6)};
}

void expect_round_trip(const Suite& suite, const sad::SaFlags& flags, const Ends& ends, std::size_t& count) {
  const auto out = test::sa(test::esp(ends.source, ends.destination, suite.cipher, suite.mac, flags));
  const auto in = test::sa(test::esp(ends.source, ends.destination, suite.cipher, suite.mac, flags));
  const std::vector<ByteVector> packets = samples(ends);
  test::SeededRandom random;
  std::vector<ByteVector> wire;
  for (Outcome& o : seal_all(&seal_esp, *out, packets, random)) {
    ASSERT_TRUE(o) << name_of(o);
    wire.push_back(std::move(o.bytes));
  }
  const std::vector<Outcome> opened = open_all(&open_esp, *in, wire);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_NE(wire[i], packets[i]);
    ASSERT_TRUE(opened[i]) << name_of(opened[i]);
    EXPECT_EQ(opened[i].bytes, packets[i]);
    EXPECT_EQ(opened[i].opened.sequence, flags.old_format ? 0 : i + 1);
    ++count;
  }
}

TEST(EspRoundTrip, OfEverySuiteFormatPaddingFamilyAndPayload) {
  std::size_t suites = 0, count = 0;
  for (const Suite& suite : all_suites()) {
    ++suites;
    for (const sad::SaFlags& flags : forms_of(suite)) {
      for (const Ends& ends : {kV4, kV6}) {
        SCOPED_TRACE(suite.cipher + " + " + suite.mac + (flags.old_format ? " old" : "") +
                     (flags.extended_sequence ? " esn" : "") + (ends.source.is_v4() ? " v4" : " v6"));
        expect_round_trip(suite, flags, ends, count);
      }
    }
  }
  EXPECT_EQ(suites, 9U + 8U + 9U * 11U);
  EXPECT_GT(count, 5000U);
  RecordProperty("packets", static_cast<int>(count));
}

TEST(EspRoundTrip, OfEverySizeUpToAnEthernetFrame) {
  for (const Suite& suite :
       {Suite{"aes-cbc", "hmac-sha256"}, Suite{"aes-gcm-16", "", true}, Suite{"3des-cbc", "hmac-md5"},
        Suite{"null", "hmac-sha1"}, Suite{"aes-ctr", "aes-xcbc-mac"}}) {
    for (const Ends& ends : {kV4, kV6}) {
      const auto out = test::sa(test::esp(ends.source, ends.destination, suite.cipher, suite.mac));
      const auto in = test::sa(test::esp(ends.source, ends.destination, suite.cipher, suite.mac));
      const ByteVector data = test::SeededRandom{3}.bytes(1500);
      test::SeededRandom random;
      for (std::size_t size = 0; size <= data.size(); ++size) {
        const ByteVector packet = test::packet(ends.source, ends.destination, 253, Bytes{data}.first(size));
        const Outcome sealed = seal(*out, packet, random);
        ASSERT_TRUE(sealed) << size << ' ' << name_of(sealed);
        const std::size_t header = packet.size() - size;
        const auto& layout = out->layout();
        // RFC 4303: the ciphertext ends on a 4-byte boundary and on the cipher's block.
        ASSERT_EQ((sealed.bytes.size() - header - layout.header - layout.iv - layout.icv) % layout.block, 0U);
        ASSERT_LT(sealed.bytes.size() - packet.size(), layout.header + layout.iv + layout.icv + 2 + layout.pad);
        const Outcome opened = open(*in, sealed.bytes);
        ASSERT_TRUE(opened) << size << ' ' << name_of(opened);
        ASSERT_EQ(opened.bytes, packet) << size;
      }
    }
  }
}

void expect_the_largest_fits(const Suite& suite, const Ends& ends) {
  const auto make = [&] { return test::sa(test::esp(ends.source, ends.destination, suite.cipher, suite.mac)); };
  const auto probe = make();
  const auto& layout = probe->layout();
  const std::size_t fixed = layout.header + layout.iv + layout.icv;
  // The length field counts the header in IPv4 but not in IPv6.
  const std::size_t header = ends.source.is_v4() ? 20 : 40, counted = ends.source.is_v4() ? 20 : 0;
  const std::size_t text = (65535 - counted - fixed) / layout.pad * layout.pad;
  const ByteVector data = test::SeededRandom{9}.bytes(text - 1);

  const auto out = make(), in = make();
  const ByteVector too_big = test::packet(ends.source, ends.destination, 253, Bytes{data}.first(text - 1));
  const Outcome refused = seal(*out, too_big);
  EXPECT_EQ(refused.drop, DropReason::TooBig);
  EXPECT_EQ(refused.bytes, too_big) << "a packet that is refused stays as it was";
  EXPECT_EQ(out->sequence.last(), 0U) << "and takes no number";

  const ByteVector largest = test::packet(ends.source, ends.destination, 253, Bytes{data}.first(text - 2));
  const Outcome sealed = seal(*out, largest);
  ASSERT_TRUE(sealed) << name_of(sealed);
  EXPECT_EQ(sealed.bytes.size(), header + fixed + text);
  const Outcome opened = open(*in, sealed.bytes);
  ASSERT_TRUE(opened) << name_of(opened);
  EXPECT_EQ(opened.bytes, largest);
}

TEST(EspRoundTrip, UpToTheLargestPacketAndNotBeyond) {
  for (const Suite& suite : {Suite{"null", ""}, Suite{"aes-gcm-16", "", true}, Suite{"aes-cbc", "hmac-sha512"}}) {
    for (const Ends& ends : {kV4, kV6}) {
      SCOPED_TRACE(suite.cipher + (ends.source.is_v4() ? " v4" : " v6"));
      expect_the_largest_fits(suite, ends);
    }
  }
}

TEST(EspRoundTrip, NoByteOfAnAuthenticatedPacketCanBeChanged) {
  std::size_t flips = 0;
  for (const Suite& suite : all_suites()) {
    if (!suite.authenticated()) continue;
    for (const sad::SaFlags& flags : {sad::SaFlags{}, sad::SaFlags{.extended_sequence = true}}) {
      const auto out = test::sa(test::esp(kV4.source, kV4.destination, suite.cipher, suite.mac, flags));
      const auto in = test::sa(test::esp(kV4.source, kV4.destination, suite.cipher, suite.mac, flags));
      const ByteVector packet = test::udp({kV4.source, 1}, {kV4.destination, 2}, as_bytes("what nobody may change"));
      const ByteVector sealed = seal(*out, packet).bytes;
      std::vector<ByteVector> changed;
      for (std::size_t at = 20; at < sealed.size(); ++at) {
        ByteVector& copy = changed.emplace_back(sealed);
        copy[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
      }
      for (const Outcome& o : open_all(&open_esp, *in, changed)) {
        // The number 0 and an ESN that cannot be are refused before the ICV is looked at.
        EXPECT_TRUE(o.drop == DropReason::BadIcv || o.drop == DropReason::Replayed)
            << suite.cipher << ' ' << suite.mac << ' ' << name_of(o);
        ++flips;
      }
      EXPECT_EQ(in->window.highest(), 0U) << "a forged packet moved the window";
      EXPECT_TRUE(open(*in, sealed)) << suite.cipher << ' ' << suite.mac;
    }
  }
  EXPECT_GT(flips, 10'000U);
}

TEST(EspRoundTrip, NoPacketThatWasCutOrPaddedOpens) {
  const auto out = test::sa(test::esp(kV4.source, kV4.destination, "aes-cbc", "hmac-sha1"));
  const auto in = test::sa(test::esp(kV4.source, kV4.destination, "aes-cbc", "hmac-sha1"));
  const ByteVector sealed = seal(*out, test::udp({kV4.source, 1}, {kV4.destination, 2}, as_bytes("whole"))).bytes;
  const auto resized = [&](std::size_t size) {
    ByteVector copy = sealed;
    copy.resize(size);
    put_be16(&copy[2], static_cast<std::uint16_t>(size));
    return copy;
  };
  for (std::size_t size = 20; size < sealed.size() + 40; ++size) {
    const Outcome o = open(*in, resized(size));
    if (size == sealed.size()) {
      EXPECT_TRUE(o) << name_of(o);
      continue;
    }
    EXPECT_TRUE(o.drop == DropReason::BadIcv || o.drop == DropReason::InboundMalformed ||
                o.drop == DropReason::BadPayloadLength || o.drop == DropReason::Replayed)
        << size << ' ' << name_of(o);
  }
}

}  // namespace
}  // namespace testudo::transform
