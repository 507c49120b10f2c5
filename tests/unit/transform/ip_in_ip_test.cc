#include "transform/ip_in_ip.h"

#include <gtest/gtest.h>

#include "support/packets.h"
#include "transform/tunnel_outer.h"

namespace testudo::transform {
namespace {

const net::Address host4 = test::ip("10.0.1.2"), peer4 = test::ip("10.0.2.2");
const net::Address host6 = test::ip("fd00:1::2"), peer6 = test::ip("fd00:2::2");
const net::Address gate4 = test::ip("192.0.2.1"), other4 = test::ip("192.0.2.2");
const net::Address gate6 = test::ip("2001:db8::1"), other6 = test::ip("2001:db8::2");

ByteVector inner_packet(bool v4, const test::IpFields& fields = {}) {
  const ByteVector data(50, 0x77);
  return v4 ? test::udp({host4, 1}, {peer4, 2}, data, fields) : test::udp({host6, 1}, {peer6, 2}, data, fields);
}

ByteVector content(const PacketBuffer& buffer) {
  return {buffer.bytes().begin(), buffer.bytes().end()};
}

TEST(IpInIp, PutsEitherFamilyInEitherAndTakesItOutAgain) {
  for (const bool outer_v4 : {true, false}) {
    for (const bool inner_v4 : {true, false}) {
      const ByteVector inner = inner_packet(inner_v4);
      PacketBuffer buffer;
      ASSERT_TRUE(buffer.assign(inner));
      const IpInIp between = outer_v4 ? IpInIp{gate4, other4, 0x1234} : IpInIp{gate6, other6};
      ASSERT_TRUE(enclose(buffer, *wire::packet::parse_ip(inner), between, {}));

      const auto outer = wire::packet::parse_ip(buffer.bytes());
      ASSERT_TRUE(outer);
      EXPECT_EQ(outer->source, between.source);
      EXPECT_EQ(outer->destination, between.destination);
      EXPECT_EQ(outer->upper_protocol, inner_v4 ? 4 : 41);
      EXPECT_EQ(outer->ttl, 64);
      EXPECT_FALSE(outer->dont_fragment);
      EXPECT_EQ(outer->total_length, inner.size() + (outer_v4 ? 20 : 40));
      if (outer_v4) {
        EXPECT_EQ(outer->identification, 0x1234);
        EXPECT_EQ(wire::packet::checksum(buffer.bytes().first(20)), 0);
      }
      ASSERT_TRUE(strip_outer(buffer, *outer, outer->upper_protocol, {}));
      EXPECT_EQ(content(buffer), inner);
    }
  }
}

TEST(IpInIp, CopiesTheDscpAndTheEcnOnlyWhereItMay) {
  const ByteVector inner = inner_packet(true, {.traffic_class = 0xb9});
  const auto outer_class = [&](std::int32_t ecn) {
    PacketBuffer buffer;
    EXPECT_TRUE(buffer.assign(inner));
    HeaderSettings settings;
    settings.ecn_v4 = ecn;
    EXPECT_TRUE(enclose(buffer, *wire::packet::parse_ip(inner), {gate4, other4}, settings));
    return wire::packet::parse_ip(buffer.bytes())->traffic_class;
  };
  EXPECT_EQ(outer_class(0), 0xb8);
  EXPECT_EQ(outer_class(1), 0xb9);
}

TEST(IpInIp, RefusesWhatWouldBeLargerThanAPacketCanBe) {
  const ByteVector inner = test::packet(host4, peer4, 17, ByteVector(65535 - 20 - 19, 0), {});
  PacketBuffer buffer;
  ASSERT_TRUE(buffer.assign(inner));
  const auto done = enclose(buffer, *wire::packet::parse_ip(inner), {gate4, other4}, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), DropReason::TooBig);
}

}  // namespace
}  // namespace testudo::transform
