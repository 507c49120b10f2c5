// Fragments that arrive: what a policy forbids does not pass in pieces either, and what is protected is opened although
// it came in pieces out of another tunnel.  B is a gateway; its host's side is watched by an oracle.
#include <gtest/gtest.h>

#include "scenario/network.h"
#include "support/fragments.h"

namespace testudo {
namespace {

using namespace test;
using net::DropReason;
using net::Family;
using spd::Direction;

constexpr std::uint16_t kForbidden = 110, kFree = 80;

/// A gateway B with a policy for UDP port 110 from A's cloud to its own.
class FragmentsTest : public testing::TestWithParam<Family> {
 protected:
  FragmentsTest() {
    b.host.addresses = {s.b};
    spd::Policy p = policy(Direction::In, s.prefix_a, s.prefix_b, {tunnel(Proto::Esp, s.a, s.b)});
    p.selector.protocol = net::protocol::kUdp;
    p.selector.destination_port = kForbidden;
    b.install(std::move(p));
    b.install(tunnel_sa());
    a.host.addresses = {s.a};
    a.install(tunnel_sa());
    a.install(policy(Direction::Out, s.prefix_a, s.prefix_b, {tunnel(Proto::Esp, s.a, s.b)}));
    behind_b.oracle().allow_protocol(net::protocol::kUdp);
  }

  sad::SaParameters tunnel_sa() const {
    sad::SaParameters p = esp(s.a, s.b, "aes-cbc", "hmac-sha1");
    p.group.mode = sad::Mode::Tunnel;
    return p;
  }
  ByteVector datagram(std::uint16_t port, std::size_t size = 2000) const {
    return udp({s.cloud_a, 1025}, {s.cloud_b, port}, Protection::text(size));
  }
  /// The UDP header and data of a datagram, for pieces that are made by hand.
  ByteVector upper(std::uint16_t port, std::size_t size) const {
    const ByteVector whole = datagram(port, size);
    return {whole.begin() + (s.a.is_v4() ? 20 : 40), whole.end()};
  }
  ByteVector by_hand(Bytes payload, std::uint16_t offset, bool more) const {
    return piece(s.cloud_a, s.cloud_b, net::protocol::kUdp, payload, offset, more);
  }
  void forbid_text() { behind_b.oracle().forbid_text(Protection::kMarker); }
  /// What B passed on, past the oracle, joined by another station.
  std::vector<ByteVector> joined_behind_b() {
    for (const ByteVector& packet : b.delivered) behind_b.send(packet, {});
    Station host;
    host.host.addresses = {s.cloud_b};
    host.receive(behind_b.arrived({}));
    return host.delivered;
  }
  /// `packets` as the gateway A sends them through its tunnel.
  std::vector<ByteVector> through_tunnel(const std::vector<ByteVector>& packets) {
    a.clear();
    a.send(packets);
    return a.wire;
  }

