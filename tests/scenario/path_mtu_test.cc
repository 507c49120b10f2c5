// Packets that are too large once they are protected, and what routers say about them.  RFC 4301 section 8.2.
#include <gtest/gtest.h>

#include "engine/pmtu.h"
#include "scenario/network.h"
#include "support/fragments.h"
#include "wire/packet/icmp.h"

namespace testudo {
namespace {

using namespace test;
using net::DropReason;

const Way kTunnel{{Proto::Esp, Mode::Tunnel}};
const Way kTransportWay{{Proto::Esp, Mode::Transport}};
const net::Address kRouter4 = ip("20.0.0.77"), kRouter6 = ip("2001:db8::77");

/// The MTU that an ICMP error for the host states; 0 when the packet is none.
std::size_t stated_mtu(const ByteVector& packet) {
  const auto view = wire::packet::parse_ip(packet);
  if (!view) return 0;
  const auto error = wire::packet::parse_icmp_error(*view, packet);
  return error && error->too_big() ? *error->mtu : 0;
}

/// What a router says about `packet`.
ByteVector too_big(Bytes packet, std::size_t mtu) {
  const auto view = wire::packet::parse_ip(packet);
  const auto message = wire::packet::compose_too_big(view->is_v4() ? kRouter4 : kRouter6, packet, *view, mtu);
  if (!message) ADD_FAILURE() << "no error may be sent about this packet";
  return message.value_or(ByteVector{});
}

TEST(PathMtu, APacketThatMayNotBeCutIsReportedToItsSourceAndOneOfTheStatedSizePasses) {
  for (const Way& way : {kTunnel, kTransportWay, Way{{Proto::Ah, Mode::Tunnel}},
                         Way{{Proto::Esp, Mode::Tunnel}, {Proto::Ah, Mode::Transport}}}) {
    SCOPED_TRACE(to_string(way));
    EnginePair pair;
    const Protection protection{pair, way, net::Family::V4, net::Family::V4};
    const ByteVector sent = protection.datagram(1472, {.dont_fragment = true});
    pair.a.send({sent});
    EXPECT_TRUE(pair.a.wire.empty());
    EXPECT_EQ(pair.a.drops(DropReason::NeedsFragmentation), 1U);
    ASSERT_EQ(pair.a.delivered.size(), 1U);
    const std::size_t mtu = stated_mtu(pair.a.delivered[0]);
    ASSERT_GT(mtu, 1300U);
    ASSERT_LT(mtu, 1500U);
    const auto icmp = wire::packet::parse_ip(pair.a.delivered[0]);
    EXPECT_EQ(icmp->destination, protection.from_a());
    const auto quoted = wire::packet::parse_icmp_error(*icmp, pair.a.delivered[0])->quoted;
    EXPECT_TRUE(std::ranges::equal(quoted, Bytes{sent}.first(quoted.size()))) << "the packet as the source sent it";

    pair.a.delivered.clear();
    pair.a.send({protection.datagram(mtu - 28, {.dont_fragment = true})});
    pair.settle();
    EXPECT_EQ(pair.b.delivered.size(), 1U);
    EXPECT_LE(pair.a_to_b.largest(), 1500U);
  }
}

TEST(PathMtu, DfbitDecidesWhetherTheOuterPacketMayBeCut) {
  struct Row {
    std::int32_t dfbit;
    bool inner_df;
    bool cut;
  };
  for (const Row& row : {Row{0, false, true}, Row{0, true, true}, Row{1, false, false}, Row{1, true, false},
                         Row{2, false, true}, Row{2, true, false}}) {
    SCOPED_TRACE(std::to_string(row.dfbit) + (row.inner_df ? " DF" : ""));
    EnginePair pair;
    pair.a.settings.headers.dfbit = row.dfbit;
    const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
    pair.a.send({protection.datagram(1470, {.dont_fragment = row.inner_df})});
    EXPECT_EQ(pair.a.wire.size(), row.cut ? 2U : 0U);
    pair.settle();
    EXPECT_EQ(pair.b.delivered.size(), row.cut ? 1U : 0U);
  }
}

TEST(PathMtu, WhatARouterSaysAboutOurPacketIsLearnedAndPassedOnWithTheNextOne) {
  for (const net::Family family : {net::Family::V4, net::Family::V6}) {
    EnginePair pair;
    const Protection protection{pair, kTunnel, net::Family::V4, family};
    const ByteVector sent = protection.datagram(1300, {.dont_fragment = true});
    pair.a.send({sent});
    ASSERT_EQ(pair.a.wire.size(), 1U);
    pair.a.receive({too_big(pair.a.wire[0], 1300)});
    EXPECT_EQ(pair.a.statistics().consumed, 1U);
    EXPECT_TRUE(pair.a.delivered.empty());
    pair.a.wire.clear();

    pair.a.send({sent});
    EXPECT_TRUE(pair.a.wire.empty());
    ASSERT_EQ(pair.a.delivered.size(), 1U);
    EXPECT_LT(stated_mtu(pair.a.delivered[0]), 1300U);
    EXPECT_GT(stated_mtu(pair.a.delivered[0]), 1150U);
  }
}

TEST(PathMtu, WhatWasLearnedIsForgottenAfterAWhile) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  const ByteVector sent = protection.datagram(1300, {.dont_fragment = true});
  pair.a.send({sent});
  pair.a.receive({too_big(pair.a.wire.at(0), 1300)});
  const Time later = Time{} + engine::PathMtu::kLifetime + std::chrono::seconds{1};
  pair.a.wire.clear();
  pair.a.send({sent});
  EXPECT_TRUE(pair.a.wire.empty());
  pair.a.tick(later);
  pair.a.send({sent}, later);
  EXPECT_EQ(pair.a.wire.size(), 1U);
}

TEST(PathMtu, AnErrorThatQuotesNoSaOfOursIsNotBelieved) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  pair.a.send({protection.datagram(1300, {.dont_fragment = true})});
  ByteVector guessed = pair.a.wire.at(0);
  guessed[20] ^= 0x40;  // another SPI
  pair.a.receive({too_big(guessed, 600)});
  EXPECT_EQ(pair.a.drops(DropReason::IcmpUnbelieved), 1U);
  ByteVector backwards = packet(ip("20.0.0.2"), ip("20.0.0.1"), net::protocol::kEsp, Bytes{pair.a.wire[0]}.subspan(20));
  pair.a.receive({too_big(backwards, 600)});
  EXPECT_EQ(pair.a.statistics().consumed, 0U);
  pair.a.wire.clear();
  pair.a.send({protection.datagram(1300, {.dont_fragment = true})});
  EXPECT_EQ(pair.a.wire.size(), 1U);
}

