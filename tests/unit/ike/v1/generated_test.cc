// generate_policy: policies that a responder makes for peers that have none here, what a peer may not have, and when
// they go.
#include "ike/v1/generated.h"

#include <gtest/gtest.h>

#include "ike/selector_id.h"
#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::Pair;
using test::seconds;
using test::Side;

net::Selector networks(const char* source, const char* destination) {
  return {*net::Prefix::parse(source), *net::Prefix::parse(destination)};
}

/// `a` is a road warrior with a name, `b` a gateway whose administrator has one policy for something else.
struct RoadWarrior : Pair {
  explicit RoadWarrior(GeneratePolicy level = GeneratePolicy::Require) {
    for (Side* side : {&a, &b}) side->policy.remotes[0].exchange_modes = {v1wire::Exchange::Aggressive};
    b.policy.remotes[0].generate_policy = level;
    b.policies.only = networks("10.9.0.0/16", "10.99.0.0/16");
    a.policies.items = {{ChildProtocol::Esp, Encapsulation::Tunnel, ReqId{}}};
    for (const char* name : {"one", "two"}) b.keys.of[name] = "the same for both";
    is("one");
  }
  /// A machine of its own; whoever it was before is gone without a word.
  void is(const std::string& name) {
    a.policy.remotes[0].my_identifier = Identity{v1wire::IdType::KeyId, {name.begin(), name.end()}};
    a.policy.remotes[0].initial_contact = false;
    a.policy.remotes[0].nat_traversal = b.policy.remotes[0].nat_traversal = NatTraversal::On;
    a.made.reset();
    a.in.clear();
    a.out.clear();
  }
  /// Of `a`'s networks to those behind `b`.
  void asks(const net::Selector& outbound) {
    event(a, Wanted{{7, a.here, a.there, outbound, a.policies.items}});
    settle();
  }
  void is_refused(const std::string& words) {
    ASSERT_FALSE(b.refusals.empty()) << words;
    EXPECT_NE(sentence(b.refusals.back()).find(words), std::string::npos) << sentence(b.refusals.back());
    ASSERT_FALSE(a.refusals.empty()) << "the other side is told";
    EXPECT_EQ(a.refusals.back().why.attribute, "networks");
  }
};
const net::Selector kAsked = networks("10.1.0.5/32", "10.2.0.0/16");

TEST(GeneratedPolicies, AreMadeOfWhatThePeerAsksFor) {
  RoadWarrior p;
  p.asks(kAsked);
  EXPECT_TRUE(p.keyed_alike());
  ASSERT_EQ(p.b.made_policies.size(), 1U);
  const MakePolicy& made = p.b.made_policies[0];
  EXPECT_EQ(made.request.outbound, mirrored(kAsked));
  EXPECT_EQ(made.request.local, p.b.here);
  EXPECT_EQ(made.request.remote, p.a.here);
  EXPECT_EQ(made.request.items[0].mode, Encapsulation::Tunnel);
  EXPECT_FALSE(made.unique);
  EXPECT_GT(made.seconds, 28800U) << "longer than its SAs";
  ASSERT_EQ(p.b.out.size(), 1U);
  EXPECT_EQ(p.b.out.begin()->second.item.reqid, ReqId{0x4002});
  EXPECT_EQ(p.b.in.begin()->second.item.reqid, ReqId{0x4003}) << "that of the other direction";
}

TEST(GeneratedPolicies, AreNotMadeWhereTheyAreOffOrForWhomWeBegan) {
  RoadWarrior off{GeneratePolicy::Off};
  off.asks(kAsked);
  off.is_refused("networks does not match");
  EXPECT_TRUE(off.b.made_policies.empty());
  RoadWarrior p;  // `b` began phase 1, so it has a policy for its peer; other networks are not made up
  p.b.policies.only = mirrored(kAsked);
  p.b.keys.of["one"] = "the same for both";
  p.b.policies.items = p.a.policies.items;
  p.event(p.b, Wanted{{7, p.b.here, p.a.here, mirrored(kAsked), p.a.policies.items}});
  p.settle();
  ASSERT_TRUE(p.keyed_alike());
  p.asks(networks("10.1.0.6/32", "10.3.0.0/16"));
  EXPECT_TRUE(p.b.made_policies.empty());
  EXPECT_EQ(p.b.out.size(), 1U);
}

TEST(GeneratedPolicies, GoWithTheLastSaOfThePeer) {
  RoadWarrior p;
  p.asks(kAsked);
  const Spi first = p.b.in.begin()->second.spi;
  p.asks(kAsked);
  EXPECT_EQ(p.b.made_policies.size(), 2U) << "its time begins again";
  EXPECT_EQ(p.b.in.size(), 2U);
  p.event(p.b, Expired{ChildProtocol::Esp, first, p.b.here, true});
  p.settle();
  EXPECT_EQ(p.b.policies.generated.size(), 1U) << "the second pair is in use";
  p.event(p.a, Shutdown{});
  p.settle();
  EXPECT_TRUE(p.b.in.empty());
  EXPECT_TRUE(p.b.policies.generated.empty());
  EXPECT_EQ(p.b.count(Fact::PolicyDropped), 1U);
}

