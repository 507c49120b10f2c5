#include "transform/tunnel_outer.h"

#include <gtest/gtest.h>

#include <set>

#include "support/packets.h"
#include "support/random.h"

namespace testudo::transform {
namespace {

using test::IpFields;

const net::Address host4 = test::ip("10.0.1.2"), peer4 = test::ip("10.0.2.2");
const net::Address host6 = test::ip("fd00:1::2"), peer6 = test::ip("fd00:2::2");
const net::Address gate4 = test::ip("192.0.2.1"), other4 = test::ip("192.0.2.2");
const net::Address gate6 = test::ip("2001:db8::1"), other6 = test::ip("2001:db8::2");

/// A tunnel's headers depend on its end points alone, so an SA without keys is enough.
std::unique_ptr<sad::Sa> tunnel(const net::Address& from, const net::Address& to) {
  return sad::Sa::larval({sad::SaProtocol::Esp, sad::Mode::Tunnel, from, to, {}}, Spi{256}, 0, 0, {});
}

struct Fixture {
  HeaderSettings settings;
  test::SeededRandom random{1};
  PacketBuffer buffer;

  Status<DropReason> prepend(sad::Sa& sa, const ByteVector& inner) {
    EXPECT_TRUE(buffer.assign(inner));
    return transform::prepend_outer(sa, buffer, *wire::packet::parse_ip(inner), {settings, random});
  }
  IpView outer() const { return *wire::packet::parse_ip(buffer.bytes()); }

