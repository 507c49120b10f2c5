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

}  // namespace
}  // namespace testudo::ike::v1
