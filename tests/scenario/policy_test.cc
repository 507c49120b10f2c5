// What policies let out and in: order, levels, defaults, and packets that come by the wrong SA.
#include <gtest/gtest.h>

#include <functional>

#include "scenario/network.h"

namespace testudo {
namespace {

using namespace test;
using net::DropReason;
using spd::Action;
using spd::Direction;
using spd::Level;

const net::Address kA = ip("20.0.0.1"), kB = ip("20.0.0.2"), kC = ip("20.0.0.3");

ByteVector tcp_to_b(std::uint16_t port) {
  return tcp({kA, 1025}, {kB, port}, Protection::text(40));
}

class PolicyTest : public testing::Test {
 protected:
  PolicyTest() {
    pair.a.host.addresses = {kA};
    pair.b.host.addresses = {kB};
  }
  /// The same SA at both ends.
  void install_both(const std::function<sad::SaParameters()>& make) {
    pair.a.install(make());
    pair.b.install(make());
  }
  /// Hands what A put on the wire to B, and returns how many packets B's host got.
  std::size_t cross() {
    pair.b.clear();
    pair.b.receive(pair.a.wire);
    pair.a.clear();
    return pair.b.delivered.size();
  }

  EnginePair pair;
  Station& a = pair.a;
  Station& b = pair.b;
};

TEST_F(PolicyTest, WithoutPoliciesEverythingPassesInClear) {
  a.send({tcp_to_b(80)});
  ASSERT_EQ(a.wire.size(), 1U);
  EXPECT_EQ(a.wire[0], tcp_to_b(80));
  EXPECT_TRUE(a.in_clear[0]);
  EXPECT_EQ(cross(), 1U);
}

TEST_F(PolicyTest, TheFirstPolicyInTheListDecides) {
  spd::Policy mail = policy(Direction::Out, "20.0.0.1", "20.0.0.2", Action::None);
  mail.selector.protocol = net::protocol::kTcp;
  mail.selector.destination_port = 110;
  a.install(mail);
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", Action::Discard));
  a.send({tcp_to_b(110), tcp_to_b(25)});
  ASSERT_EQ(a.wire.size(), 1U);
  EXPECT_EQ(a.wire[0], tcp_to_b(110));
  EXPECT_EQ(a.drops(DropReason::PolicyDiscard), 1U);
}

TEST_F(PolicyTest, DefPolicyDiscardDropsWhatNoPolicyCovers) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", Action::None));
  a.settings.v4.def_policy = 0;
  a.send({tcp_to_b(80), tcp({kA, 1}, {kC, 2}, Protection::text(10))});
  EXPECT_EQ(a.wire.size(), 1U);
  EXPECT_EQ(a.drops(DropReason::DefaultDiscard), 1U);
  a.send({tcp({ip("2001:db8::1"), 1}, {ip("2001:db8::2"), 2}, Protection::text(10))});
  EXPECT_EQ(a.wire.size(), 2U) << "IPv6 has its own";
}

TEST_F(PolicyTest, DefPolicyDiscardDropsWhatArrivesWithoutAPolicyToo) {
  a.install(policy(Direction::In, "20.0.0.2", "20.0.0.1", Action::None));
  a.settings.v4.def_policy = 0;
  a.receive({tcp({kB, 80}, {kA, 1}, Protection::text(10)), tcp({kC, 2}, {kA, 1}, Protection::text(10))});
  EXPECT_EQ(a.delivered.size(), 1U);
  EXPECT_EQ(a.drops(DropReason::InboundPolicyDiscard), 1U);
}

TEST_F(PolicyTest, EnabledZeroSwitchesPoliciesOffAndTwoMakesTheDefaultCountWithoutAny) {
  a.settings.v4.def_policy = 0;
  a.send({tcp_to_b(80)});
  EXPECT_EQ(a.wire.size(), 1U) << "1: not before the first policy";
  a.settings.enabled = 2;
  a.send({tcp_to_b(80)});
  EXPECT_EQ(a.drops(DropReason::DefaultDiscard), 1U);
  a.settings.enabled = 0;
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", Action::Discard));
  a.send({tcp_to_b(80)});
  EXPECT_EQ(a.wire.size(), 2U);
}

TEST_F(PolicyTest, UsedBecomesOneWithTheFirstPolicyAndStays) {
  a.send({tcp_to_b(80)});
  EXPECT_EQ(a.settings.used, 0);
  const PolicyId id = a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", Action::None)).id;
  a.send({tcp_to_b(80)});
  EXPECT_EQ(a.settings.used, 1);
  ASSERT_TRUE(a.spd.remove(id));
  a.send({tcp_to_b(80)});
  EXPECT_EQ(a.settings.used, 1);
}

TEST_F(PolicyTest, RequireWithoutAnSaDropsAndAsksForOne) {
  const PolicyId id = a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)})).id;
  a.send({tcp_to_b(80)});
  EXPECT_TRUE(a.wire.empty());
  EXPECT_EQ(a.drops(DropReason::NoSa), 1U);
  ASSERT_EQ(a.acquires.size(), 1U);
  const sad::SaGroup wanted{sad::SaProtocol::Esp, sad::Mode::Transport, kA, kB, ReqId{}};
  EXPECT_EQ(a.acquires[0].wanted, wanted);
  EXPECT_EQ(a.acquires[0].policy, id);
  EXPECT_EQ(a.acquires[0].flow.destination_port, 80);
  EXPECT_GT(a.acquires[0].sequence, 0U);
}

