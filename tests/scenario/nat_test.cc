// ESP in UDP through a NAT.  RFC 3948.
#include <gtest/gtest.h>

#include "base/endian.h"
#include "scenario/network.h"

namespace testudo {
namespace {

using namespace test;
using net::DropReason;

const net::Address kA = ip("20.0.0.1"), kB = ip("20.0.0.2"), kNat = ip("20.0.0.254");

sad::SaParameters nat_sa(const net::Address& source, const net::Address& destination, sad::Mode mode,
                         const sad::NatTraversal& nat) {
  sad::SaParameters p = esp(source, destination, "aes-cbc", "hmac-sha256");
  p.group.mode = mode;
  p.nat = nat;
  return p;
}

/// A sends to B by UDP; between them a NAT that gives A the address and port of its own.
constexpr Time at(std::int64_t second) {
  return Time{std::chrono::seconds{second}};
}

class NatTest : public testing::Test {
 protected:
  NatTest() {
    a.host.addresses = {kA};
    b.host.addresses = {kB};
  }
  void install(sad::Mode mode, const sad::NatTraversal& at_a, const sad::NatTraversal& at_b) {
    a.install(nat_sa(kA, kB, mode, at_a));
    b.install(nat_sa(kNat, kB, mode, at_b));
  }
  void tunnel_policy() {
    a.install(policy(spd::Direction::Out, "10.0.1.0/24", "10.0.2.0/24", {tunnel(Proto::Esp, kA, kB)}));
    b.install(policy(spd::Direction::In, "10.0.1.0/24", "10.0.2.0/24", {tunnel(Proto::Esp, kNat, kB)}));
  }
  /// What the NAT makes of a packet: its address and port in place of A's.
  static ByteVector translate(ByteVector packet, std::uint16_t port = 61000) {
    std::ranges::copy(kNat.bytes(), packet.begin() + 12);
    put_be16(&packet[20], port);
    wire::packet::update_ipv4_checksum(packet);
    return packet;
  }
  static ByteVector inner(std::size_t size = 60, const IpFields& fields = {}) {
    return udp({ip("10.0.1.5"), 1025}, {ip("10.0.2.5"), 7}, Protection::text(size), fields);
  }

