#include "wire/packet/ip.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "net/protocol.h"
#include "support/packets.h"
#include "support/random.h"

namespace testudo::wire::packet {
namespace {

namespace protocol = net::protocol;
using test::icmp_echo;
using test::IpFields;
using test::packet;
using test::tcp;
using test::udp;

const net::Address kFrom4 = test::ip("10.0.0.1"), kTo4 = test::ip("10.0.0.2");
const net::Address kFrom6 = test::ip("fd00::1"), kTo6 = test::ip("fd00::2");

ByteVector operator+(ByteVector left, const ByteVector& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// An options or routing header of 8 * units bytes.
ByteVector options(std::uint8_t next, std::uint8_t units = 1) {
  ByteVector out(std::size_t{units} * 8);
  out[0] = next;
  out[1] = static_cast<std::uint8_t>(units - 1);
  return out;
}

ByteVector fragment_header(std::uint8_t next, std::uint16_t offset, bool more, std::uint32_t id) {
  ByteVector out{next, 0};
  test::detail::put16(out, offset | (more ? 1U : 0U));
  test::detail::put32(out, id);
  return out;
}

ByteVector with_chain(std::uint8_t first, const ByteVector& chain, std::uint8_t upper, Bytes payload) {
  return packet(kFrom6, kTo6, upper, payload, {.options = chain, .first_extension = first});
}

ByteVector ah(std::uint8_t next, std::size_t icv) {
  ByteVector out(12 + icv);
  out[0] = next;
  out[1] = static_cast<std::uint8_t>(out.size() / 4 - 2);
  return out;
}

/// The upper-layer bytes of a packet built by tests/support.
ByteVector payload_of(const ByteVector& whole, std::size_t header) {
  return ByteVector(whole.begin() + static_cast<std::ptrdiff_t>(header), whole.end());
}

std::vector<ByteVector> samples() {
  const ByteVector data(24, 0x5a);
  const ByteVector chain = options(protocol::kDestination) + options(protocol::kRouting, 3) +
                           options(protocol::kFragment, 2) +
                           fragment_header(protocol::kDestination, 0, true, 0xabcdef01) + options(protocol::kTcp);
  return {
      packet(kFrom4, kTo4, protocol::kEsp, data),
      packet(kFrom4, kTo4, 253, data, {.options = {7, 7, 4, 0, 0, 0, 0, 0}}),
      packet(kFrom4, kTo4, protocol::kUdp, data, {.identification = 9, .more_fragments = true, .fragment_offset = 64}),
      udp({kFrom4, 53}, {kTo4, 1024}, data),
      packet(kFrom4, kTo4, protocol::kAh, ah(protocol::kTcp, 12) + payload_of(tcp({kFrom4, 1}, {kTo4, 2}, data), 20)),
      packet(kFrom4, kTo4, protocol::kGre, ByteVector{0xa0, 0, 8, 0, 0xff, 0xff, 0, 0, 1, 2, 3, 4} + data),
      tcp({kFrom6, 80}, {kTo6, 81}, data),
      icmp_echo(kFrom6, kTo6, 1, 2, data),
      with_chain(protocol::kHopByHop, chain, protocol::kTcp, data),
      with_chain(protocol::kFragment, fragment_header(protocol::kEsp, 0, false, 1), protocol::kEsp, data),
      with_chain(protocol::kFragment, fragment_header(protocol::kEsp, 800, true, 7), protocol::kEsp, data),
      packet(
          kFrom6, kTo6, protocol::kAh,
          ah(protocol::kDestination, 12) + options(protocol::kUdp) + payload_of(udp({kFrom6, 5}, {kTo6, 6}, data), 40)),
  };
}

/// What every accepted packet must hold, so that users may index without looking again.
void expect_inside(const IpView& ip, std::size_t size) {
  EXPECT_LE(ip.total_length, size);
  EXPECT_LE(ip.header_length, ip.total_length);
  EXPECT_LE(ip.upper_offset, ip.total_length);
  EXPECT_LE(ip.transport_offset, ip.upper_offset);
  EXPECT_LT(ip.next_header_offset, ip.upper_offset);
  EXPECT_LT(ip.transport_next_header_offset, ip.transport_offset);
  EXPECT_LE(ip.extension_count, kMaxExtensions);
  EXPECT_EQ(ip.source.family(), ip.destination.family());
}

/// Parses a copy that ends where its allocation ends, so that AddressSanitizer sees a read beyond.
Result<IpView, Malformed> parse_exactly(Bytes bytes) {
  const auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  const Bytes exact{copy.get(), bytes.size()};
  auto ip = parse_ip(exact);
  if (ip) {
    expect_inside(*ip, exact.size());
    flow_of(*ip, exact);
  }
  return ip;
}

Malformed why(const ByteVector& bytes) {
  const auto ip = parse_exactly(bytes);
  EXPECT_FALSE(ip);
  return ip ? Malformed{255} : ip.error();
}

net::Flow flow(const ByteVector& bytes) {
  const auto ip = parse_ip(bytes);
  EXPECT_TRUE(ip);
  return ip ? flow_of(*ip, bytes) : net::Flow{};
}

TEST(ParseIp, ReadsEveryFieldOfAnIpv4Header) {
  const ByteVector data(3, 1);
  const ByteVector bytes = packet(kFrom4, kTo4, protocol::kEsp, data,
                                  {.ttl = 17, .traffic_class = 0xb9, .identification = 0x1234, .dont_fragment = true});
  const auto ip = parse_ip(bytes);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->source, kFrom4);
  EXPECT_EQ(ip->destination, kTo4);
  EXPECT_EQ(ip->traffic_class, 0xb9);
  EXPECT_EQ(ip->ttl, 17);
  EXPECT_EQ(ip->identification, 0x1234);
  EXPECT_TRUE(ip->dont_fragment);
  EXPECT_FALSE(ip->fragment);
  EXPECT_EQ(ip->header_length, 20U);
  EXPECT_EQ(ip->total_length, 23U);
  EXPECT_EQ(ip->upper_protocol, protocol::kEsp);
  EXPECT_EQ(ip->upper_offset, 20U);
  EXPECT_EQ(ip->next_header_offset, 9U);
  EXPECT_EQ(ip->transport_offset, 20U);
  EXPECT_EQ(ip->transport_next_header_offset, 9U);
  EXPECT_EQ(ip->transport_protocol, protocol::kEsp);
  EXPECT_TRUE(ip->is_v4());
}

TEST(ParseIp, ReadsEveryFieldOfAnIpv6Header) {
  const ByteVector data(5, 1);
  const ByteVector bytes =
      packet(kFrom6, kTo6, protocol::kUdp, data, {.ttl = 3, .traffic_class = 0xb9, .flow_label = 0xabcde});
  const auto ip = parse_ip(bytes);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->source, kFrom6);
  EXPECT_EQ(ip->destination, kTo6);
  EXPECT_EQ(ip->traffic_class, 0xb9);
  EXPECT_EQ(ip->flow_label, 0xabcdeU);
  EXPECT_EQ(ip->ttl, 3);
  EXPECT_EQ(ip->header_length, 40U);
  EXPECT_EQ(ip->total_length, 45U);
  EXPECT_EQ(ip->upper_protocol, protocol::kUdp);
  EXPECT_EQ(ip->upper_offset, 40U);
  EXPECT_EQ(ip->next_header_offset, 6U);
  EXPECT_EQ(ip->extension_count, 0U);
  EXPECT_FALSE(ip->is_v4());
}

TEST(ParseIp, PutsTheUpperLayerBehindIpv4Options) {
  const ByteVector data(4, 1);
  const auto ip = parse_ip(packet(kFrom4, kTo4, 253, data, {.options = ByteVector(40, 1)}));
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->header_length, 60U);
  EXPECT_EQ(ip->upper_offset, 60U);
  EXPECT_EQ(ip->transport_offset, 60U);
  EXPECT_EQ(ip->total_length, 64U);
}