  Result<IpView, DropReason> strip(const ByteVector& whole) {
    EXPECT_TRUE(buffer.assign(whole));
    const IpView view = *wire::packet::parse_ip(whole);
    return strip_outer(buffer, view, view.upper_protocol, settings);
  }
  DropReason why_not_stripped(const ByteVector& whole) {
    const auto result = strip(whole);
    EXPECT_FALSE(result);
    EXPECT_EQ(ByteVector(buffer.bytes().begin(), buffer.bytes().end()), whole) << "a refused packet is unchanged";
    return result ? DropReason{} : result.error();
  }
  ByteVector content() const { return {buffer.bytes().begin(), buffer.bytes().end()}; }
};

ByteVector inner_packet(bool v4, const IpFields& fields = {}, std::size_t size = 50) {
  const ByteVector data(size, 0x77);
  return v4 ? test::udp({host4, 1}, {peer4, 2}, data, fields) : test::udp({host6, 1}, {peer6, 2}, data, fields);
}

ByteVector wrapped(bool outer_v4, std::uint8_t protocol, const ByteVector& inner, const IpFields& fields = {}) {
  return outer_v4 ? test::packet(gate4, other4, protocol, inner, fields)
                  : test::packet(gate6, other6, protocol, inner, fields);
}

TEST(PrependOuter, WritesTheSasEndPointsInFrontOfEitherFamilyInEitherFamily) {
  for (const bool inner_v4 : {true, false}) {
    for (const bool outer_v4 : {true, false}) {
      Fixture f;
      const ByteVector inner = inner_packet(inner_v4, {.ttl = 5, .traffic_class = 0xb8});
      const auto sa = outer_v4 ? tunnel(gate4, other4) : tunnel(gate6, other6);
      ASSERT_TRUE(f.prepend(*sa, inner));
      const IpFields expected{.ttl = 64, .traffic_class = 0xb8, .identification = f.outer().identification};
      EXPECT_EQ(f.content(), wrapped(outer_v4, inner_v4 ? 4 : 41, inner, expected))
          << "the inner packet unchanged, its TTL too";
    }
  }
}

TEST(PrependOuter, CutsBytesBehindTheInnerPacket) {
  Fixture f;
  ByteVector inner = inner_packet(true);
  const std::size_t length = inner.size();
  inner.resize(length + 7);
  ASSERT_TRUE(f.prepend(*tunnel(gate4, other4), inner));
  EXPECT_EQ(f.buffer.size(), 20 + length);
}

TEST(PrependOuter, CountsAnIpv6PacketAsOneWithDfWhenItsSourceCanSendSmallerOnes) {
  constexpr std::size_t kHeaders = 48;
  struct Row {
    int dfbit;
    std::size_t inner_size;
    bool outer_df;
  };
  for (const Row& row : {Row{2, 1280, false}, Row{2, 1281, true}, Row{0, 1281, false}, Row{1, 1280, true}}) {
    Fixture f;
    f.settings.dfbit = row.dfbit;
    ASSERT_TRUE(f.prepend(*tunnel(gate4, other4), inner_packet(false, {}, row.inner_size - kHeaders)));
    EXPECT_EQ(f.outer().dont_fragment, row.outer_df) << row.dfbit << " " << row.inner_size;
  }
}

TEST(PrependOuter, TreatsDfAsDfbitSays) {
  struct Row {
    int dfbit;
    bool inner_v4, inner_df, outer_df;
  };
  for (const Row& row :
       {Row{0, true, false, false}, Row{0, true, true, false}, Row{0, false, false, false}, Row{1, true, false, true},
        Row{1, true, true, true}, Row{1, false, false, true}, Row{2, true, false, false}, Row{2, true, true, true},
        Row{2, false, false, false}, Row{-9, true, false, false}, Row{-9, true, true, true}}) {
    Fixture f;
    f.settings.dfbit = row.dfbit;
    ASSERT_TRUE(f.prepend(*tunnel(gate4, other4), inner_packet(row.inner_v4, {.dont_fragment = row.inner_df})));
    EXPECT_EQ(f.outer().dont_fragment, row.outer_df) << row.dfbit << row.inner_v4 << row.inner_df;
  }
}

TEST(PrependOuter, ChoosesTheEcnKnobByTheOuterFamily) {
  for (const bool outer_v4 : {true, false}) {
    const auto sa = outer_v4 ? tunnel(gate4, other4) : tunnel(gate6, other6);
    Fixture f;
    (outer_v4 ? f.settings.ecn_v4 : f.settings.ecn_v6) = 1;
    ASSERT_TRUE(f.prepend(*sa, inner_packet(!outer_v4, {.traffic_class = 0xbb})));
    EXPECT_EQ(f.outer().traffic_class, 0xbb);
    Fixture g;
    (outer_v4 ? g.settings.ecn_v6 : g.settings.ecn_v4) = 1;
    ASSERT_TRUE(g.prepend(*sa, inner_packet(!outer_v4, {.traffic_class = 0xbb})));
    EXPECT_EQ(g.outer().traffic_class, 0xb8) << "the other family's knob must not count";
  }
}

TEST(PrependOuter, TakesTheTtlFromTheSettings) {
  for (const auto& [setting, ttl] : {std::pair{64, 64}, std::pair{255, 255}, std::pair{0, 1}, std::pair{999, 255}}) {
    Fixture f;
    f.settings.default_ttl = setting;
    ASSERT_TRUE(f.prepend(*tunnel(gate6, other6), inner_packet(true)));
    EXPECT_EQ(f.outer().ttl, ttl);
  }
}

TEST(PrependOuter, GivesEachIpv4PacketAnotherIdentificationAndNeverZero) {
  Fixture f;
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(f.prepend(*tunnel(gate4, other4), inner_packet(true)));
    seen.insert(f.outer().identification);
  }
  EXPECT_GT(seen.size(), 90U);
  EXPECT_FALSE(seen.contains(0));
}

TEST(PrependOuter, RefusesEndPointsThatAreUnspecifiedOrMixed) {
  const auto reason = [](const net::Address& from, const net::Address& to) {
    Fixture f;
    const ByteVector inner = inner_packet(true);
    const auto result = f.prepend(*tunnel(from, to), inner);
    EXPECT_FALSE(result);
    EXPECT_EQ(f.content(), inner);
    return result ? DropReason{} : result.error();
  };
  EXPECT_EQ(reason(test::ip("0.0.0.0"), other4), DropReason::UnspecifiedEndpoint);
  EXPECT_EQ(reason(gate4, test::ip("0.0.0.0")), DropReason::UnspecifiedEndpoint);
  EXPECT_EQ(reason(gate6, test::ip("::")), DropReason::UnspecifiedEndpoint);
  EXPECT_EQ(reason(gate4, other6), DropReason::OutboundInvalid);
}

TEST(PrependOuter, RefusesWhatNoIpPacketCanHold) {
  const auto make = [](std::size_t size) { return test::packet(host4, peer4, 17, ByteVector(size - 20, 1)); };
  Fixture f;
  EXPECT_TRUE(f.prepend(*tunnel(gate4, other4), make(65515)));
  const auto too_big = f.prepend(*tunnel(gate4, other4), make(65516));
  ASSERT_FALSE(too_big);
  EXPECT_EQ(too_big.error(), DropReason::TooBig);
  EXPECT_TRUE(f.prepend(*tunnel(gate6, other6), make(65535))) << "IPv6 does not count its own header";
}

TEST(PrependOuter, SaysWhenTheBufferHasNoRoom) {
  Fixture f;
  const ByteVector inner = inner_packet(true);
  ASSERT_TRUE(f.buffer.assign(inner));
  ASSERT_TRUE(f.buffer.prepend(PacketBuffer::kHeadRoom - 19));
  f.buffer.erase(0, 0);
  ASSERT_EQ(f.buffer.head_room(), 19U);
  std::copy(inner.begin(), inner.end(), f.buffer.data());
  const auto result =
      prepend_outer(*tunnel(gate4, other4), f.buffer, *wire::packet::parse_ip(inner), {f.settings, f.random});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), DropReason::NoRoom);
}