TEST_F(PolicyTest, AStreamOfNeedsIsOneAcquireUntilItIsAnswered) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  for (int i = 0; i < 5; ++i) a.send({tcp_to_b(80)});
  ASSERT_EQ(a.acquires.size(), 1U);
  EXPECT_EQ(a.statistics().acquires, 1U);
  EXPECT_EQ(a.statistics().acquires_suppressed, 4U);
  a.engine.acquire_answered(a.acquires[0].sequence);
  a.send({tcp_to_b(80)});
  EXPECT_EQ(a.acquires.size(), 2U);
}

TEST_F(PolicyTest, AKeyDaemonThatComesLaterIsAskedAtOnce) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  for (int i = 0; i < 2; ++i) a.send({tcp_to_b(80)});
  ASSERT_EQ(a.acquires.size(), 1U);
  a.engine.key_daemon_came();
  for (int i = 0; i < 2; ++i) a.send({tcp_to_b(80)});
  EXPECT_EQ(a.acquires.size(), 2U);
}

TEST_F(PolicyTest, UseWithoutAnSaPassesInClearAndStillAsks) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp, Level::Use)}));
  a.send({tcp_to_b(80)});
  ASSERT_EQ(a.wire.size(), 1U);
  EXPECT_TRUE(a.in_clear[0]);
  EXPECT_EQ(a.acquires.size(), 1U) << "key_checkrequest() asks before it looks at the level";
}

TEST_F(PolicyTest, UseWithAnSaProtects) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp, Level::Use)}));
  a.install(esp(kA, kB, "aes-cbc", "hmac-sha1"));
  a.send({tcp_to_b(80)});
  ASSERT_EQ(a.wire.size(), 1U);
  EXPECT_FALSE(a.in_clear[0]);
  EXPECT_EQ(a.wire[0][9], net::protocol::kEsp);
}

TEST_F(PolicyTest, APacketIsNeverSentHalfProtected) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp), request(Proto::Ah)}));
  a.install(esp(kA, kB, "aes-cbc", "hmac-sha1"));
  a.send({tcp_to_b(80)});
  EXPECT_TRUE(a.wire.empty());
  EXPECT_EQ(a.drops(DropReason::NoSa), 1U);
  EXPECT_EQ(a.statistics().esp.output, 0U);
}

TEST_F(PolicyTest, AMissingOptionalLayerIsPassedOver) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Ah, Level::Use), request(Proto::Esp)}));
  a.install(esp(kA, kB, "aes-cbc", "hmac-sha1"));
  a.send({tcp_to_b(80)});
  ASSERT_EQ(a.wire.size(), 1U);
  EXPECT_EQ(a.wire[0][9], net::protocol::kEsp);
}