TEST(PathMtu, NoErrorCanPushThePathBelowWhatEveryPathCarries) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  pair.a.send({protection.datagram(1300)});
  pair.a.receive({too_big(pair.a.wire.at(0), 68)});
  pair.a.wire.clear();
  pair.a.send({protection.datagram(400)});
  EXPECT_EQ(pair.a.wire.size(), 1U);
}

TEST(PathMtu, AnErrorAboutSomethingElseIsTheHostsMatter) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  const ByteVector ordinary = udp({ip("20.0.0.1"), 1}, {ip("20.0.0.9"), 2}, Protection::text(900));
  const ByteVector error = too_big(ordinary, 600);
  pair.a.receive({error});
  ASSERT_EQ(pair.a.delivered.size(), 1U);
  EXPECT_EQ(pair.a.delivered[0], error);
}

TEST(PathMtu, NoErrorIsSentAboutAnError) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  const ByteVector error =
      icmp(protection.from_a(), protection.from_b(), {3, 1}, Protection::text(1460), {.dont_fragment = true});
  pair.a.send({error});
  EXPECT_EQ(pair.a.drops(DropReason::NeedsFragmentation), 1U);
  EXPECT_TRUE(pair.a.delivered.empty());
}

TEST(PathMtu, AnIpv6PacketThatEveryLinkTakesIsNeverRefused) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V6, net::Family::V4};
  pair.a.host.mtu = 1280;
  pair.a.settings.headers.dfbit = 1;
  pair.a.send({protection.datagram(1280 - 48)});
  EXPECT_EQ(pair.a.wire.size(), 2U);
  pair.settle();
  EXPECT_EQ(pair.b.delivered.size(), 1U);
  pair.a.send({protection.datagram(1281 - 48)});
  EXPECT_EQ(stated_mtu(pair.a.delivered.at(0)), 1280U);
}