TEST(ParseIp, IgnoresBytesBeyondTheStatedLength) {
  for (const ByteVector& sample : samples()) {
    const auto ip = parse_exactly(sample + ByteVector(9, 0xee));
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->total_length, sample.size());
  }
}

TEST(ParseIp, KnowsIpv4Fragments) {
  const ByteVector data(8, 1);
  const auto first = parse_ip(packet(kFrom4, kTo4, 17, data, {.identification = 77, .more_fragments = true}));
  const auto last = parse_ip(packet(kFrom4, kTo4, 17, data, {.identification = 78, .fragment_offset = 65528}));
  ASSERT_TRUE(first && first->fragment && last && last->fragment);
  EXPECT_EQ(first->fragment->id, 77U);
  EXPECT_EQ(first->fragment->offset, 0U);
  EXPECT_TRUE(first->fragment->more);
  EXPECT_EQ(last->fragment->offset, 65528U);
  EXPECT_FALSE(last->fragment->more);
}

// RFC 4302 section 3.1.1: hop-by-hop, routing and fragment headers stand before AH; destination options may stand on
// either side, and those in front of a routing header stand before it.
TEST(ParseIp, FindsWhereTransportModeGoesInAnIpv6Chain) {
  const ByteVector data(20, 1);
  struct Row {
    const char* what;
    std::uint8_t first;
    ByteVector chain;
    std::size_t transport, transport_next, upper;
    std::uint8_t transport_protocol;
  };
  const auto hop = protocol::kHopByHop, route = protocol::kRouting, dst = protocol::kDestination, tcp6 = protocol::kTcp;
  const std::vector<Row> rows{
      {"hop-by-hop", hop, options(tcp6), 48, 40, 48, tcp6},
      {"destination options only", dst, options(tcp6), 40, 6, 48, dst},
      {"hop-by-hop, destination options", hop, options(dst, 2) + options(tcp6), 56, 40, 64, dst},
      {"destination options, routing", dst, options(route) + options(tcp6, 3), 72, 48, 72, tcp6},
      {"options, routing, options", dst, options(route) + options(dst) + options(tcp6), 56, 48, 64, dst},
      {"options, atomic fragment, options", dst,
       options(protocol::kFragment) + fragment_header(dst, 0, false, 1) + options(tcp6), 56, 48, 64, dst},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const auto ip = parse_exactly(with_chain(row.first, row.chain, tcp6, data));
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->transport_offset, row.transport);
    EXPECT_EQ(ip->transport_next_header_offset, row.transport_next);
    EXPECT_EQ(ip->transport_protocol, row.transport_protocol);
    EXPECT_EQ(ip->upper_offset, row.upper);
    EXPECT_EQ(ip->upper_protocol, tcp6);
    EXPECT_FALSE(ip->fragment);
  }
}