TEST_F(PolicyTest, ASwitchedOffTransformSendsAndReceivesNothing) {
  struct Row {
    Proto protocol;
    std::int32_t engine::Settings::*variable;
    std::function<sad::SaParameters()> sa;
  };
  const std::vector<Row> rows{
      {Proto::Esp, &engine::Settings::esp_enable, [] { return esp(kA, kB, "aes-cbc", "hmac-sha1"); }},
      {Proto::Ah, &engine::Settings::ah_enable, [] { return ah(kA, kB, "hmac-sha1"); }},
      {Proto::Ipcomp, &engine::Settings::ipcomp_enable, [] { return ipcomp(kA, kB); }}};
  for (const Row& row : rows) {
    Station from, to;
    from.host.addresses = {kA};
    to.host.addresses = {kB};
    from.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(row.protocol)}));
    from.install(row.sa());
    to.install(row.sa());
    const ByteVector sent = tcp({kA, 1025}, {kB, 80}, Protection::text(400));
    from.send({sent});
    to.receive(from.wire);
    EXPECT_EQ(to.delivered, std::vector<ByteVector>{sent});
    to.settings.*row.variable = 0;
    from.clear();
    from.send({sent});
    to.receive(from.wire);
    EXPECT_EQ(to.delivered.size(), 1U);
    EXPECT_EQ(to.drops(DropReason::TransformDisabled), 1U);
    from.settings.*row.variable = 0;
    from.clear();
    from.send({sent});
    EXPECT_TRUE(from.wire.empty());
    EXPECT_EQ(from.drops(DropReason::TransformDisabled), 1U);
  }
}

TEST_F(PolicyTest, UniqueTakesOnlyTheSaOfItsNumber) {
  spd::Request unique = request(Proto::Esp, Level::Unique);
  unique.reqid = ReqId{5};
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {unique}));
  sad::SaParameters other = esp(kA, kB, "aes-cbc", "hmac-sha1");
  other.group.reqid = ReqId{6};
  a.install(std::move(other));
  a.send({tcp_to_b(80)});
  EXPECT_TRUE(a.wire.empty());
  sad::SaParameters right = esp(kA, kB, "aes-cbc", "hmac-sha1");
  right.group.reqid = ReqId{5};
  right.spi = Spi{0x2000};
  a.install(std::move(right));
  a.send({tcp_to_b(80)});
  EXPECT_EQ(a.wire.size(), 1U);
  EXPECT_EQ(a.acquires.at(0).wanted.reqid, ReqId{5});
}

TEST_F(PolicyTest, ATransportRequestWhoseSaEndsElsewhereEncapsulates) {
  spd::Request to_c = request(Proto::Esp);
  to_c.source = net::Endpoint{kA, 0};
  to_c.destination = net::Endpoint{kC, 0};
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {to_c}));
  a.install(esp(kA, kC, "aes-cbc", "hmac-sha1"));
  a.send({tcp_to_b(80)});
  ASSERT_EQ(a.wire.size(), 1U);
  const auto outer = wire::packet::parse_ip(a.wire[0]);
  ASSERT_TRUE(outer);
  EXPECT_EQ(outer->destination, kC);

  Station c;
  c.host.addresses = {kC};
  c.install(esp(kA, kC, "aes-cbc", "hmac-sha1"));  // mode any
  c.receive(a.wire);
  ASSERT_EQ(c.delivered.size(), 1U);
  EXPECT_EQ(c.delivered[0], tcp_to_b(80));
}

