#include "io/coalesce.h"

#include <gmock/gmock.h>

#include <cstring>
#include <functional>
#include <map>
#include <random>

#include "support/super_packets.h"

namespace testudo::io {
namespace {

using test::ip, test::join, test::tcp, test::udp, test::TcpFields, test::IpFields;
using ::testing::ElementsAre;

const net::Endpoint kFrom4{ip("10.0.1.1"), 1025}, kTo4{ip("10.0.2.1"), 80};
const net::Endpoint kFrom6{ip("fd00::1"), 1025}, kTo6{ip("fd00::2"), 80};
constexpr std::uint8_t kAck = 0x10, kPshAck = 0x18;
const IpFields kWhole{.dont_fragment = true};

ByteVector bytes_of(std::size_t n, std::size_t from = 0) {
  ByteVector bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>((from + i) * 7 + (from + i) / 251);
  return bytes;
}

/// Bytes `from` to `from + n` of a stream, as one TCP packet.
ByteVector data(std::uint32_t from, std::size_t n, std::uint8_t flags = kAck, IpFields fields = {},
                const net::Endpoint& source = kFrom4) {
  fields.identification = static_cast<std::uint16_t>(from / 100);
  const net::Endpoint& to = source.address.is_v4() ? kTo4 : kTo6;
  return tcp(source, to, bytes_of(n, from), fields, {.sequence = from, .acknowledgement = 9, .flags = flags});
}

std::vector<std::size_t> lengths(const std::vector<test::SuperPacket>& packets) {
  std::vector<std::size_t> n;
  for (const auto& p : packets) n.push_back(p.bytes.size());
  return n;
}

void expect_same(const test::SuperPacket& a, const test::SuperPacket& b) {
  EXPECT_EQ(a.bytes, b.bytes);
  EXPECT_EQ(0, std::memcmp(&a.header, &b.header, sizeof a.header));
}

TEST(Coalescer, MakesTheSuperPacketThatTheKernelWouldHaveSent) {
  const auto joined = join({data(0, 100), data(100, 100), data(200, 30, kPshAck)});
  ASSERT_EQ(joined.size(), 1U);
  expect_same(joined[0], test::super_packet(data(0, 230, kPshAck), 100));
}

TEST(Coalescer, JoinsIpv6) {
  const auto at = [](std::uint32_t from, std::size_t n) { return data(from, n, kAck, {.flow_label = 5}, kFrom6); };
  const auto joined = join({at(0, 100), at(100, 100)});
  ASSERT_EQ(joined.size(), 1U);
  expect_same(joined[0], test::super_packet(at(0, 200), 100));
}

TEST(Coalescer, JoinsDatagramsOfOneSizeAndALastShorterOne) {
  const auto datagram = [](std::size_t from, std::size_t n, std::uint16_t id) {
    return udp(kFrom4, kTo4, bytes_of(n, from), {.identification = id});
  };
  const auto joined = join({datagram(0, 10, 1), datagram(10, 10, 2), datagram(20, 4, 3), datagram(24, 10, 4)});
  ASSERT_EQ(joined.size(), 2U);
  expect_same(joined[0], test::super_packet(datagram(0, 24, 1), 10));
  EXPECT_EQ(joined[1].bytes, datagram(24, 10, 4));
  EXPECT_FALSE(joined[1].header.is_super_packet());
}

TEST(Coalescer, LeavesWhatIsAloneAsItIs) {
  const ByteVector packet = data(0, 100);
  const auto joined = join({packet});
  ASSERT_EQ(joined.size(), 1U);
  expect_same(joined[0], {{}, packet});
}

TEST(Coalescer, KeepsFlowsApartAndEachInOrder) {
  const net::Endpoint other{ip("10.0.1.1"), 1026};
  const auto joined = join({data(0, 100), data(0, 50, kAck, kWhole, other), data(100, 100),
                            data(50, 50, kAck, kWhole, other), data(200, 100)});
  EXPECT_THAT(lengths(joined), ElementsAre(340, 140));
}

TEST(Coalescer, NothingOvertakesAPacketOfItsFlow) {
  const auto joined = join({data(0, 100), data(100, 0), data(100, 100), data(200, 100)});
  EXPECT_THAT(lengths(joined), ElementsAre(140, 40, 240));
}

TEST(Coalescer, NothingOvertakesAPacketOfWhichTheFlowIsNotSeen) {
  const ByteVector hop_by_hop{6, 0, 1, 4, 0, 0, 0, 0};
  const auto v6 = [](std::uint32_t from, const IpFields& fields) { return data(from, 100, kAck, fields, kFrom6); };
  const std::vector<std::vector<ByteVector>> flows{
      {data(0, 100), data(100, 100, kAck, {.options = ByteVector(4, 1)}), data(100, 100)},
      {data(0, 100), data(100, 100, kAck, {.more_fragments = true}), data(100, 100)},
      {data(0, 100), data(100, 100, kAck, {.fragment_offset = 8}), data(100, 100)},
      {v6(0, {}), v6(100, {.options = hop_by_hop, .first_extension = 0}), v6(100, {})}};
  for (const auto& packets : flows) {
    const auto joined = join(packets);
    ASSERT_EQ(joined.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(joined[i].bytes, packets[i]);
  }
}

TEST(Coalescer, ASuperPacketIsNoLargerThanAnIpPacket) {
  std::vector<ByteVector> packets;
  for (std::uint32_t i = 0; i < 60; ++i) packets.push_back(data(i * 1400, 1400, kAck, {.dont_fragment = true}));
  EXPECT_THAT(lengths(join(packets)), ElementsAre(40 + 46 * 1400, 40 + 14 * 1400));
}

TEST(Coalescer, NoMoreDatagramsThanTheKernelTakes) {
  const std::vector<ByteVector> packets(100, udp(kFrom6, kTo6, bytes_of(10)));
  EXPECT_THAT(lengths(join(packets)), ElementsAre(48 + 640, 48 + 360));
}

TEST(Coalescer, IdentificationsOfPacketsThatMayBeCutAreConsecutive) {
  const auto numbered = [](std::uint32_t from, std::uint16_t id, bool dont_fragment) {
    return tcp(kFrom4, kTo4, bytes_of(10, from), {.identification = id, .dont_fragment = dont_fragment},
               {.sequence = from, .flags = kAck});
  };
  EXPECT_EQ(join({numbered(0, 65535, false), numbered(10, 0, false)}).size(), 1U);
  EXPECT_EQ(join({numbered(0, 7, false), numbered(10, 7, false)}).size(), 2U);
  EXPECT_EQ(join({numbered(0, 7, true), numbered(10, 7, true)}).size(), 1U) << "RFC 6864";
}

// Each second packet differs from the one that would be joined in one thing.
TEST(Coalescer, DoesNotJoinWhatDiffers) {
  const ByteVector first = data(0, 100, kAck, {.dont_fragment = true});
  const auto second = [](IpFields ip_fields, TcpFields fields, std::size_t n = 100) {
    ip_fields.dont_fragment = true;
    return tcp(kFrom4, kTo4, bytes_of(n, 100), ip_fields, fields);
  };
  const TcpFields next{.sequence = 100, .acknowledgement = 9, .flags = kAck};
  ASSERT_EQ(join({first, second({}, next)}).size(), 1U);
  const auto with = [&](const std::function<void(TcpFields&)>& change) {
    TcpFields fields = next;
    change(fields);
    return second({}, fields);
  };
  const auto broken = [&](std::size_t at) {
    ByteVector packet = second({}, next);
    packet[at] ^= 1;
    return packet;
  };
  const std::vector<std::pair<const char*, ByteVector>> others{
      {"a gap", with([](TcpFields& f) { f.sequence = 101; })},
      {"a repetition", with([](TcpFields& f) { f.sequence = 0; })},
      {"another acknowledgement", with([](TcpFields& f) { f.acknowledgement = 10; })},
      {"FIN", with([](TcpFields& f) { f.flags = 0x11; })},
      {"SYN", with([](TcpFields& f) { f.flags = 0x12; })},
      {"RST", with([](TcpFields& f) { f.flags = 0x14; })},
      {"URG", with([](TcpFields& f) { f.flags = 0x30; })},
      {"ECE", with([](TcpFields& f) { f.flags = 0x50; })},
      {"CWR", with([](TcpFields& f) { f.flags = 0x90; })},
      {"options", with([](TcpFields& f) {
         f.options = {1, 1, 1, 1};
       })},
      {"congestion experienced", second({.traffic_class = 3}, next)},
      {"another TTL", second({.ttl = 63}, next)},
      {"IP options", second({.options = {1, 1, 1, 1}}, next)},
      {"more data than the first", second({}, next, 101)},
      {"no data", second({}, next, 0)},
      {"an error in the data", broken(60)},
      {"an error in the IP header", broken(10)},
      {"an error in the window", broken(34)},
      {"bytes behind the end",
       [&] {
         ByteVector p = second({}, next);
         p.push_back(0);
         return p;
       }()},
      {"a packet that may be cut", tcp(kFrom4, kTo4, bytes_of(100, 100), {.identification = 1}, next)},
      {"another port", tcp({kFrom4.address, 1026}, kTo4, bytes_of(100, 100), {.dont_fragment = true}, next)},
      {"another source", tcp({ip("10.0.1.2"), 1025}, kTo4, bytes_of(100, 100), {.dont_fragment = true}, next)},
      {"a fragment", test::packet(kFrom4.address, kTo4.address, 6, bytes_of(120), {.fragment_offset = 160})},
      {"another protocol", test::packet(kFrom4.address, kTo4.address, 1, bytes_of(120))},
      {"nearly nothing", {0x45}},
      {"nothing", {}},
  };
  for (const auto& [what, other] : others) {
    const auto joined = join({first, other});
    ASSERT_EQ(joined.size(), 2U) << what;
    EXPECT_EQ(joined[0].bytes, first) << what;
    EXPECT_EQ(joined[1].bytes, other) << what;
  }
}

TEST(Coalescer, OptionsMustAgreeByteForByte) {
  const auto at = [](std::uint32_t from, std::uint8_t time) {
    return tcp(kFrom4, kTo4, bytes_of(10, from), {.dont_fragment = true},
               {.sequence = from, .flags = kAck, .options = {1, 1, 8, 10, 0, 0, 0, time, 0, 0, 0, 1}});
  };
  EXPECT_EQ(join({at(0, 1), at(10, 1)}).size(), 1U);
  EXPECT_EQ(join({at(0, 1), at(10, 2)}).size(), 2U);
}

TEST(Coalescer, NothingFollowsAPushAShortPacketOrABrokenOne) {
  EXPECT_EQ(join({data(0, 100, kPshAck, kWhole), data(100, 100, kAck, kWhole)}).size(), 2U);
  EXPECT_EQ(join({data(0, 100, kAck, kWhole), data(100, 50, kAck, kWhole), data(150, 100, kAck, kWhole)}).size(), 2U);
  ByteVector broken = data(0, 100, kAck, kWhole);
  broken[70] ^= 1;
  EXPECT_EQ(join({broken, data(100, 100, kAck, kWhole), data(200, 100, kAck, kWhole)}).size(), 2U);
}

TEST(Coalescer, DatagramsWithoutChecksumGoAlone) {
  ByteVector bare = udp(kFrom4, kTo4, bytes_of(10), {.dont_fragment = true});
  bare[26] = bare[27] = 0;
  EXPECT_EQ(join({bare, bare}).size(), 2U);
}

TEST(Coalescer, OfOurOwnTheyGetOne) {
  const std::vector<ByteVector> summed{udp(kFrom4, kTo4, bytes_of(10), {.identification = 1}),
                                       udp(kFrom4, kTo4, bytes_of(10), {.identification = 2})};
  ByteVector first = summed[0], second = summed[1];
  for (ByteVector* bare : {&first, &second}) (*bare)[26] = (*bare)[27] = 0;
  Coalescer coalescer{{.udp = true}};
  coalescer.add_own(first);
  coalescer.add_own(second);
  ASSERT_EQ(coalescer.count(), 1U);
  test::SuperPacket whole;
  for (const Bytes piece : coalescer.finish(0, whole.header)) {
    whole.bytes.insert(whole.bytes.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(test::cut(whole), summed);
}

TEST(Coalescer, OneOfOurOwnAloneAndOneOfOthersStayAsTheyAre) {
  ByteVector own = udp(kFrom4, kTo4, bytes_of(10), {.dont_fragment = true});
  own[26] = own[27] = 0;
  ByteVector foreign = own;
  const ByteVector before = own;
  Coalescer coalescer{{.udp = true}};
  coalescer.add_own(own);
  coalescer.add(foreign);
  ASSERT_EQ(coalescer.count(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    VnetHeader header;
    EXPECT_TRUE(std::ranges::equal(coalescer.finish(i, header).front(), before));
    EXPECT_FALSE(header.is_super_packet());
  }
}

TEST(Coalescer, JoinsOnlyWhatTheDeviceTakes) {
  const ByteVector datagram = udp(kFrom4, kTo4, bytes_of(10), {.dont_fragment = true});
  EXPECT_EQ(join({datagram, datagram}, {.tcp = true}).size(), 2U);
  EXPECT_EQ(join({datagram, datagram}, {.udp = true}).size(), 1U);
  EXPECT_EQ(join({data(0, 100), data(100, 100)}, {.udp = true}).size(), 2U);
  EXPECT_EQ(join({data(0, 100), data(100, 100)}, {.tcp = true}).size(), 1U);
}

// Mixed flows with lost, repeated and odd packets: cut again, each flow is what it was, byte for byte.
TEST(Coalescer, CuttingAgainGivesEveryFlowBack) {
  std::mt19937 random{1};
  const auto one_of = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::size_t supers = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<ByteVector> sent;
    std::map<std::uint16_t, std::pair<std::uint32_t, std::uint16_t>> flows;  // by port: sequence, identification
    for (int i = 0; i < 64; ++i) {
      const auto port = static_cast<std::uint16_t>(1 + one_of(5));
      auto& [sequence, id] = flows[port];
      if (one_of(15) == 0) sequence += 10;
      const std::size_t n = one_of(8) == 0 ? one_of(120) : 100;
      const IpFields fields{.traffic_class = static_cast<std::uint8_t>(one_of(30) == 0 ? 3 : 0),
                            .identification = id++};
      const bool v4 = port != 1;
      const net::Endpoint from{(v4 ? kFrom4 : kFrom6).address, port};
      const std::uint8_t flags = one_of(20) == 0 ? kPshAck : kAck;
      sent.push_back(port == 2 ? udp(from, kTo4, bytes_of(n, sequence), fields)
                               : tcp(from, v4 ? kTo4 : kTo6, bytes_of(n, sequence), fields,
                                     {.sequence = sequence, .flags = flags}));
      sequence += static_cast<std::uint32_t>(n);
    }
    const auto by_flow = [](const std::vector<ByteVector>& packets) {
      std::map<std::uint32_t, std::vector<ByteVector>> sorted;
      for (const ByteVector& p : packets) sorted[be16(p.data() + (p[0] >> 4 == 4 ? 20 : 40))].push_back(p);
      return sorted;
    };
    std::vector<ByteVector> received;
    for (const auto& super : join(sent)) {
      supers += super.header.is_super_packet();
      for (ByteVector& packet : test::cut(super)) received.push_back(std::move(packet));
    }
    ASSERT_TRUE(by_flow(sent) == by_flow(received)) << round;
  }
  EXPECT_GT(supers, 1000U);
}

}  // namespace
}  // namespace testudo::io