TEST(ParseIp, ListsTheExtensionHeadersOfIpv6) {
  const auto ip = parse_ip(samples()[8]);
  ASSERT_TRUE(ip);
  ASSERT_EQ(ip->extension_count, 5U);
  const std::array<Extension, 5> expected{{{0, 40, 8}, {60, 48, 24}, {43, 72, 16}, {44, 88, 8}, {60, 96, 8}}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(ip->extensions[i].protocol, expected[i].protocol);
    EXPECT_EQ(ip->extensions[i].offset, expected[i].offset);
    EXPECT_EQ(ip->extensions[i].length, expected[i].length);
  }
}

TEST(ParseIp, StopsBehindTheFragmentHeaderOfALaterFragment) {
  // What follows would be a destination options header far too long, were it one.
  const ByteVector middle(16, 0xff);
  const auto ip =
      parse_exactly(with_chain(protocol::kFragment, fragment_header(protocol::kDestination, 1480, true, 0x01020304),
                               protocol::kDestination, middle));
  ASSERT_TRUE(ip && ip->fragment);
  EXPECT_EQ(ip->fragment->id, 0x01020304U);
  EXPECT_EQ(ip->fragment->offset, 1480U);
  EXPECT_TRUE(ip->fragment->more);
  EXPECT_EQ(ip->upper_offset, 48U);
  EXPECT_EQ(ip->upper_protocol, protocol::kDestination);
  EXPECT_EQ(ip->next_header_offset, 40U);
}