TEST_F(PolicyTest, APacketInClearDoesNotPassARequire) {
  b.install(policy(Direction::In, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  a.send({tcp_to_b(80)});
  EXPECT_EQ(cross(), 0U);
  EXPECT_EQ(b.drops(DropReason::InboundPolicyClear), 1U);
}

TEST_F(PolicyTest, InboundDiscardDropsEvenWhatIsProtected) {
  b.install(policy(Direction::In, "20.0.0.1", "20.0.0.2", Action::Discard));
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  install_both([] { return esp(kA, kB, "aes-cbc", "hmac-sha1"); });
  a.send({tcp_to_b(80)});
  EXPECT_EQ(cross(), 0U);
  EXPECT_EQ(b.drops(DropReason::InboundPolicyDiscard), 1U);
}

TEST_F(PolicyTest, AhIsNotEspAndAnotherPeersSaIsNotTheRightOne) {
  b.install(policy(Direction::In, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Ah)}));
  install_both([] { return ah(kA, kB, "hmac-sha1"); });
  a.send({tcp_to_b(80)});
  EXPECT_EQ(cross(), 0U);
  EXPECT_EQ(b.drops(DropReason::InboundPolicyMismatch), 1U);

  // C has a good SA with B, and writes A's address into the packets that it sends by it.
  Station c;
  c.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {[] {
                     spd::Request r = request(Proto::Esp);
                     r.source = net::Endpoint{kC, 0};
                     r.destination = net::Endpoint{kB, 0};
                     return r;
                   }()}));
  c.install(esp(kC, kB, "aes-cbc", "hmac-sha1"));
  b.install(esp(kC, kB, "aes-cbc", "hmac-sha1"));
  c.send({tcp_to_b(80)});
  ASSERT_EQ(c.wire.size(), 1U);
  b.receive(c.wire);
  EXPECT_TRUE(b.delivered.empty());
  EXPECT_EQ(b.drops(DropReason::InboundPolicyMismatch), 2U);
}

TEST_F(PolicyTest, ATunnelOfAnotherGatewayDoesNotCarryWhatAPolicyGivesToThisOne) {
  b.install(policy(Direction::In, "10.0.1.0/24", "10.0.2.0/24", {tunnel(Proto::Esp, kA, kB)}));
  const auto from_c = [] {
    sad::SaParameters p = esp(kC, kB, "aes-cbc", "hmac-sha1");
    p.group.mode = sad::Mode::Tunnel;
    return p;
  };
  Station c;
  c.install(policy(Direction::Out, "10.0.1.0/24", "10.0.2.0/24", {tunnel(Proto::Esp, kC, kB)}));
  c.install(from_c());
  b.install(from_c());
  c.send({udp({ip("10.0.1.5"), 1}, {ip("10.0.2.5"), 2}, Protection::text(50))});
  ASSERT_EQ(c.wire.size(), 1U);
  b.receive(c.wire);
  EXPECT_TRUE(b.delivered.empty());
  EXPECT_EQ(b.drops(DropReason::InboundPolicyMismatch), 1U);
}

TEST_F(PolicyTest, ATunnelPacketFromAnotherOuterSourceIsRefused) {
  const auto a_to_b = [] {
    sad::SaParameters p = esp(kA, kB, "null", "");
    p.group.mode = sad::Mode::Tunnel;
    return p;
  };
  a.install(policy(Direction::Out, "10.0.1.0/24", "10.0.2.0/24", {tunnel(Proto::Esp, kA, kB)}));
  install_both(a_to_b);
  a.send({udp({ip("10.0.1.5"), 1}, {ip("10.0.2.5"), 2}, Protection::text(50))});
  ASSERT_EQ(a.wire.size(), 1U);
  a.wire[0][15] = 9;  // 20.0.0.9
  wire::packet::update_ipv4_checksum(a.wire[0]);
  EXPECT_EQ(cross(), 0U);
  EXPECT_EQ(b.drops(DropReason::WrongModeOrEndpoint), 1U);
}

TEST_F(PolicyTest, ATunnelSaThatCarriesATransportPayloadIsRefused) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  a.install(esp(kA, kB, "aes-cbc", "hmac-sha1"));
  sad::SaParameters tunnel_only = esp(kA, kB, "aes-cbc", "hmac-sha1");
  tunnel_only.group.mode = sad::Mode::Tunnel;
  b.install(std::move(tunnel_only));
  a.send({tcp_to_b(80)});
  EXPECT_EQ(cross(), 0U);
  EXPECT_EQ(b.drops(DropReason::WrongModeOrEndpoint), 1U);
}

