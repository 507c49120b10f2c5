// Dead peers, the renewal of phase 1, and a key table that is another one suddenly.
#include <gtest/gtest.h>

#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::default_policy;
using test::Pair;
using test::seconds;

Policy probing() {
  Policy policy = default_policy();
  policy.remotes[0].dpd_delay = seconds{10};
  policy.remotes[0].dpd_retry = seconds{2};
  policy.remotes[0].dpd_maxfail = 3;
  return policy;
}

TEST(DeadPeerDetection, SilentPeerIsAskedAndAnswers) {
  Pair p{probing()};
  p.b.policy.remotes[0].dpd_delay = {};
  p.want(p.a);
  const unsigned before = p.datagrams;
  p.pass(seconds{35});
  EXPECT_EQ(p.datagrams - before, 6U) << "three questions, three answers";
  EXPECT_EQ(p.a.count(Fact::PeerDead), 0U);
  EXPECT_EQ(p.a.count(Fact::Dropped), 0U);
  EXPECT_EQ(p.a.in.size(), 1U);
}

TEST(DeadPeerDetection, PeerThatSaysNothingLosesItsSas) {
  Pair p{probing()};
  p.want(p.a);
  p.link = [](unsigned, ByteVector&) { return 0U; };
  p.pass(seconds{15});
  EXPECT_EQ(p.a.count(Fact::PeerDead), 0U) << "ten seconds of silence, then three questions of two seconds each";
  EXPECT_EQ(p.a.in.size(), 1U);
  p.pass(seconds{2});
  EXPECT_EQ(p.a.count(Fact::PeerDead), 1U);
  EXPECT_TRUE(p.a.in.empty());
  EXPECT_TRUE(p.a.out.empty());
  EXPECT_TRUE(p.a.machine().v1().sas().empty());
  EXPECT_TRUE(p.a.machine().v1().children().empty());
}

TEST(DeadPeerDetection, EveryQuestionHasItsOwnNumber) {
  Pair p{probing()};
  p.want(p.a);
  p.link = [](unsigned, ByteVector&) { return 0U; };
  const Liveness& liveness = p.a.machine().v1().sas().begin()->second->liveness;
  p.pass(seconds{11});
  const std::uint32_t first = liveness.sequence;
  EXPECT_EQ(liveness.unanswered, 1U);
  p.pass(seconds{2});
  EXPECT_EQ(liveness.unanswered, 2U);
  EXPECT_EQ(liveness.sequence, first + 1);
}

TEST(DeadPeerDetection, LossOfAllButTheLastQuestionIsNoDeath) {
  Pair p{probing()};
  p.b.policy.remotes[0].dpd_delay = {};
  p.want(p.a);
  const unsigned before = p.datagrams;
  p.link = [=](unsigned number, ByteVector&) { return number <= before + 2 ? 0U : 1U; };
  p.pass(seconds{60});
  EXPECT_EQ(p.a.count(Fact::PeerDead), 0U);
  EXPECT_EQ(p.a.in.size(), 1U);
}

TEST(DeadPeerDetection, PeerThatDoesNotSpeakItIsNotAsked) {
  Pair p{probing()};
  p.b.policy.remotes[0].dpd = false;
  p.b.policy.remotes[0].dpd_delay = {};
  p.want(p.a);
  const unsigned before = p.datagrams;
  p.pass(seconds{60});
  EXPECT_EQ(p.datagrams, before);
}

TEST(Phase1, IsRenewedBeforeItsEndWhileSasDependOnIt) {
  Policy policy = default_policy();
  policy.remotes[0].proposals[0].lifetime = 100;
  Pair p{policy};
  p.want(p.a);
  p.pass(seconds{79});
  EXPECT_EQ(p.a.count(Fact::Phase1Established), 1U);
  p.pass(seconds{2});
  EXPECT_EQ(p.a.count(Fact::Phase1Rekeyed), 1U);
  EXPECT_EQ(p.a.count(Fact::Phase1Established), 2U);
  EXPECT_EQ(p.b.count(Fact::Phase1Established), 2U);
  p.pass(seconds{30});
  EXPECT_EQ(p.a.machine().v1().sas().size(), 1U) << "the old one is over";
  EXPECT_EQ(p.b.machine().v1().sas().size(), 1U);
  EXPECT_EQ(p.a.in.size(), 1U) << "its SAs stay";
  EXPECT_TRUE(p.keyed_alike());
  p.pass(seconds{1000});
  EXPECT_GE(p.a.count(Fact::Phase1Established), 10U);
  EXPECT_LE(p.a.count(Fact::Phase1Established), 15U) << "one after the other, not more";
}

TEST(Phase1, IsNotRenewedWhenTheFileSaysSoOrNothingDependsOnIt) {
  for (const bool off : {true, false}) {
    Policy policy = default_policy();
    policy.remotes[0].proposals[0].lifetime = 100;
    policy.remotes[0].rekey = !off;
    Pair p{policy};
    p.want(p.a);
    if (!off) p.event(p.a, Flushed{});
    p.pass(seconds{150});
    EXPECT_EQ(p.a.count(Fact::Phase1Rekeyed), 0U);
    EXPECT_TRUE(p.a.machine().v1().sas().empty());
  }
}

TEST(KeyTable, RestartOfItEndsSasOnBothSidesAndAsksAgainForSpis) {
  Pair p;
  p.want(p.a);
  p.event(p.a, Restarted{});
  p.settle();
  EXPECT_TRUE(p.b.in.empty()) << "the peer is told";
  EXPECT_TRUE(p.b.out.empty());
  p.want(p.a);
  EXPECT_EQ(p.b.in.size(), 1U);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(KeyTable, RestartedOneIsAskedAgainForSpisThatItHadNotGiven) {
  for (const bool of_initiator : {true, false}) {
    Pair p;
    auto& waiting = of_initiator ? p.a : p.b;
    waiting.answers_for_spis = false;
    p.want(p.a);
    EXPECT_TRUE(p.a.in.empty());
    waiting.answers_for_spis = true;
    p.event(waiting, Restarted{});
    p.settle();
    EXPECT_TRUE(p.keyed_alike());
  }
}

}  // namespace
}  // namespace testudo::ike::v1