TEST(ParseIp, EndsTheChainAtProtectedPayloads) {
  for (const std::uint8_t p : {protocol::kAh, protocol::kEsp, protocol::kIpcomp, protocol::kNoNext}) {
    const auto ip = parse_ip(with_chain(protocol::kHopByHop, options(p), p, ByteVector(32, 0)));
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->upper_protocol, p);
    EXPECT_EQ(ip->upper_offset, 48U);
  }
}

TEST(ParseIp, RefusesContradictions) {
  const ByteVector v4 = packet(kFrom4, kTo4, 17, ByteVector(8, 0));
  const ByteVector v6 = packet(kFrom6, kTo6, 17, ByteVector(8, 0));
  const auto changed = [](ByteVector bytes, std::size_t at, std::uint8_t value) {
    bytes[at] = value;
    return bytes;
  };
  EXPECT_EQ(why({}), Malformed::Truncated);
  EXPECT_EQ(why(changed(v4, 0, 0x55)), Malformed::BadVersion);
  EXPECT_EQ(why(changed(v4, 0, 0x44)), Malformed::BadLength) << "header shorter than 20 bytes";
  EXPECT_EQ(why(changed(v4, 0, 0x4f)), Malformed::BadLength) << "header longer than the packet";
  EXPECT_EQ(why(changed(v4, 3, 19)), Malformed::BadLength) << "total length shorter than the header";
  EXPECT_EQ(why(changed(v4, 3, 29)), Malformed::Truncated);
  EXPECT_EQ(why(changed(v6, 5, 9)), Malformed::Truncated);
  EXPECT_EQ(why(packet(kFrom6, kTo6, protocol::kRouting, {})), Malformed::Truncated) << "no room for the chain";
}

TEST(ParseIp, RefusesJumbograms) {
  ByteVector jumbo = with_chain(protocol::kHopByHop, ByteVector{17, 0, 0xc2, 4, 0, 1, 0, 0}, 17, ByteVector(8, 0));
  jumbo[4] = jumbo[5] = 0;
  EXPECT_EQ(why(jumbo), Malformed::Unsupported);
}

TEST(ParseIp, RefusesHopByHopOptionsThatAreNotFirst) {
  EXPECT_EQ(why(with_chain(protocol::kRouting, options(protocol::kHopByHop) + options(17), 17, ByteVector(8, 0))),
            Malformed::BadValue);
}

TEST(ParseIp, RefusesAFragmentOfAFragment) {
  EXPECT_EQ(why(with_chain(protocol::kFragment,
                           fragment_header(protocol::kFragment, 0, true, 1) + fragment_header(17, 8, true, 1), 17,
                           ByteVector(8, 0))),
            Malformed::BadValue);
}

TEST(ParseIp, WalksAtMostSixteenExtensionHeaders) {
  ByteVector chain;
  for (std::size_t i = 0; i + 1 < kMaxExtensions; ++i) chain = chain + options(protocol::kDestination);
  const ByteVector sixteen = chain + options(17);
  const ByteVector seventeen = chain + options(protocol::kDestination) + options(17);
  EXPECT_TRUE(parse_exactly(with_chain(protocol::kDestination, sixteen, 17, ByteVector(8, 0))));
  EXPECT_EQ(why(with_chain(protocol::kDestination, seventeen, 17, ByteVector(8, 0))), Malformed::TooDeep);
}

