// What an administrator asks of the machine: racoonctl's vpn-connect, vpn-disconnect, delete-sa and flush-sa.
#include <gtest/gtest.h>

#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::Pair;

TEST(Operator, ConnectMakesPhase1WithoutTraffic) {
  Pair p;
  p.event(p.a, Connect{p.a.here, p.a.there});
  p.settle();
  EXPECT_EQ(p.a.count(Fact::Phase1Established), 1U);
  EXPECT_EQ(p.b.count(Fact::Phase1Established), 1U);
  EXPECT_TRUE(p.a.in.empty());
}

TEST(Operator, ConnectTwiceMakesOne) {
  Pair p;
  p.event(p.a, Connect{p.a.here, p.a.there});
  p.event(p.a, Connect{p.a.here, p.a.there});
  p.settle();
  p.event(p.a, Connect{p.a.here, p.a.there});
  p.settle();
  EXPECT_EQ(p.a.machine().v1().sas().size(), 1U);
}

TEST(Operator, ConnectWithoutARemoteBlockIsRefused) {
  Pair p;
  p.a.policy.remotes.clear();
  p.event(p.a, Connect{p.a.here, p.a.there});
  ASSERT_EQ(p.a.refusals.size(), 1U);
  EXPECT_EQ(p.a.refusals[0].why.attribute, "configuration");
  EXPECT_EQ(p.datagrams, 0U);
}

TEST(Operator, ConnectByTheBlockThatIsNamed) {
  for (const std::string name : {"", "anonymous", "office"}) {
    Pair p;
    Remote office = p.a.remote();
    office.name = "office";
    p.a.policy.remotes.push_back(office);
    p.event(p.a, Connect{p.a.here, p.a.there, {}, name});
    p.settle();
    const auto& sas = p.a.machine().v1().sas();
    ASSERT_EQ(sas.size(), 1U) << name;
    EXPECT_EQ(sas.begin()->second->block->name, name.empty() ? "office" : name) << "the last one is the best";
    EXPECT_TRUE(sas.begin()->second->established());
  }
}

TEST(Operator, ConnectByABlockThatIsNotForThePeerIsRefused) {
  for (const char* name : {"elsewhere", "passive", "nowhere"}) {
    Pair p;
    Remote elsewhere = p.a.remote(), passive = elsewhere;
    elsewhere.name = "elsewhere";
    elsewhere.address = test::address("198.51.100.1");
    passive.name = "passive";
    passive.passive = true;
    p.a.policy.remotes.insert(p.a.policy.remotes.end(), {elsewhere, passive});
    p.event(p.a, Connect{p.a.here, p.a.there, {}, name});
    ASSERT_EQ(p.a.refusals.size(), 1U) << name;
    EXPECT_EQ(p.a.refusals[0].why.ours,
              "no configuration found for " + p.a.there.to_string() + " that is called " + name);
    EXPECT_EQ(p.datagrams, 0U);
  }
}

TEST(Operator, DisconnectTakesBothEndsSasAway) {
  Pair p;
  p.want(p.a);
  ASSERT_TRUE(p.keyed_alike());
  p.event(p.a, Disconnect{{}, p.a.there, true, true, {}});
  p.settle();
  for (test::Side* side : {&p.a, &p.b}) {
    EXPECT_TRUE(side->in.empty());
    EXPECT_TRUE(side->out.empty());
    EXPECT_TRUE(side->machine().v1().sas().empty());
  }
}

TEST(Operator, DisconnectFromAnotherPeerTouchesNothing) {
  Pair p;
  p.want(p.a);
  p.event(p.a, Disconnect{{}, test::address("198.51.100.1"), true, true, {}});
  p.settle();
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.a.machine().v1().sas().size(), 1U);
}

TEST(Operator, ChildrenEndByTheirNetworksInEitherDirection) {
  Pair p;
  p.want(p.a);
  const net::Selector other{*net::Prefix::parse("10.0.0.0/8"), net::Prefix::host(p.a.there)};
  p.event(p.a, Disconnect{{}, {}, false, true, other});
  EXPECT_TRUE(p.keyed_alike());
  const net::Selector backwards{net::Prefix::host(p.a.there), net::Prefix::host(p.a.here)};
  p.event(p.a, Disconnect{{}, {}, false, true, backwards});
  p.settle();
  EXPECT_TRUE(p.a.in.empty());
  EXPECT_TRUE(p.b.in.empty()) << "the peer is told";
  EXPECT_EQ(p.a.machine().v1().sas().size(), 1U) << "phase 1 stays";
}

using Event = Hook::Event;

std::vector<Event> events_of(const test::Side& side) {
  std::vector<Event> all;
  for (const Hook& hook : side.hooks) all.push_back(hook.event);
  return all;
}

Policy with_scripts() {
  Policy policy = test::default_policy();
  policy.remotes[0].scripts = {"up", "down", "dead"};
  return policy;
}

TEST(Hooks, RunWhenPhase1ComesAndGoes) {
  Pair p{with_scripts()};
  p.want(p.a);
  ASSERT_EQ(events_of(p.a), std::vector{Event::Phase1Up});
  EXPECT_EQ(p.a.hooks[0].script, "up");
  EXPECT_EQ(p.a.hooks[0].peer, "192.0.2.2");
  EXPECT_EQ(p.a.hooks[0].remote, (net::Endpoint{p.b.here, 500}));
  p.event(p.a, Disconnect{{}, p.a.there, true, true, {}});
  p.settle();
  for (const test::Side* side : {&p.a, &p.b}) {
    EXPECT_EQ(events_of(*side), (std::vector{Event::Phase1Up, Event::Phase1Down}));
  }
}

TEST(Hooks, DeadPeerIsAnEventOfItsOwn) {
  Policy policy = with_scripts();
  policy.remotes[0].dpd_delay = test::seconds{10};
  Pair p{policy};
  p.want(p.a);
  p.link = [](unsigned, ByteVector&) { return 0U; };
  p.pass(test::seconds{60});
  EXPECT_EQ(events_of(p.a), (std::vector{Event::Phase1Up, Event::Phase1Dead, Event::Phase1Down}));
}

TEST(Hooks, PeerThatNeverAnswersIsDeadToWhoBegan) {
  Pair p{with_scripts()};
  p.link = [](unsigned number, ByteVector&) { return number == 1 ? 1U : 0U; };
  p.want(p.a);
  p.pass(test::seconds{120});
  EXPECT_EQ(events_of(p.a), std::vector{Event::Phase1Dead});
  EXPECT_EQ(p.a.hooks[0].peer, "") << "it has proved nothing";
  EXPECT_TRUE(p.b.hooks.empty()) << "strangers make no program run";
}

TEST(Operator, WhatPhase2TellsNamesItsNetworks) {
  Pair p;
  p.want(p.a);
  const auto told = std::ranges::find(p.a.told, Fact::Phase2Established, &Told::fact);
  ASSERT_NE(told, p.a.told.end());
  EXPECT_EQ(told->networks, p.request().outbound);
}

}  // namespace
}  // namespace testudo::ike::v1