  Sides s = sides(GetParam());
  Station a, b;
  Link behind_b;
};

INSTANTIATE_TEST_SUITE_P(Families, FragmentsTest, testing::Values(Family::V4, Family::V6),
                         [](const auto& family) { return family.param == Family::V4 ? "V4" : "V6"; });

TEST_P(FragmentsTest, InClearForOthersDoNotPassAPolicyThatNamesTheirPort) {
  forbid_text();
  b.receive(pieces_of(datagram(kForbidden), 1280));
  EXPECT_TRUE(joined_behind_b().empty());
  EXPECT_EQ(b.drops(DropReason::InboundPolicyClear), 1U);
  EXPECT_EQ(b.statistics().fragments_joined, 1U);
}

TEST_P(FragmentsTest, InClearForOthersDoNotPassOutOfOrderOrDoubledEither) {
  forbid_text();
  auto pieces = pieces_of(datagram(kForbidden, 6000), 1280);
  ASSERT_GT(pieces.size(), 4U);
  std::ranges::reverse(pieces);
  pieces.insert(pieces.begin() + 2, pieces[1]);
  b.receive(pieces);
  EXPECT_TRUE(joined_behind_b().empty());
  EXPECT_EQ(b.drops(DropReason::InboundPolicyClear), 1U);
}

TEST_P(FragmentsTest, ForOthersThatThePolicyDoesNotMeanGoOnInPiecesThatFit) {
  const ByteVector sent = datagram(kFree, 5000);
  auto pieces = pieces_of(sent, 1280);
  std::ranges::reverse(pieces);
  b.receive(pieces);
  EXPECT_EQ(b.delivered.size(), pieces.size());
  for (const ByteVector& packet : b.delivered) EXPECT_LE(packet.size(), 1280U);
  EXPECT_EQ(joined_behind_b(), std::vector<ByteVector>{sent});
}

TEST_P(FragmentsTest, ThatOverlapAreDroppedWithAllTheirPacket) {
  forbid_text();
  // The first one shows a port that is free; the second would write another one over it.
  const ByteVector free = upper(kFree, 1000), forbidden = upper(kForbidden, 1000);
  const auto part = [](const ByteVector& from, std::size_t at, std::size_t n) { return Bytes{from}.subspan(at, n); };
  b.receive({by_hand(part(free, 0, 256), 0, true), by_hand(part(forbidden, 0, 512), 0, true),
             by_hand(part(free, 512, free.size() - 512), 512, false)});
  EXPECT_TRUE(b.delivered.empty());
  EXPECT_EQ(b.drops(DropReason::ReassemblyInvalid), 3U);
}

TEST_P(FragmentsTest, WithoutTheirFirstWaitAndAreDropped) {
  forbid_text();
  auto pieces = pieces_of(datagram(kForbidden, 4000), 1280);
  const std::size_t rest = pieces.size() - 1;
  pieces.erase(pieces.begin());
  b.receive(pieces);
  EXPECT_TRUE(b.delivered.empty());
  EXPECT_EQ(b.statistics().held, rest);
  b.tick(Time{} + std::chrono::seconds{61});
  EXPECT_TRUE(b.delivered.empty());
  EXPECT_EQ(b.drops(DropReason::ReassemblyTimeout), rest);
}

TEST_P(FragmentsTest, OfAPolicyForEverythingAreJudgedOneByOne) {
  Station gateway;
  gateway.host.addresses = {s.b};
  gateway.install(policy(Direction::In, s.prefix_a, s.prefix_b, {tunnel(Proto::Esp, s.a, s.b)}));
  const auto pieces = pieces_of(datagram(kFree), 1280);
  gateway.receive(pieces);
  EXPECT_TRUE(gateway.delivered.empty());
  EXPECT_EQ(gateway.drops(DropReason::InboundPolicyClear), pieces.size());
  EXPECT_EQ(gateway.statistics().held, 0U);
}

TEST_P(FragmentsTest, OutOfTheRightTunnelPassThePolicyThatNamesTheirPort) {
  const ByteVector sent = datagram(kForbidden);
  b.receive(through_tunnel(pieces_of(sent, 1280)));
  EXPECT_EQ(b.delivered.size(), 2U);
  EXPECT_EQ(joined_behind_b(), std::vector<ByteVector>{sent});
}

TEST_P(FragmentsTest, OutOfTheWrongTunnelDoNotPassThePolicyThatNamesTheirPort) {
  forbid_text();
  ASSERT_TRUE(b.spd.flush() > 0);
  spd::Policy ah_only = policy(Direction::In, s.prefix_a, s.prefix_b, {tunnel(Proto::Ah, s.a, s.b)});
  ah_only.selector.protocol = net::protocol::kUdp;
  b.install(std::move(ah_only));
  b.receive(through_tunnel(pieces_of(datagram(kForbidden), 1280)));
  EXPECT_TRUE(b.delivered.empty());
  EXPECT_EQ(b.drops(DropReason::InboundPolicyMismatch), 1U);
}

TEST_P(FragmentsTest, InClearNeverCompleteAPacketThatCameProtected) {
  const auto pieces = pieces_of(datagram(kForbidden), 1280);
  ASSERT_EQ(pieces.size(), 2U);
  b.receive(through_tunnel({pieces[0]}));
  b.receive({pieces[1]});
  EXPECT_TRUE(b.delivered.empty());
  EXPECT_EQ(b.statistics().held, 2U);
  // Each way has its own.
  b.receive(through_tunnel({pieces[1]}));
  EXPECT_EQ(b.delivered.size(), 2U);
  b.receive({pieces[0]});
  EXPECT_EQ(b.delivered.size(), 2U);
  EXPECT_EQ(b.drops(DropReason::InboundPolicyClear), 1U);
}

TEST_P(FragmentsTest, OutOfDifferentTunnelsNeverMeet) {
  // C has a tunnel of its own to B, and puts a piece with A's addresses into it.
  const net::Address c = s.a.is_v4() ? ip("20.0.0.3") : ip("2001:db8::3");
  const auto c_to_b = [&] {
    sad::SaParameters p = esp(c, s.b, "aes-cbc", "hmac-sha1");
    p.group.mode = sad::Mode::Tunnel;
    p.spi = Spi{0x3000};
    return p;
  };
  Station foreign;
  foreign.install(c_to_b());
  foreign.install(policy(Direction::Out, s.prefix_a, s.prefix_b, {tunnel(Proto::Esp, c, s.b)}));
  b.install(c_to_b());

  const ByteVector sent = datagram(kForbidden);
  const auto pieces = pieces_of(sent, 1280);
  ByteVector forged = pieces[1];
  forged.back() ^= 1;
  foreign.send({forged});
  b.receive(foreign.wire);
  b.receive(through_tunnel(pieces));
  EXPECT_EQ(joined_behind_b(), std::vector<ByteVector>{sent});
}

TEST_P(FragmentsTest, OfAProtectedPacketInsideATunnelAreJoinedAndOpened) {
  // A host behind A has an SA of its own with B; its router cuts what it sends before A's tunnel carries it.
  for (const bool by_ah : {false, true}) {
    Station fresh;
    fresh.host.addresses = {s.b, s.cloud_b};
    fresh.install(tunnel_sa());
    const auto inner = [&] {
      auto p = by_ah ? ah(s.cloud_a, s.cloud_b, "hmac-sha256") : esp(s.cloud_a, s.cloud_b, "aes-gcm-16");
      p.spi = Spi{0x2000};
      return p;
    };
    fresh.install(inner());
    const spd::Request innermost = request(by_ah ? Proto::Ah : Proto::Esp);
    fresh.install(
        policy(Direction::In, s.cloud_a.to_string(), s.cloud_b.to_string(), {innermost, tunnel(Proto::Esp, s.a, s.b)}));
    Station host;
    host.host.addresses = {s.cloud_a};
    host.host.mtu = 1400;
    host.install(inner());
    host.install(policy(Direction::Out, s.cloud_a.to_string(), s.cloud_b.to_string(), {innermost}));
    const ByteVector sent = datagram(kForbidden, 4000);
    host.send({sent});
    ASSERT_EQ(host.wire.size(), 3U);
    auto carried = through_tunnel(host.wire);
    ASSERT_EQ(carried.size(), 3U);
    std::swap(carried[0], carried[2]);
    fresh.receive(carried);
    EXPECT_EQ(fresh.delivered, std::vector<ByteVector>{sent}) << (by_ah ? "AH" : "ESP");
    EXPECT_EQ(fresh.statistics().fragments_joined, 2U);
  }
}

}  // namespace
}  // namespace testudo