TEST(ParseIp, RefusesEveryTruncation) {
  for (const ByteVector& sample : samples()) {
    ASSERT_TRUE(parse_exactly(sample));
    for (std::size_t n = 0; n < sample.size(); ++n) EXPECT_FALSE(parse_exactly(Bytes{sample}.first(n))) << n;
  }
}

TEST(ParseIp, StaysInsideWhenALengthIsCutWithThePacket) {
  for (const ByteVector& sample : samples()) {
    const bool v4 = sample[0] >> 4 == 4;
    for (std::size_t n = v4 ? 20 : 40; n < sample.size(); ++n) {
      ByteVector cut(sample.begin(), sample.begin() + static_cast<std::ptrdiff_t>(n));
      set_total_length(cut, n);
      static_cast<void>(parse_exactly(cut));  // accepted or not: parse_exactly() expects the view to be inside
    }
  }
}

TEST(ParseIp, StaysInsideWhateverOneByteSays) {
  for (const ByteVector& sample : samples()) {
    for (std::size_t at = 0; at < sample.size(); ++at) {
      ByteVector changed = sample;
      for (unsigned value = 0; value < 256; ++value) {
        changed[at] = static_cast<std::uint8_t>(value);
        static_cast<void>(parse_exactly(changed));
      }
    }
  }
}

TEST(ParseIp, StaysInsideRandomBytes) {
  test::SeededRandom random{4};
  for (int i = 0; i < 20000; ++i) {
    ByteVector bytes = random.bytes(random.below(160));
    if (!bytes.empty()) bytes[0] = random.chance(50) ? 0x45 : 0x60;
    if (bytes.size() > 6) {
      bytes[2] = bytes[4] = 0;
      bytes[6] = std::array<std::uint8_t, 4>{0, 43, 44, 60}[random.below(4)];
    }
    static_cast<void>(parse_exactly(bytes));
  }
}

TEST(FlowOf, ReadsPortsOfEveryProtocolThatHasThem) {
  const ByteVector ports{0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0};
  for (const std::uint8_t p : {protocol::kTcp, protocol::kUdp, protocol::kSctp, protocol::kUdpLite, std::uint8_t{33}}) {
    EXPECT_EQ(flow(packet(kFrom4, kTo4, p, ports)), (net::Flow{kFrom4, kTo4, p, 0x1234, 0x5678}));
    EXPECT_EQ(flow(packet(kFrom6, kTo6, p, ports)), (net::Flow{kFrom6, kTo6, p, 0x1234, 0x5678}));
  }
}

TEST(FlowOf, HasNoPortsForOtherProtocols) {
  const ByteVector data{0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0};
  for (const std::uint8_t p : {protocol::kEsp, protocol::kIpcomp, protocol::kIpv4, protocol::kIpv6, protocol::kNoNext})
    EXPECT_EQ(flow(packet(kFrom4, kTo4, p, data)), (net::Flow{kFrom4, kTo4, p, 0, 0}));
}

TEST(FlowOf, ReadsTypeAndCode) {
  const ByteVector body{0, 0, 0, 0};
  EXPECT_EQ(flow(test::icmp(kFrom4, kTo4, {3, 4}, body)), (net::Flow{kFrom4, kTo4, protocol::kIcmp, 3, 4}));
  EXPECT_EQ(flow(test::icmp(kFrom6, kTo6, {1, 3}, body)), (net::Flow{kFrom6, kTo6, protocol::kIcmpv6, 1, 3}));
  EXPECT_EQ(flow(packet(kFrom6, kTo6, protocol::kMobility, ByteVector{59, 0, 5, 0, 0, 0, 0, 0})),
            (net::Flow{kFrom6, kTo6, protocol::kMobility, 5, 0}));
}

