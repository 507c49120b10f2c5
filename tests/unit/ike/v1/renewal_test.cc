// Two pairs of SAs for the same packets, because both hosts began at once: which is renewed, when, and by whom.
#include <gtest/gtest.h>

#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::Pair;
using test::seconds;
using test::Side;

constexpr seconds kSoft{800}, kLastChance{900};

/// Two pairs, made at the same time by either side.
struct Collision : Pair {
  Collision() {
    for (Side* side : {&a, &b}) {
      side->policy.remotes[0].proposals[0].lifetime = 86400;
      side->policy.sainfos[0].lifetime = 1000;
    }
    want(a);
    event(a, Flushed{});
    settle();
    begin(a);
    begin(b);
    settle();
  }
  void begin(Side& side) {
    ChildRequest wanted{7, side.here, side.there, {}, side.policies.items};
    wanted.outbound = {net::Prefix::host(side.here), net::Prefix::host(side.there)};
    event(side, Wanted{wanted});
  }
  Side& side(bool first) { return first ? a : b; }
  /// The n-th SA that comes in to this side is near its end.
  void expire(bool first, int n) {
    Side& at = side(first);
    event(at, Expired{ChildProtocol::Esp, Spi{std::next(at.in.begin(), n)->first.second}, at.here, false});
    settle();
  }
};

TEST(Renewal, OfTwoPairsOneIsRenewed) {
  Collision p;
  ASSERT_EQ(p.a.in.size(), 2U);
  ASSERT_EQ(p.b.in.size(), 2U);
  p.pass(kSoft);
  for (const bool first : {true, false}) {
    const auto all = p.side(first).in.size();
    for (std::size_t n = 0; n < std::min<std::size_t>(all, 2); ++n) p.expire(first, static_cast<int>(n));
  }
  EXPECT_EQ(p.a.in.size(), 3U);
  EXPECT_TRUE(p.keyed_alike());
  p.pass(kLastChance - kSoft);
  EXPECT_EQ(p.a.in.size(), 3U) << "and what is new outlives the other";
}

TEST(Renewal, WhatIsLeftToTheOtherSideInVainIsRenewedAtItsLastChance) {
  unsigned at_once = 0, at_last = 0, never = 0;
  for (const bool first : {true, false}) {
    for (const int n : {0, 1}) {
      Collision p;
      p.pass(kSoft);
      p.expire(first, n);
      const auto then = p.a.in.size();
      p.pass(kLastChance - kSoft - seconds{1});
      EXPECT_EQ(p.a.in.size(), then);
      p.pass(seconds{2});
      const auto last = p.a.in.size();
      p.pass(seconds{10});
      EXPECT_EQ(p.a.in.size(), last) << "once";
      ++(then == 3 ? at_once : last == 3 ? at_last : never);
    }
  }
  EXPECT_EQ(at_once, 1U) << "the greater, by whoever began it";
  EXPECT_EQ(at_last, 1U) << "the other";
  EXPECT_EQ(never, 2U) << "none by who only answered";
}

TEST(Renewal, OfAPairThatAYoungerOneOutlivesIsNotWorthIt) {
  Collision p;
  p.pass(kSoft / 2);
  p.a.next_spi = 0x1000;  // below those of the two
  p.begin(p.a);
  p.settle();
  ASSERT_EQ(p.a.in.size(), 3U);
  p.pass(kSoft / 2);
  for (const int n : {1, 2}) p.expire(true, n);
  for (const int n : {0, 1}) p.expire(false, n);
  p.pass(kLastChance - kSoft + seconds{10});
  EXPECT_EQ(p.a.in.size(), 3U);
}

TEST(Renewal, OfAPairThatIsAloneIsTheInitiators) {
  Pair p;
  p.want(p.a);
  ASSERT_EQ(p.a.in.size(), 1U);
  const Spi ours{p.a.in.begin()->first.second}, theirs{p.b.in.begin()->first.second};
  p.event(p.b, Expired{ChildProtocol::Esp, theirs, p.b.here, false});
  p.settle();
  EXPECT_EQ(p.a.in.size(), 1U);
  p.event(p.a, Expired{ChildProtocol::Esp, ours, p.a.here, false});
  p.settle();
  EXPECT_EQ(p.a.in.size(), 2U);
  p.event(p.a, Expired{ChildProtocol::Esp, theirs, p.b.here, false});
  p.settle();
  EXPECT_EQ(p.a.in.size(), 2U) << "its other direction, a moment later";
}

/// `a` has renewed its pair, and sends by the old one for a second more.
struct Renewed : Pair {
  static Policy careful() {
    Policy policy = test::default_policy();
    policy.limits.before_use = seconds{1};
    return policy;
  }
  Renewed() : Pair(careful()) {
    want(a);
    old_in = Spi{a.in.begin()->first.second};
    old_out = Spi{a.out.begin()->first.second};
    event(a, Expired{ChildProtocol::Esp, old_in, a.here, false});
    settle();
  }
  /// Somebody takes this pair out of a's key table.
  void remove(Spi in) {
    event(a, Removed{ChildProtocol::Esp, in, b.here, a.here});
    settle();
  }
  Spi old_in, old_out;
};

TEST(Renewal, IsUsedAMomentAfterThePeerWasTold) {
  Renewed p;
  EXPECT_EQ(p.a.in.size(), 2U);
  EXPECT_EQ(p.b.out.size(), 2U) << "message 3 has told the peer that it may";
  ASSERT_EQ(p.a.out.size(), 1U) << "the old one";
  EXPECT_EQ(Spi{p.a.out.begin()->first.second}, p.old_out);
  p.pass(seconds{2});
  EXPECT_EQ(p.a.out.size(), 2U);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Renewal, IsUsedAtOnceWhenTheOldPairGoes) {
  Renewed p;
  p.remove(p.old_in);
  ASSERT_EQ(p.a.out.size(), 1U);
  EXPECT_NE(Spi{p.a.out.begin()->first.second}, p.old_out);
  p.pass(seconds{60});
  EXPECT_EQ(p.a.out.size(), 1U);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Renewal, ThatGoesBeforeItIsUsedNeverIs) {
  Renewed p;
  const Spi first{p.a.in.begin()->first.second}, second{std::next(p.a.in.begin())->first.second};
  p.remove(first == p.old_in ? second : first);
  p.pass(seconds{60});
  ASSERT_EQ(p.a.out.size(), 1U);
  EXPECT_EQ(Spi{p.a.out.begin()->first.second}, p.old_out);
  Renewed all;
  all.event(all.a, Flushed{});
  all.settle();
  all.pass(seconds{60});
  EXPECT_TRUE(all.a.out.empty());
}

TEST(Renewal, OutlivesThePhase1ThatMadeIt) {
  Renewed p;
  Disconnect phase1;
  phase1.phase2 = false;
  p.event(p.a, phase1);
  p.settle();
  EXPECT_TRUE(p.a.machine().v1().sas().empty());
  EXPECT_EQ(p.a.out.size(), 2U);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Renewal, ThatTrafficWaitsForIsUsedAtOnce) {
  Renewed p;
  p.event(p.a, Wanted{p.request(9)});
  p.settle();
  EXPECT_EQ(p.a.in.size(), 3U);
  EXPECT_EQ(p.a.out.size(), 2U);
}

}  // namespace
}  // namespace testudo::ike::v1
