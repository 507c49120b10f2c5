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

TEST_F(NatTest, AnotherMappingIsRefusedAndSoIsEspWithoutUdp) {
  install(sad::Mode::Tunnel, kPlain, kMapped);
  tunnel_policy();
  a.send({inner()});
  ASSERT_EQ(a.wire.size(), 1U);
  b.receive({translate(a.wire[0], 61001)});
  const ByteVector bare = packet(kNat, kB, net::protocol::kEsp, Bytes{a.wire[0]}.subspan(28));
  b.receive({bare});
  EXPECT_TRUE(b.delivered.empty());
  EXPECT_EQ(b.drops(DropReason::NatTPortMismatch), 2U);
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
  const ByteVector ike = udp({kNat, 61000}, {kB, 4500}, ByteVector(40, 0));
  const ByteVector elsewhere = udp({kNat, 61000}, {kB, 4501}, ByteVector{0xff});
  b.receive({keepalive, ike, elsewhere});
  EXPECT_EQ(b.drops(DropReason::NatKeepalive), 1U);
  EXPECT_EQ(b.statistics().keepalives, 1U);
  EXPECT_EQ(b.delivered, (std::vector<ByteVector>{ike, elsewhere}));
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