TEST(FlowOf, ReadsTheGreKeyWhereItsFlagsPutIt) {
  const auto gre = [](const ByteVector& bytes) { return flow(packet(kFrom4, kTo4, protocol::kGre, bytes)); };
  EXPECT_EQ(gre({0x20, 0, 8, 0, 1, 2, 3, 4}), (net::Flow{kFrom4, kTo4, protocol::kGre, 0x0102, 0x0304}));
  EXPECT_EQ(gre({0xa0, 0, 8, 0, 9, 9, 0, 0, 1, 2, 3, 4}), (net::Flow{kFrom4, kTo4, protocol::kGre, 0x0102, 0x0304}));
  EXPECT_EQ(gre({0x00, 0, 8, 0, 1, 2, 3, 4}), (net::Flow{kFrom4, kTo4, protocol::kGre, 0, 0})) << "no key";
  EXPECT_EQ(gre({0x20, 1, 8, 0, 1, 2, 3, 4}), (net::Flow{kFrom4, kTo4, protocol::kGre, 0, 0})) << "PPTP's version 1";
  EXPECT_EQ(gre({0x20, 0, 8, 0, 1, 2, 3}), (net::Flow{kFrom4, kTo4, protocol::kGre, 0, 0})) << "cut short";
}

TEST(FlowOf, LooksBehindAh) {
  const ByteVector inner = payload_of(tcp({kFrom4, 1025}, {kTo4, 80}, ByteVector(4, 0)), 20);
  EXPECT_EQ(flow(packet(kFrom4, kTo4, protocol::kAh, ah(protocol::kTcp, 12) + inner)),
            (net::Flow{kFrom4, kTo4, protocol::kTcp, 1025, 80}));
  EXPECT_EQ(flow(packet(kFrom4, kTo4, protocol::kAh, ah(protocol::kAh, 12) + ah(protocol::kTcp, 32) + inner)),
            (net::Flow{kFrom4, kTo4, protocol::kTcp, 1025, 80}));
  EXPECT_EQ(flow(samples()[11]), (net::Flow{kFrom6, kTo6, protocol::kUdp, 5, 6})) << "and behind options inside AH";
  EXPECT_EQ(flow(packet(kFrom4, kTo4, protocol::kAh, ah(protocol::kEsp, 12) + inner)),
            (net::Flow{kFrom4, kTo4, protocol::kEsp, 0, 0}));
}

TEST(FlowOf, StopsAtAnAhThatIsCutShort) {
  ByteVector header = ah(protocol::kTcp, 12);
  header[1] = 200;
  EXPECT_EQ(flow(packet(kFrom4, kTo4, protocol::kAh, header)), (net::Flow{kFrom4, kTo4, protocol::kAh, 0, 0}));
}

TEST(FlowOf, GivesFragmentsNoProtocol) {
  const ByteVector data(8, 1);
  EXPECT_EQ(flow(packet(kFrom4, kTo4, 17, data, {.more_fragments = true})),
            (net::Flow{kFrom4, kTo4, protocol::kAny, 0, 0}));
  EXPECT_EQ(flow(packet(kFrom4, kTo4, 17, data, {.fragment_offset = 8})),
            (net::Flow{kFrom4, kTo4, protocol::kAny, 0, 0}));
  EXPECT_EQ(flow(samples()[8]), (net::Flow{kFrom6, kTo6, protocol::kAny, 0, 0}));
}

TEST(FlowOf, SeesThroughAnAtomicFragment) {
  const ByteVector inner = payload_of(udp({kFrom6, 5}, {kTo6, 6}, ByteVector(4, 0)), 40);
  const auto f = flow(with_chain(protocol::kFragment, fragment_header(17, 0, false, 3), 17, inner));
  EXPECT_EQ(f, (net::Flow{kFrom6, kTo6, protocol::kUdp, 5, 6}));
}