  Station a, b;
  const sad::NatTraversal kPlain{}, kMapped{.source_port = 61000};
};

TEST_F(NatTest, ATunnelCrossesTheNat) {
  install(sad::Mode::Tunnel, kPlain, kMapped);
  tunnel_policy();
  a.send({inner()});
  ASSERT_EQ(a.wire.size(), 1U);
  EXPECT_EQ(a.wire[0][9], net::protocol::kUdp);
  EXPECT_EQ(be16(&a.wire[0][22]), 4500);
  b.receive({translate(a.wire[0])});
  ASSERT_EQ(b.delivered.size(), 1U);
  EXPECT_EQ(b.delivered[0], inner());
}

TEST_F(NatTest, TransportModeRepairsTheChecksumThatTheNatBroke) {
  install(sad::Mode::Transport, kPlain, kMapped);
  a.install(policy(spd::Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  b.install(policy(spd::Direction::In, "20.0.0.254", "20.0.0.2", {request(Proto::Esp)}));
  a.send({tcp({kA, 1025}, {kB, 80}, Protection::text(40)), udp({kA, 1025}, {kB, 53}, Protection::text(40))});
  ASSERT_EQ(a.wire.size(), 2U);
  b.receive({translate(a.wire[0]), translate(a.wire[1])});
  ASSERT_EQ(b.delivered.size(), 2U);
  EXPECT_EQ(b.delivered[0], tcp({kNat, 1025}, {kB, 80}, Protection::text(40)));
  EXPECT_EQ(b.delivered[1], udp({kNat, 1025}, {kB, 53}, Protection::text(40)));
}

TEST_F(NatTest, EspWithoutUdpIsRefused) {
  install(sad::Mode::Tunnel, kPlain, kMapped);
  tunnel_policy();
  a.send({inner()});
  ASSERT_EQ(a.wire.size(), 1U);
  b.receive({packet(kNat, kB, net::protocol::kEsp, Bytes{a.wire[0]}.subspan(28))});
  EXPECT_TRUE(b.delivered.empty());
  EXPECT_EQ(b.drops(DropReason::NatTPortMismatch), 1U);
}

TEST_F(NatTest, AGenuinePacketFromAnotherPortOrAddressIsDeliveredAndAnnouncedOnce) {
  install(sad::Mode::Tunnel, kPlain, kMapped);
  tunnel_policy();
  a.send(std::vector<ByteVector>(6, inner()));
  ASSERT_EQ(a.wire.size(), 6U);
  const auto moved = [&](std::size_t i, std::uint16_t port, const net::Address& address) {
    ByteVector out = translate(a.wire[i], port);
    std::ranges::copy(address.bytes(), out.begin() + 12);
    wire::packet::update_ipv4_checksum(out);
    return out;
  };
  const net::Address elsewhere = ip("20.0.0.99");
  b.receive({moved(0, 61001, kNat), moved(1, 61001, kNat)}, at(10));
  const std::vector<std::pair<Spi, net::Endpoint>> once{{Spi{0x1000}, {kNat, 61001}}};
  EXPECT_EQ(b.mappings, once);
  b.receive({moved(2, 500, elsewhere)}, at(10));
  EXPECT_EQ(b.mappings, once) << "not twice in a second";
  b.receive({moved(3, 500, elsewhere)}, at(12));
  ASSERT_EQ(b.mappings.size(), 2U);
  EXPECT_EQ(b.mappings[1].second, (net::Endpoint{elsewhere, 500}));
  b.receive({moved(4, 61000, kNat)}, at(20));
  EXPECT_EQ(b.mappings.size(), 2U) << "home again";
  b.receive({moved(5, 500, elsewhere)}, at(30));
  EXPECT_EQ(b.mappings.size(), 3U);
  EXPECT_EQ(b.delivered.size(), 6U);
}

TEST_F(NatTest, ForgedAndRepeatedPacketsMoveNobody) {
  install(sad::Mode::Tunnel, kPlain, kMapped);
  tunnel_policy();
  a.send({inner(), inner(), inner()});
  ASSERT_EQ(a.wire.size(), 3U);
  ByteVector forged = translate(a.wire[0], 61001);
  forged.back() ^= 1;
  b.receive({forged}, at(1));
  EXPECT_EQ(b.drops(DropReason::BadIcv), 1U);
  b.receive({translate(a.wire[0]), translate(a.wire[2])}, at(2));
  b.receive({translate(a.wire[0], 61001)}, at(3));
  EXPECT_EQ(b.drops(DropReason::Replayed), 1U);
  b.receive({translate(a.wire[1], 61001)}, at(4));
  EXPECT_EQ(b.delivered.size(), 3U) << "late but genuine";
  EXPECT_TRUE(b.mappings.empty()) << "and sent before the one that came from home";
}

TEST_F(NatTest, WithoutAReplayWindowAMoveIsNotBelieved) {
  sad::SaParameters there = nat_sa(kA, kB, sad::Mode::Tunnel, kPlain);
  sad::SaParameters here = nat_sa(kNat, kB, sad::Mode::Tunnel, kMapped);
  here.replay_packets = 0;
  a.install(std::move(there));
  b.install(std::move(here));
  tunnel_policy();
  a.send({inner()});
  b.receive({translate(a.wire.at(0), 61001)}, at(1));
  EXPECT_EQ(b.delivered.size(), 1U);
  EXPECT_TRUE(b.mappings.empty());
}

TEST_F(NatTest, WithoutAuthenticationOnlyTheMappingOfTheSaIsTaken) {
  for (Station* station : {&a, &b}) {
    sad::SaParameters p = nat_sa(station == &a ? kA : kNat, kB, sad::Mode::Tunnel, station == &a ? kPlain : kMapped);
    p.mac = nullptr;
    p.mac_key = {};
    station->install(std::move(p));
  }
  tunnel_policy();
  a.send({inner(), inner()});
  b.receive({translate(a.wire.at(0), 61001), translate(a.wire.at(1))}, at(1));
  EXPECT_EQ(b.delivered.size(), 1U);
  EXPECT_EQ(b.drops(DropReason::NatTPortMismatch), 1U);
  EXPECT_TRUE(b.mappings.empty());
}

/// Two clients with networks of their own behind one NAT; B tells them apart by their ports alone.
TEST_F(NatTest, TwoClientsBehindOneNatAreToldApartByTheirPorts) {
  using spd::Direction;
  const auto ends = [](const net::Endpoint& from, const net::Endpoint& to) {
    spd::Request r = tunnel(Proto::Esp, from.address, to.address);
    r.source = from;
    r.destination = to;
    return r;
  };
  const net::Endpoint home{kB, 4500};
  for (const std::uint16_t n : {std::uint16_t{1}, std::uint16_t{2}}) {
    const auto port = static_cast<std::uint16_t>(61000 + n);
    const std::string cloud = "10.0." + std::to_string(n) + ".0/24";
    const net::Endpoint client{kNat, port};
    sad::SaParameters in = nat_sa(kNat, kB, sad::Mode::Tunnel, {.source_port = port, .destination_port = 4500});
    sad::SaParameters out = nat_sa(kB, kNat, sad::Mode::Tunnel, {.source_port = 4500, .destination_port = port});
    in.spi = out.spi = Spi{0x1000};  // both clients chose the same
    in.cipher_key = key(32, n);
    b.install(std::move(in));
    b.install(std::move(out));
    b.install(policy(Direction::In, cloud, "10.9.0.0/24", {ends(client, home)}));
    b.install(policy(Direction::Out, "10.9.0.0/24", cloud, {ends(home, client)}));
  }
  b.send({udp({ip("10.9.0.1"), 7}, {ip("10.0.1.5"), 7}, Protection::text(20)),
          udp({ip("10.9.0.1"), 7}, {ip("10.0.2.5"), 7}, Protection::text(20))});
  ASSERT_EQ(b.wire.size(), 2U);
  EXPECT_EQ(be16(&b.wire[0][22]), 61001);
  EXPECT_EQ(be16(&b.wire[1][22]), 61002);

  const auto from_client = [&](std::uint16_t n, const char* source) {
    Station client;
    client.host.addresses = {kA};
    sad::SaParameters p = nat_sa(kA, kB, sad::Mode::Tunnel, kPlain);
    p.cipher_key = key(32, n);
    client.install(std::move(p));
    client.install(policy(Direction::Out, "10.0.0.0/16", "10.9.0.0/24", {tunnel(Proto::Esp, kA, kB)}));
    client.send({udp({ip(source), 7}, {ip("10.9.0.1"), 7}, Protection::text(20))});
    return translate(client.wire.at(0), static_cast<std::uint16_t>(61000 + n));
  };
  b.receive({from_client(1, "10.0.1.5"), from_client(2, "10.0.2.5")}, at(1));
  EXPECT_EQ(b.delivered.size(), 2U);
  b.receive({from_client(1, "10.0.2.5")}, at(1));
  EXPECT_EQ(b.delivered.size(), 2U) << "a client may not speak for the other's network";
  EXPECT_TRUE(b.mappings.empty());
}

TEST_F(NatTest, AnSaWithoutNatDoesNotReceiveByUdp) {
  install(sad::Mode::Tunnel, kPlain, kMapped);
  tunnel_policy();
  b.sad.flush(std::nullopt);
  sad::SaParameters without = nat_sa(kNat, kB, sad::Mode::Tunnel, kMapped);
  without.nat.reset();
  b.install(std::move(without));
  a.send({inner()});
  b.receive({translate(a.wire.at(0))});
  EXPECT_EQ(b.drops(DropReason::NatTPortMismatch), 1U);
}

TEST_F(NatTest, KeepalivesAreSwallowedAndIkeIsPassedOn) {
  const ByteVector keepalive = udp({kNat, 61000}, {kB, 4500}, ByteVector{0xff});
  ByteVector message(40, 0);
  message[4] = 1;  // behind the marker, the cookie
  const ByteVector ike = udp({kNat, 61000}, {kB, 4500}, message);
  const ByteVector elsewhere = udp({kNat, 61000}, {kB, 4501}, ByteVector{0xff});
  b.receive({keepalive, ike, elsewhere});
  EXPECT_EQ(b.drops(DropReason::NatKeepalive), 1U);
  EXPECT_EQ(b.statistics().keepalives, 1U);
  EXPECT_EQ(b.delivered, (std::vector<ByteVector>{ike, elsewhere}));
}

TEST_F(NatTest, WhatIsNeitherEspNorIkeNorKeepaliveIsDropped) {
  const auto to_b = [](const ByteVector& payload) { return udp({kNat, 61000}, {kB, 4500}, payload); };
  b.receive({to_b({}), to_b({0xfe}), to_b({1, 2, 3, 4}), to_b({1, 2, 3, 4, 5, 6, 7})});
  EXPECT_EQ(b.drops(DropReason::InboundMalformed), 4U);
  b.receive({to_b(ByteVector(8, 0)), to_b(ByteVector(40, 0))});
  EXPECT_EQ(b.drops(DropReason::InboundNoSa), 2U) << "the first drafts' marker, and no SA that has it";
  EXPECT_TRUE(b.delivered.empty());
}

TEST_F(NatTest, OtherPortsCanBeNamed) {
  const sad::NatTraversal other{.source_port = 4500, .destination_port = 10000};
  install(sad::Mode::Tunnel, other, {.source_port = 61000, .destination_port = 10000});
  tunnel_policy();
  a.send({inner()});
  const ByteVector crossing = translate(a.wire.at(0));
  b.receive({crossing});
  EXPECT_EQ(b.delivered, std::vector<ByteVector>{crossing}) << "UDP like any other";
  b.delivered.clear();
  b.engine.set_encapsulation_ports({4500, 10000});
  b.receive({crossing});
  EXPECT_EQ(b.delivered, std::vector<ByteVector>{inner()});
}

TEST_F(NatTest, APortOfASocketIsOneForTheOutermostLayerAlone) {
  const sad::NatTraversal other{.source_port = 4500, .destination_port = 10000};
  install(sad::Mode::Tunnel, other, {.source_port = 61000, .destination_port = 10000});
  a.install(policy(spd::Direction::Out, "10.0.1.0/24", "20.0.0.2", {tunnel(Proto::Esp, kA, kB)}));
  b.install(policy(spd::Direction::In, "10.0.1.0/24", "20.0.0.2", {tunnel(Proto::Esp, kNat, kB)}));
  b.engine.set_socket_ports({10000});
  const ByteVector inside = udp({ip("10.0.1.5"), 1025}, {kB, 10000}, Protection::text(60));
  a.send({inside});
  b.receive({translate(a.wire.at(0))});
  EXPECT_EQ(b.delivered, std::vector<ByteVector>{inside}) << "it may be for another socket with that port";
}

TEST_F(NatTest, TheFormOfTheFirstDraftsCrossesToo) {
  using Kind = sad::NatTraversal::Kind;
  install(sad::Mode::Tunnel, {.kind = Kind::NonIke, .source_port = 500, .destination_port = 500},
          {.kind = Kind::NonIke, .source_port = 61000, .destination_port = 500});
  tunnel_policy();
  b.engine.set_encapsulation_ports({500, 4500});
  a.send({inner()});
  ASSERT_EQ(a.wire.size(), 1U);
  EXPECT_EQ(be64(&a.wire[0][28]), 0U);
  b.receive({translate(a.wire[0])});
  EXPECT_EQ(b.delivered, std::vector<ByteVector>{inner()});
}

TEST_F(NatTest, LargePacketsAreCutBeforeTheyAreEncapsulated) {
  const sad::NatTraversal small{.fragment_size = 552};
  install(sad::Mode::Tunnel, small, kMapped);
  tunnel_policy();
  a.send({inner(100), inner(1400), inner(200)});
  ASSERT_EQ(a.wire.size(), 5U);
  std::vector<ByteVector> crossing;
  for (const ByteVector& packet : a.wire) {
    const auto outer = wire::packet::parse_ip(packet);
    ASSERT_TRUE(outer);
    EXPECT_FALSE(outer->fragment) << "NATs see whole datagrams";
    EXPECT_LT(packet.size(), 700U);
    crossing.push_back(translate(packet));
  }
  b.receive(crossing);
  ASSERT_EQ(b.delivered.size(), 5U);
  EXPECT_EQ(b.delivered[0], inner(100));
  EXPECT_EQ(b.delivered[4], inner(200));
  for (std::size_t i = 1; i < 4; ++i) EXPECT_TRUE(wire::packet::parse_ip(b.delivered[i])->fragment);

  a.clear();
  a.send({inner(1400, {.dont_fragment = true})});
  EXPECT_TRUE(a.wire.empty());
  EXPECT_EQ(a.drops(DropReason::NeedsFragmentation), 1U);
  EXPECT_EQ(a.delivered.size(), 1U);
}

TEST_F(NatTest, APieceThatIsStillTooLargeForThePathIsCutAgain) {
  install(sad::Mode::Tunnel, sad::NatTraversal{.fragment_size = 1390}, kMapped);
  tunnel_policy();
  a.host.mtu = 1400;
  a.send({inner(1400)});
  EXPECT_EQ(a.wire.size(), 3U);
  EXPECT_TRUE(a.all_drops().empty());
}

}  // namespace
}  // namespace testudo