TEST_F(PolicyTest, IpInIpInATransportSaIsTheHostsToDecapsulate) {
  const ByteVector inner = udp({ip("10.0.1.5"), 1}, {ip("10.0.2.5"), 2}, Protection::text(20));
  const ByteVector gif = packet(kA, kB, net::protocol::kIpv4, inner);
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  b.install(policy(Direction::In, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  install_both([] {
    sad::SaParameters p = esp(kA, kB, "aes-cbc", "hmac-sha1");
    p.group.mode = sad::Mode::Transport;
    return p;
  });
  a.send({gif});
  EXPECT_EQ(cross(), 1U);
  EXPECT_EQ(b.delivered.at(0), gif);
}

TEST_F(PolicyTest, AnInnerSourceThatIsOursIsASpoof) {
  const auto make = [] {
    sad::SaParameters p = esp(kA, kB, "aes-cbc", "hmac-sha1");
    p.group.mode = sad::Mode::Tunnel;
    return p;
  };
  install_both(make);
  a.install(policy(Direction::Out, "0.0.0.0/0", "10.0.2.0/24", {tunnel(Proto::Esp, kA, kB)}));
  const ByteVector spoofed = udp({kB, 1}, {ip("10.0.2.5"), 2}, Protection::text(20));
  a.send({spoofed});
  EXPECT_EQ(cross(), 0U);
  EXPECT_EQ(b.drops(DropReason::InnerSpoofed), 1U);
  b.settings.ipip_spoofcheck = 0;
  a.send({spoofed});
  EXPECT_EQ(cross(), 1U);
}

TEST_F(PolicyTest, WhatIsProtectedForSomebodyElseIsPassedOnAsItIsWhenItCameThroughATunnel) {
  const net::Address router = ip("20.0.0.9");
  for (const auto p : {std::uint8_t{50}, std::uint8_t{51}, std::uint8_t{108}}) {
    Station sender, gateway;
    gateway.host.addresses = {router};
    const ByteVector nested = packet(kA, kB, p, ByteVector(40, 4));
    sender.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {tunnel(Proto::Esp, kA, router)}));
    sender.install(esp(kA, router, "aes-cbc", "hmac-sha1"));
    gateway.install(esp(kA, router, "aes-cbc", "hmac-sha1"));
    sender.send({nested});
    gateway.receive(sender.wire);
    EXPECT_EQ(gateway.delivered, std::vector<ByteVector>{nested}) << "protocol " << int{p};
  }
}

// The kernel gives us broadcasts, anycasts and whatever a local route is for; handed back they would come again.
TEST_F(PolicyTest, WhatIsProtectedForSomebodyElseIsDroppedWhenTheNetworkSentIt) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  install_both([] { return esp(kA, kB, "aes-cbc", "hmac-sha1"); });
  a.send({tcp_to_b(80)});
  Station host;
  host.install(esp(kA, kB, "aes-cbc", "hmac-sha1"));  // it even has the SA
  host.receive(a.wire);
  EXPECT_EQ(host.drops(DropReason::InboundNoSa), 1U);
  const ByteVector esp_bytes(40, 4), keepalive{0xff};
  for (const auto& [to, from] : {std::pair{ip("20.0.0.255"), kA}, std::pair{ip("fd::"), ip("fd::1")}}) {
    host.clear();
    const std::uint64_t before = host.drops(DropReason::InboundNoSa);
    host.receive({packet(from, to, 50, esp_bytes), packet(from, to, 51, esp_bytes), packet(from, to, 108, esp_bytes),
                  packet(from, to, 50, {}), udp({from, 4500}, {to, 4500}, esp_bytes)});
    EXPECT_EQ(host.drops(DropReason::InboundNoSa), before + 5);
    host.receive({udp({from, 4500}, {to, 4500}, keepalive)});
    EXPECT_TRUE(host.delivered.empty());
  }
  EXPECT_EQ(host.drops(DropReason::NatKeepalive), 2U);
}