TEST(FlowOf, HasNoPortsWhenThePayloadIsCutShort) {
  EXPECT_EQ(flow(packet(kFrom4, kTo4, protocol::kTcp, ByteVector{1, 2, 3})),
            (net::Flow{kFrom4, kTo4, protocol::kTcp, 0, 0}));
  EXPECT_EQ(flow(packet(kFrom4, kTo4, protocol::kIcmp, ByteVector{8})),
            (net::Flow{kFrom4, kTo4, protocol::kIcmp, 0, 0}));
  EXPECT_EQ(flow(packet(kFrom4, kTo4, protocol::kUdp, {})), (net::Flow{kFrom4, kTo4, protocol::kUdp, 0, 0}));
}

TEST(Setters, ChangeOnlyTheirField) {
  const ByteVector data(10, 1);
  for (const auto& [from, to] : {std::pair{kFrom4, kTo4}, std::pair{kFrom6, kTo6}}) {
    const IpFields before{.ttl = 9, .traffic_class = 0xfd, .flow_label = 0x98765};
    const IpFields after{.ttl = 200, .traffic_class = 0x02, .flow_label = 0x98765};
    ByteVector bytes = packet(from, to, 17, data, before);
    set_ttl(bytes, 200);
    set_traffic_class(bytes, 0x02);
    if (from.is_v4()) update_ipv4_checksum(bytes);
    EXPECT_EQ(bytes, packet(from, to, 17, data, after));
    set_total_length(bytes, bytes.size() - 4);
    bytes.resize(bytes.size() - 4);
    if (from.is_v4()) update_ipv4_checksum(bytes);
    EXPECT_EQ(bytes, packet(from, to, 17, Bytes{data}.first(6), after));
  }
}

TEST(WriteOuter, MakesTheHeaderThatTheTestBuilderMakes) {
  const ByteVector data(100, 3);
  for (const auto& [from, to] : {std::pair{kFrom4, kTo4}, std::pair{kFrom6, kTo6}}) {
    const OuterHeader fields{from, to, 50, 0xb9, 77, from.is_v4(), 0xbeef, 0xfffff};
    ByteVector bytes(outer_length(fields), 0xcc);
    write_outer(bytes, fields, data.size());
    EXPECT_EQ(bytes + data, packet(from, to, 50, data,
                                   {.ttl = 77,
                                    .traffic_class = 0xb9,
                                    .flow_label = 0xfffff,
                                    .identification = 0xbeef,
                                    .dont_fragment = true}));
  }
}

TEST(Checksum, FollowsTheExampleOfRfc1071) {
  // Section 3: 00 01 f2 03 f4 f5 f6 f7 sum to ddf2.
  EXPECT_EQ(checksum(ByteVector{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}), 0xffff - 0xddf2);
}

TEST(Checksum, AgreesWithTheBytewiseSumForEveryLength) {
  test::SeededRandom random{1};
  for (std::size_t n = 0; n < 300; ++n) {
    const ByteVector data = random.bytes(n);
    EXPECT_EQ(checksum(data), test::detail::internet_checksum(data)) << n;
  }
  const ByteVector ones(65535, 0xff);
  EXPECT_EQ(checksum(ones), test::detail::internet_checksum(ones));
}

TEST(Checksum, OfAPseudoHeaderAndPayloadIsThatOfUdpAndTcp) {
  test::SeededRandom random{2};
  for (const auto& [from, to] : {std::pair{kFrom4, kTo4}, std::pair{kFrom6, kTo6}}) {
    const ByteVector data = random.bytes(33);
    EXPECT_EQ(checksum(data, pseudo_header_sum(from, to, 6, data.size())),
              test::detail::upper_checksum(from, to, 6, data));
  }
}

TEST(Checksum, OfAValidIpv4HeaderIsZero) {
  const ByteVector bytes = packet(kFrom4, kTo4, 17, {}, {.options = ByteVector(8, 1)});
  EXPECT_EQ(checksum(bytes), 0);
}

}  // namespace
}  // namespace testudo::wire::packet