TEST(GeneratedPolicies, GoWhenThePeerIsDeadWhenTheTableIsNewAndWhenTheDaemonEnds) {
  for (const int how : {0, 1, 2}) {
    RoadWarrior p;
    p.b.policy.remotes[0].dpd_delay = seconds{10};
    p.asks(kAsked);
    ASSERT_EQ(p.b.policies.generated.size(), 1U);
    p.link = [](unsigned, ByteVector&) { return 0U; };
    if (how == 0) p.pass(seconds{120});
    if (how == 1) p.event(p.b, Restarted{});
    if (how == 2) p.event(p.b, Shutdown{});
    EXPECT_TRUE(p.b.policies.generated.empty()) << how;
  }
}

TEST(GeneratedPolicies, StayBehindTheAdministrators) {
  RoadWarrior p;
  for (const char* inside : {"10.99.0.5/32", "10.0.0.0/8"}) {
    p.asks(networks(inside, "10.9.1.0/24"));
    p.is_refused("networks overlap those of a policy; ours: 10.9.0.0/16 to 10.99.0.0/16");
    EXPECT_EQ(p.a.refusals.back().why.theirs.find("10.99.0.0"), std::string::npos) << "the peer does not learn them";
  }
  EXPECT_TRUE(p.b.made_policies.empty());
}

TEST(GeneratedPolicies, PolicyThatTheAdministratorAddsLaterEndsThem) {
  RoadWarrior p;
  p.asks(kAsked);
  p.event(p.b, PolicyAdded{networks("10.77.0.0/16", "10.1.0.0/16")});
  EXPECT_EQ(p.b.policies.generated.size(), 1U) << "no packet is in both";
  p.event(p.b, PolicyAdded{networks("10.2.3.0/24", "10.1.0.0/16")});
  p.settle();
  EXPECT_TRUE(p.b.policies.generated.empty());
  EXPECT_TRUE(p.b.in.empty());
  EXPECT_TRUE(p.a.in.empty()) << "the peer was told";
}

TEST(GeneratedPolicies, SasEndWithTheTimeOfTheirPolicy) {
  RoadWarrior p;
  p.asks(kAsked);
  p.event(p.b, PolicyGone{mirrored(networks("10.1.0.6/32", "10.2.0.0/16"))});
  EXPECT_EQ(p.b.in.size(), 1U);
  p.event(p.b, PolicyGone{mirrored(kAsked)});
  p.settle();
  EXPECT_TRUE(p.b.in.empty());
  EXPECT_TRUE(p.a.in.empty()) << "the peer was told";
}

TEST(GeneratedPolicies, NobodyGetsAllAddressesOrThisHosts) {
  for (const char* inside : {"0.0.0.0/0", "192.0.2.0/24", "192.0.2.2/32", "128.0.0.0/1"}) {
    RoadWarrior p;
    p.asks(networks(inside, "10.2.0.0/16"));
    p.is_refused("a peer cannot have all addresses, or this host's");
  }
  RoadWarrior all;  // what it sends may go anywhere
  all.asks(networks("10.1.0.5/32", "0.0.0.0/0"));
  EXPECT_TRUE(all.keyed_alike());
}

TEST(GeneratedPolicies, NobodyGetsThePoolOfModeConfig) {
  RoadWarrior p;
  p.b.policy.mode_config.network4 = test::address("10.77.0.1");
  p.b.policy.mode_config.pool_size = 10;
  for (const char* inside : {"10.0.0.0/8", "10.76.0.0/15"}) {
    p.asks(networks(inside, "10.2.0.0/16"));
    p.is_refused("networks hold addresses that are lent to others");
  }
  EXPECT_TRUE(p.b.made_policies.empty());
  p.asks(networks("10.78.0.0/16", "10.2.0.0/16"));
  EXPECT_EQ(p.b.made_policies.size(), 1U) << "beside the pool";
}

TEST(GeneratedPolicies, NobodyGetsTheNetworksOfAnotherPeer) {
  RoadWarrior p;
  p.asks(kAsked);
  p.is("two");
  for (const char* inside : {"10.1.0.5/32", "10.1.0.0/24"}) {
    p.asks(networks(inside, "10.2.0.0/16"));
    p.is_refused("networks are in use; ours: 10.2.0.0/16 to 10.1.0.5 of one");
    EXPECT_EQ(p.a.refusals.back().why.theirs.find("one"), std::string::npos) << "of the other it learns nothing";
  }
  EXPECT_EQ(p.b.made_policies.size(), 1U);
  p.asks(networks("10.1.0.6/32", "10.2.0.0/16"));
  EXPECT_EQ(p.b.policies.generated.size(), 2U);
}

