#include "io/segment.h"

#include <gmock/gmock.h>

#include <functional>

#include "support/super_packets.h"

namespace testudo::io {
namespace {

using test::ip, test::tcp, test::udp, test::super_packet, test::unfinished, test::SuperPacket;
using ::testing::ElementsAre;

const net::Endpoint kFrom4{ip("10.0.1.1"), 1025}, kTo4{ip("10.0.2.1"), 80};
const net::Endpoint kFrom6{ip("fd00::1"), 1025}, kTo6{ip("fd00::2"), 80};

ByteVector bytes_of(std::size_t n) {
  ByteVector bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}
ByteVector part(const ByteVector& whole, std::size_t from, std::size_t n) {
  return {whole.begin() + static_cast<std::ptrdiff_t>(from), whole.begin() + static_cast<std::ptrdiff_t>(from + n)};
}

constexpr std::uint8_t kAck = 0x10, kPshAck = 0x18, kFinPshAck = 0x19, kCwrAck = 0x90, kCwrFinPshAck = 0x99;

TEST(Segments, OfTcpAreThePacketsThatAHostWithoutOffloadSends) {
  const ByteVector data = bytes_of(2501);
  const test::IpFields fields{.traffic_class = 0xb9, .identification = 0xffff, .dont_fragment = true};
  const ByteVector options{1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
  const auto tcp_fields = [&](std::uint32_t sequence, std::uint8_t flags) {
    return test::TcpFields{.sequence = sequence, .acknowledgement = 77, .flags = flags, .options = options};
  };
  auto second = fields, third = fields;
  second.identification = 0;  // behind 65535
  third.identification = 1;
  EXPECT_THAT(test::cut(super_packet(tcp(kFrom4, kTo4, data, fields, tcp_fields(0xfffffc00, kFinPshAck)), 1001)),
              ElementsAre(tcp(kFrom4, kTo4, part(data, 0, 1001), fields, tcp_fields(0xfffffc00, kAck)),
                          tcp(kFrom4, kTo4, part(data, 1001, 1001), second, tcp_fields(0xfffffc00 + 1001, kAck)),
                          tcp(kFrom4, kTo4, part(data, 2002, 499), third,
                              tcp_fields(static_cast<std::uint32_t>(0xfffffc00ULL + 2002), kFinPshAck))));
}

TEST(Segments, OfTcpInIpv6) {
  const ByteVector data = bytes_of(2000);
  const test::IpFields fields{.ttl = 3, .flow_label = 0xabcde};
  EXPECT_THAT(test::cut(super_packet(tcp(kFrom6, kTo6, data, fields, {.sequence = 5, .flags = kPshAck}), 1000)),
              ElementsAre(tcp(kFrom6, kTo6, part(data, 0, 1000), fields, {.sequence = 5, .flags = kAck}),
                          tcp(kFrom6, kTo6, part(data, 1000, 1000), fields, {.sequence = 1005, .flags = kPshAck})));
}

// RFC 3168 section 6.1.2: CWR answers once.
TEST(Segments, OnlyTheFirstSaysThatTheWindowWasReduced) {
  const ByteVector data = bytes_of(30);
  auto whole = super_packet(tcp(kFrom4, kTo4, data, {}, {.flags = kCwrFinPshAck}), 10);
  whole.header.gso_type |= VnetHeader::kEcn;
  const auto packets = test::cut(whole);
  ASSERT_EQ(packets.size(), 3U);
  EXPECT_EQ(packets[0][33], kCwrAck);
  EXPECT_EQ(packets[1][33], kAck);
  EXPECT_EQ(packets[2][33], kFinPshAck);
}

TEST(Segments, OfUdpAreDatagramsOfOneSizeAndARest) {
  const ByteVector data = bytes_of(25);
  const auto numbered = [](std::uint16_t n) { return test::IpFields{.identification = n}; };
  EXPECT_THAT(test::cut(super_packet(udp(kFrom4, kTo4, data, numbered(9)), 10)),
              ElementsAre(udp(kFrom4, kTo4, part(data, 0, 10), numbered(9)),
                          udp(kFrom4, kTo4, part(data, 10, 10), numbered(10)),
                          udp(kFrom4, kTo4, part(data, 20, 5), numbered(11))));
  EXPECT_THAT(test::cut(super_packet(udp(kFrom6, kTo6, data), 20)),
              ElementsAre(udp(kFrom6, kTo6, part(data, 0, 20)), udp(kFrom6, kTo6, part(data, 20, 5))));
}

// A checksum of zero would say that there is none.  The two bytes make the sum of everything else come out so.
TEST(Segments, OfUdpAreSuchWhateverIsSaidOfCongestion) {
  auto super = super_packet(udp(kFrom4, kTo4, bytes_of(40)), 20);
  const auto plain = test::cut(super);
  ASSERT_EQ(plain.size(), 2U);
  super.header.gso_type |= 0x80;
  EXPECT_EQ(test::cut(super), plain);
}

TEST(Segments, OfUdpNeverHaveTheChecksumZero) {
  ByteVector data{0, 0};
  const ByteVector plain = udp(kFrom4, kTo4, data);
  data = {plain[26], plain[27]};
  const ByteVector expected = udp(kFrom4, kTo4, data);
  ASSERT_EQ(be16(expected.data() + 26), 0xffff);
  EXPECT_THAT(test::cut(super_packet(expected, 2)), ElementsAre(expected));
  auto whole = unfinished(expected);
  ASSERT_TRUE(finish_checksum(whole.header, whole.bytes));
  EXPECT_EQ(whole.bytes, expected);
}

TEST(Segments, OfEverySizeGiveTheStreamBack) {
  for (std::size_t size = 1; size <= 40; ++size) {
    const ByteVector data = bytes_of(777);
    ByteVector stream;
    for (const ByteVector& packet :
         test::cut(super_packet(tcp(kFrom4, kTo4, data), static_cast<std::uint16_t>(size)))) {
      EXPECT_LE(packet.size(), 40 + size);
      EXPECT_EQ(be32(packet.data() + 24), 1 + stream.size());
      stream.insert(stream.end(), packet.begin() + 40, packet.end());
    }
    EXPECT_EQ(stream, data) << size;
  }
}

TEST(Segments, OfALyingHeaderAreRefused) {
  const auto good = super_packet(tcp(kFrom4, kTo4, bytes_of(100)), 10);
  ASSERT_FALSE(test::cut(good).empty());
  const std::vector<std::pair<const char*, std::function<void(SuperPacket&)>>> lies{
      {"size 0", [](SuperPacket& s) { s.header.gso_size = 0; }},
      {"a finished checksum", [](SuperPacket& s) { s.header.flags = 0; }},
      {"the other family", [](SuperPacket& s) { s.header.gso_type = 4; }},
      {"fragments of UDP", [](SuperPacket& s) { s.header.gso_type = 3; }},
      {"UDP that is TCP", [](SuperPacket& s) { s.header.gso_type = 5, s.header.checksum_offset = 6; }},
      {"TCP that is UDP", [](SuperPacket& s) { s.bytes[9] = 17; }},
      {"no kind", [](SuperPacket& s) { s.header.gso_type = 0x80; }},
      {"TCP inside of the IP header", [](SuperPacket& s) { s.header.checksum_start = 12; }},
      {"TCP behind a gap", [](SuperPacket& s) { s.header.checksum_start = 24; }},
      {"TCP behind the end", [](SuperPacket& s) { s.header.checksum_start = 1000; }},
      {"another field", [](SuperPacket& s) { s.header.checksum_offset = 6; }},
      {"a TCP header beyond the end", [](SuperPacket& s) { s.bytes.resize(50), s.bytes[32] = 0xf0; }},
      {"a TCP header shorter than one", [](SuperPacket& s) { s.bytes[32] = 0x40; }},
      {"half a TCP header", [](SuperPacket& s) { s.bytes.resize(30); }},
      {"nothing", [](SuperPacket& s) { s.bytes.clear(); }},
  };
  for (const auto& [what, tell] : lies) {
    auto bad = good;
    tell(bad);
    EXPECT_TRUE(test::cut(bad).empty()) << what;
  }
}

TEST(FinishChecksum, MakesThePacketThatAHostWithoutOffloadSends) {
  for (const ByteVector& packet : {tcp(kFrom4, kTo4, bytes_of(101)), tcp(kFrom6, kTo6, bytes_of(100)),
                                   udp(kFrom4, kTo4, bytes_of(3)), udp(kFrom6, kTo6, {})}) {
    auto whole = unfinished(packet);
    ASSERT_NE(whole.bytes, packet);
    ASSERT_TRUE(finish_checksum(whole.header, whole.bytes));
    EXPECT_EQ(whole.bytes, packet);
  }
}

TEST(FinishChecksum, LeavesFinishedPacketsAlone) {
  ByteVector packet = tcp(kFrom4, kTo4, bytes_of(9));
  const ByteVector before = packet;
  ASSERT_TRUE(finish_checksum({}, packet));
  EXPECT_EQ(packet, before);
}

TEST(FinishChecksum, RefusesAFieldOutsideThePacket) {
  auto whole = unfinished(tcp(kFrom4, kTo4, {}));
  whole.header.checksum_offset = 19;  // one byte is left
  EXPECT_FALSE(finish_checksum(whole.header, whole.bytes));
  whole.header.checksum_start = 41;
  EXPECT_FALSE(finish_checksum(whole.header, whole.bytes));
}

}  // namespace
}  // namespace testudo::io