TEST_F(PolicyTest, UnknownAndLarvalSasSaySo) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  a.install(esp(kA, kB, "aes-cbc", "hmac-sha1"));
  a.send({tcp_to_b(80)});
  const auto sealed = a.wire;
  EXPECT_EQ(cross(), 0U);
  EXPECT_EQ(b.drops(DropReason::InboundNoSa), 1U);
  const auto& drop = b.statistics().drops[static_cast<std::size_t>(DropReason::InboundNoSa)];
  ASSERT_TRUE(drop.last);
  EXPECT_EQ(drop.last->spi, Spi{0x1000});
  EXPECT_EQ(drop.last->protocol, net::protocol::kEsp);
  EXPECT_EQ(drop.last->flow.source, kA);
  EXPECT_EQ(drop.by_protocol[0], 1U);

  ASSERT_TRUE(b.sad.reserve({sad::SaProtocol::Esp, sad::Mode::Any, kA, kB, {}}, {0x1000, 0x1000}, 1, 1, Time{}));
  b.receive(sealed);
  EXPECT_EQ(b.drops(DropReason::SaNotUsable), 1U);
}

TEST_F(PolicyTest, BatchesKeepTheirOrderWhateverTheirPackets) {
  spd::Policy in_clear = policy(Direction::Out, "20.0.0.1", "20.0.0.2", Action::None);
  in_clear.selector.protocol = net::protocol::kTcp;
  in_clear.selector.destination_port = 110;
  a.install(in_clear);
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  install_both([] { return esp(kA, kB, "aes-cbc", "hmac-sha1"); });
  const std::vector<ByteVector> sent{tcp_to_b(1), tcp_to_b(2), tcp_to_b(110), tcp_to_b(3), tcp_to_b(110), tcp_to_b(4)};
  a.send(sent);
  cross();
  EXPECT_EQ(b.delivered, sent);
}

TEST_F(PolicyTest, MalformedPacketsAreCountedAndGone) {
  a.send({{}, {0x45}, {0x15, 0, 0, 20}, ByteVector(20, 0xff)});
  EXPECT_EQ(a.drops(DropReason::OutboundInvalid), 4U);
  b.receive({{}, {0x45}, {0x15, 0, 0, 20}, ByteVector(20, 0xff)});
  EXPECT_EQ(b.drops(DropReason::InboundMalformed), 4U);
}

TEST_F(PolicyTest, EachStepIsTracedWhileSomebodyWatches) {
  using Kind = engine::TraceStep::Kind;
  const PolicyId out = a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)})).id;
  const PolicyId in = b.install(policy(Direction::In, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)})).id;
  install_both([] { return esp(kA, kB, "aes-cbc", "hmac-sha1"); });
  a.send({tcp_to_b(80)});
  EXPECT_TRUE(a.steps.empty());
  a.clear();
  a.engine.set_tracing(true);
  b.engine.set_tracing(true);
  a.send({tcp_to_b(80)});
  b.receive(a.wire);

  const auto kinds = [](const Station& station) {
    std::vector<Kind> result;
    for (const auto& step : station.steps) result.push_back(step.kind);
    return result;
  };
  EXPECT_EQ(kinds(a), (std::vector{Kind::Policy, Kind::Sealed, Kind::Emitted}));
  EXPECT_EQ(kinds(b), (std::vector{Kind::Opened, Kind::Policy, Kind::Checked, Kind::Delivered}));
  EXPECT_EQ(a.steps.at(0).policy, out);
  EXPECT_EQ(a.steps.at(1).spi, Spi{0x1000});
  EXPECT_EQ(a.steps.at(1).sequence, 2U);
  EXPECT_EQ(b.steps.at(0).sequence, 2U);
  EXPECT_EQ(b.steps.at(2).policy, in);
  EXPECT_EQ(b.steps.at(3).direction, Direction::In);
  EXPECT_EQ(a.steps.at(2).packet, 2U);
}

}  // namespace
}  // namespace testudo