TEST(GeneratedPolicies, ANameThatNothingProvesIsNotEnough) {
  RoadWarrior p;  // main mode: the name is the address inside, which others behind other NATs have too
  for (Side* side : {&p.a, &p.b}) side->policy.remotes[0].exchange_modes = {v1wire::Exchange::Main};
  p.is("");
  p.a.policy.remotes[0].my_identifier.reset();
  p.nat = test::address("198.51.100.8");
  p.b.keys.of["198.51.100.8"] = p.b.keys.of["198.51.100.9"] = "the same for both";
  p.b.policy.remotes[0].peers_identifiers = {Identity::of(p.a.here)};
  p.asks(kAsked);
  ASSERT_EQ(p.b.policies.generated.size(), 1U);
  p.a.made.reset();
  p.nat = test::address("198.51.100.9");
  p.asks(kAsked);
  p.is_refused("networks are in use; ours: 10.2.0.0/16 to 10.1.0.5 of 192.0.2.1 at 198.51.100.8");
  EXPECT_EQ(p.b.policies.generated[0].remote, test::address("198.51.100.8"));
}

TEST(GeneratedPolicies, PeersBehindOneNatHaveSasOfTheirOwn) {
  RoadWarrior p;
  p.nat = test::address("198.51.100.9");
  p.asks(kAsked);
  ASSERT_EQ(p.b.made_policies.size(), 1U);
  EXPECT_TRUE(p.b.made_policies[0].unique) << "though the level is require: they have one address";
  EXPECT_EQ(p.b.made_policies[0].request.remote, *p.nat);
  RoadWarrior q{GeneratePolicy::Unique};
  q.asks(kAsked);
  EXPECT_TRUE(q.b.made_policies.at(0).unique);
}

TEST(GeneratedPolicies, FollowAPeerThatIsElsewhereNow) {
  RoadWarrior p;
  p.asks(kAsked);
  p.is("one");
  p.nat = test::address("198.51.100.9");
  p.asks(kAsked);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.b.in.size(), 1U) << "those with the address of before are gone";
  ASSERT_EQ(p.b.policies.generated.size(), 1U);
  EXPECT_EQ(p.b.policies.generated[0].remote, *p.nat);
  EXPECT_EQ(p.b.count(Fact::PolicyDropped), 0U) << "at no time there is none";
}

TEST(GeneratedPolicies, TransportModeIsForTheTwoHostsAlone) {
  RoadWarrior p;
  p.a.policies.items = {ChildItem{}};
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.b.made_policies.at(0).request.items[0].mode, Encapsulation::Transport);
  RoadWarrior q;
  q.a.policies.items = {ChildItem{}};
  q.asks(kAsked);
  q.is_refused("transport mode is for the two hosts alone");
}

TEST(GeneratedPolicies, BundlesAndTooManyAreRefused) {
  RoadWarrior bundle;
  bundle.a.policies.items = {{ChildProtocol::Esp, Encapsulation::Tunnel, ReqId{}},
                             {ChildProtocol::Ah, Encapsulation::Tunnel, ReqId{}}};
  bundle.asks(kAsked);
  bundle.is_refused("for a bundle there must be policies here");
  RoadWarrior p;
  p.b.policy.limits.generated_per_peer = 2;
  for (const char* inside : {"10.1.0.1/32", "10.1.0.2/32", "10.1.0.3/32"}) p.asks(networks(inside, "10.2.0.0/16"));
  p.is_refused("networks are too many; ours: 2 policies at most");
  EXPECT_EQ(p.b.policies.generated.size(), 2U);
  p.asks(networks("10.1.0.2/32", "10.2.0.0/16"));
  EXPECT_EQ(p.b.made_policies.size(), 3U) << "one that is there is renewed all the same";
}

TEST(GeneratedPolicies, OneThatNobodyNeedsAnyMoreIsDropped) {
  RoadWarrior p;
  p.asks(kAsked);
  Actions actions =
      p.b.machine().on(PolicyMade{ChildId{77}, networks("10.2.0.0/16", "10.1.0.9/32")}, p.now, p.b.random);
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<DropPolicy>(actions[0]));
  EXPECT_TRUE(p.b.machine().on(PolicyMade{ChildId{77}, mirrored(kAsked)}, p.now, p.b.random).empty()) << "it has SAs";
}

TEST(GeneratedPolicies, WhenTheKeyTableTakesNoneBothSidesAreTold) {
  RoadWarrior p;
  p.b.makes_policies = false;
  p.asks(kAsked);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_NE(sentence(p.b.refusals[0]).find("the key table refuses the generated policy; File exists"),
            std::string::npos)
      << sentence(p.b.refusals[0]);
  EXPECT_FALSE(p.a.refusals.empty());
  EXPECT_TRUE(p.b.in.empty());
}

}  // namespace
}  // namespace testudo::ike::v1