/// Sends what is too large by some bytes, then what the report says fits.
struct Discovery {
  std::size_t first_pieces = 0, stated = 0, then_pieces = 0;
  bool operator==(const Discovery&) const = default;
};
Discovery discover(EnginePair& pair, const Protection& protection, const IpFields& fields = {}) {
  const std::size_t headers = protection.from_a().is_v4() ? 28 : 48;
  Discovery found;
  pair.a.send({protection.datagram(1460 - headers, fields)});
  found.first_pieces = pair.a.wire.size();
  if (!pair.a.delivered.empty()) found.stated = stated_mtu(pair.a.delivered.at(0));
  pair.a.clear();
  if (found.stated == 0) return found;
  pair.a.send({protection.datagram(found.stated - headers, fields)});
  found.then_pieces = pair.a.wire.size();
  return found;
}

// 1500 less the outer header, ESP's 8 + 16 of IV + 16 of ICV, and the trailer of at most 17.
constexpr std::size_t kInV4 = 1500 - 20 - 57, kInV6 = 1500 - 40 - 57, kInTransport = 1500 - 57;

TEST(PathMtu, IsReportedIntoTheTunnelForEveryFamilyInEveryFamily) {
  using net::Family;
  struct Row {
    Family inner, outer;
    std::int32_t dfbit;
    bool inner_df;
    Discovery expected;
  };
  for (const Row& row :
       {Row{Family::V6, Family::V6, 2, false, {0, kInV6, 1}}, Row{Family::V6, Family::V6, 0, false, {0, kInV6, 1}},
        Row{Family::V6, Family::V4, 2, false, {0, kInV4, 1}}, Row{Family::V6, Family::V4, 1, false, {0, kInV4, 1}},
        Row{Family::V6, Family::V4, 0, false, {2, 0, 0}}, Row{Family::V4, Family::V6, 2, true, {0, kInV6, 1}},
        Row{Family::V4, Family::V6, 2, false, {2, 0, 0}}, Row{Family::V4, Family::V6, 0, true, {0, kInV6, 1}},
        Row{Family::V4, Family::V6, 1, false, {2, 0, 0}}, Row{Family::V4, Family::V4, 2, true, {0, kInV4, 1}}}) {
    SCOPED_TRACE(std::string(row.inner == Family::V4 ? "v4" : "v6") + " in " + (row.outer == Family::V4 ? "v4" : "v6") +
                 " dfbit " + std::to_string(row.dfbit));
    EnginePair pair;
    pair.a.settings.headers.dfbit = row.dfbit;
    const Protection protection{pair, kTunnel, row.inner, row.outer};
    const Discovery found = discover(pair, protection, {.dont_fragment = row.inner_df});
    EXPECT_EQ(found, row.expected) << found.first_pieces << " pieces, told " << found.stated << ", then "
                                   << found.then_pieces;
    EXPECT_EQ(pair.a.drops(DropReason::NeedsFragmentation), row.expected.first_pieces == 0 ? 1U : 0U);
  }
}

TEST(PathMtu, TheDfOfThePacketInsideDecidesThroughTwoTunnelsOfOtherFamilies) {
  for (const bool inner_df : {false, true}) {
    EnginePair pair;
    Station& a = pair.a;
    const Sides outer = sides(net::Family::V4), middle = sides(net::Family::V6);
    a.host.addresses = {outer.a, middle.a};
    a.host.mtu = 1400;
    for (const Sides& s : {middle, outer}) {
      sad::SaParameters out = esp(s.a, s.b, "aes-cbc", "hmac-sha1");
      out.group.mode = sad::Mode::Tunnel;
      a.install(std::move(out));
    }
    a.install(policy(spd::Direction::Out, outer.prefix_a, outer.prefix_b,
                     {tunnel(Proto::Esp, middle.a, middle.b), tunnel(Proto::Esp, outer.a, outer.b)}));
    a.send({udp({outer.cloud_a, 1}, {outer.cloud_b, 2}, Protection::text(1330), {.dont_fragment = inner_df})});
    EXPECT_EQ(a.wire.size(), inner_df ? 0U : 2U);
    EXPECT_EQ(a.delivered.size(), inner_df ? 1U : 0U);
  }
}