TEST(StripOuter, GivesBackTheInnerPacketOfEitherFamilyFromEitherFamily) {
  for (const bool inner_v4 : {true, false}) {
    for (const bool outer_v4 : {true, false}) {
      Fixture f;
      const ByteVector inner = inner_packet(inner_v4, {.ttl = 1, .traffic_class = 0x2e});
      const auto view = f.strip(wrapped(outer_v4, inner_v4 ? 4 : 41, inner, {.traffic_class = 0xff}));
      ASSERT_TRUE(view);
      EXPECT_EQ(f.content(), inner);
      EXPECT_EQ(view->source, inner_v4 ? host4 : host6);
      EXPECT_EQ(view->total_length, inner.size());
    }
  }
}

TEST(StripOuter, RemovesIpv6ExtensionHeadersOfTheOuterPacket) {
  Fixture f;
  const ByteVector inner = inner_packet(true);
  const auto view = f.strip(wrapped(false, 4, inner, {.options = {4, 0, 1, 4, 0, 0, 0, 0}, .first_extension = 60}));
  ASSERT_TRUE(view);
  EXPECT_EQ(f.content(), inner);
}

// RFC 4303 section 2.7: TFC padding stands behind the inner datagram, whose own length says where it ends.
TEST(StripOuter, CutsTrafficFlowPadding) {
  for (const bool inner_v4 : {true, false}) {
    Fixture f;
    const ByteVector inner = inner_packet(inner_v4);
    ByteVector padded = inner;
    padded.resize(padded.size() + 333, 0xaa);
    ASSERT_TRUE(f.strip(wrapped(true, inner_v4 ? 4 : 41, padded)));
    EXPECT_EQ(f.content(), inner);
  }
}

TEST(StripOuter, WritesCongestionIntoTheInnerPacketInNormalMode) {
  for (const bool inner_v4 : {true, false}) {
    Fixture f;
    f.settings.ecn_v4 = 1;
    const auto view = f.strip(
        wrapped(true, inner_v4 ? 4 : 41, inner_packet(inner_v4, {.traffic_class = 0x2a}), {.traffic_class = 0xff}));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->traffic_class, 0x2b);
    EXPECT_EQ(f.content(), inner_packet(inner_v4, {.traffic_class = 0x2b})) << "with a right checksum";
  }
}

TEST(StripOuter, DropsCongestionOverAPacketThatCannotCarryIt) {
  for (const bool outer_v4 : {true, false}) {
    Fixture f;
    (outer_v4 ? f.settings.ecn_v4 : f.settings.ecn_v6) = 1;
    const ByteVector whole = wrapped(outer_v4, 4, inner_packet(true, {.traffic_class = 0x28}), {.traffic_class = 3});
    EXPECT_EQ(f.why_not_stripped(whole), DropReason::EcnForbidden);
    f.settings.ecn_v4 = f.settings.ecn_v6 = 0;
    EXPECT_TRUE(f.strip(whole));
    f.settings.ecn_v4 = f.settings.ecn_v6 = -1;
    EXPECT_TRUE(f.strip(whole));
  }
}

TEST(StripOuter, RefusesAnInnerPacketOfAnotherVersionThanAnnounced) {
  Fixture f;
  EXPECT_EQ(f.why_not_stripped(wrapped(true, 41, inner_packet(true))), DropReason::InnerFamilyMismatch);
  EXPECT_EQ(f.why_not_stripped(wrapped(true, 4, inner_packet(false))), DropReason::InnerFamilyMismatch);
  EXPECT_EQ(f.why_not_stripped(wrapped(false, 4, ByteVector(60, 0xff))), DropReason::InnerFamilyMismatch);
}

TEST(StripOuter, RefusesPayloadsThatAreNoTunnel) {
  Fixture f;
  EXPECT_EQ(f.why_not_stripped(wrapped(true, 17, inner_packet(true))), DropReason::BadNextHeader);
}

TEST(StripOuter, RefusesMalformedInnerPackets) {
  Fixture f;
  ByteVector bad_checksum = inner_packet(true);
  bad_checksum[8] ^= 1;
  EXPECT_EQ(f.why_not_stripped(wrapped(true, 4, bad_checksum)), DropReason::InnerMalformed);
  EXPECT_EQ(f.why_not_stripped(wrapped(true, 4, {})), DropReason::InnerMalformed);
  for (const bool inner_v4 : {true, false}) {
    const ByteVector inner = inner_packet(inner_v4);
    for (std::size_t n = 0; n < inner.size(); ++n) {
      const ByteVector cut(inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(n));
      EXPECT_EQ(f.why_not_stripped(wrapped(false, inner_v4 ? 4 : 41, cut)), DropReason::InnerMalformed) << n;
    }
  }
}

}  // namespace
}  // namespace testudo::transform