TEST(PathMtu, OurOwnHostIsToldAndLosesNothing) {
  for (const Way& way : {kTransportWay, kTunnel}) {
    EnginePair pair;
    const Protection protection{pair, way, net::Family::V6, net::Family::V6};
    pair.a.host.addresses.insert(protection.from_a());
    const Discovery found = discover(pair, protection);
    EXPECT_EQ(found, (Discovery{2, has_tunnel(way) ? kInV6 : kInTransport, 1}));
    EXPECT_EQ(pair.a.drops(DropReason::NeedsFragmentation), 0U);
  }
}

TEST(PathMtu, AnIpv6SourceThatCutsAlreadyIsNotToldAgain) {
  EnginePair pair;
  const Protection protection{pair, kTransportWay, net::Family::V6, net::Family::V6};
  const ByteVector whole = protection.datagram(1460);
  std::vector<ByteVector> pieces;
  const auto keep = [&](Bytes piece) -> Status<DropReason> {
    pieces.emplace_back(piece.begin(), piece.end());
    return Done{};
  };
  ASSERT_TRUE(transform::fragment(whole, *wire::packet::parse_ip(whole), 1280, 77, keep));
  pair.a.send(pieces);
  EXPECT_EQ(pair.a.wire.size(), 2U);
  EXPECT_TRUE(pair.a.delivered.empty());
  pair.settle();
  EXPECT_EQ(pair.b.delivered, std::vector<ByteVector>{whole});
}

TEST(PathMtu, PacketsInClearMeetTheLinkToo) {
  Station a;
  a.host.addresses = {ip("20.0.0.1"), ip("2001:db8::1")};
  const net::Address far = ip("20.0.9.9"), far6 = ip("2001:db8:9::9");
  a.send({udp({ip("20.0.0.1"), 1}, {far, 2}, Protection::text(2000)),
          udp({ip("20.0.0.1"), 1}, {far, 2}, Protection::text(2000), {.dont_fragment = true}),
          udp({ip("2001:db8::1"), 1}, {far6, 2}, Protection::text(2000)),
          udp({ip("2001:db8:5::5"), 1}, {far6, 2}, Protection::text(2000))});
  EXPECT_EQ(a.wire.size(), 4U) << "two in two, of those who may be cut";
  EXPECT_EQ(a.drops(DropReason::NeedsFragmentation), 2U);
  ASSERT_EQ(a.delivered.size(), 2U);
  EXPECT_EQ(stated_mtu(a.delivered[0]), 1500U);
  EXPECT_EQ(stated_mtu(a.delivered[1]), 1500U);
}

TEST(Fragments, OfOthersAreJoinedBeforeAPolicyForOnePortLooksAtThem) {
  for (const auto family : {net::Family::V4, net::Family::V6}) {
    const Sides s = sides(family);
    Station gateway;
    gateway.host.addresses = {s.a};
    sad::SaParameters out = esp(s.a, s.b, "aes-cbc", "hmac-sha1");
    out.group.mode = sad::Mode::Tunnel;
    gateway.install(std::move(out));
    spd::Policy p = policy(spd::Direction::Out, s.prefix_a, s.prefix_b, {tunnel(Proto::Esp, s.a, s.b)});
    p.selector.protocol = net::protocol::kUdp;
    p.selector.destination_port = 110;
    gateway.install(std::move(p));
    for (const std::uint16_t port : {std::uint16_t{110}, std::uint16_t{80}}) {
      const ByteVector whole = udp({s.cloud_a, 1025}, {s.cloud_b, port}, ByteVector(2000, 7));
      const auto pieces = pieces_of(whole, 1280);
      gateway.clear();
      gateway.send(pieces);
      ASSERT_GE(gateway.wire.size(), 2U) << "cut again";
      for (const ByteVector& packet : gateway.wire) {
        const auto ip = wire::packet::parse_ip(packet);
        EXPECT_EQ(ip->destination, port == 110 ? s.b : s.cloud_b) << "port " << port;
      }
    }
  }
}

}  // namespace
}  // namespace testudo
