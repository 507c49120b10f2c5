// The cache of answers: it must say what the database says, whatever changed in between, and a change that cannot
// matter to a flow must not cost it its line.
#include "spd/flow_cache.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/random.h"
#include "unit/spd/spd_fixture.h"

namespace testudo::spd {
namespace {

class FlowCacheTest : public testing::Test {
 protected:
  const Policy* add(const char* source, const char* destination) {
    return *spd.add(policy(selector(source, destination)));
  }
  void remove(const char* source, const char* destination) {
    ASSERT_TRUE(spd.remove(Direction::Out, selector(source, destination)).has_value());
  }
  const Policy* ask() { return cache.lookup(web); }

  Database spd;
  FlowCache cache{spd, Direction::Out, 64};
  const net::Flow web = flow("10.0.0.1", "20.0.0.1", net::protocol::kTcp, 1025, 80);
};

TEST_F(FlowCacheTest, AsksTheDatabaseOncePerFlow) {
  const Policy* all = add("10.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), all);
  EXPECT_EQ(ask(), all);
  EXPECT_EQ(cache.counts().misses, 1U);
  EXPECT_EQ(cache.counts().hits, 1U);
  EXPECT_EQ(cache.counts().revalidated, 0U);
}

TEST_F(FlowCacheTest, RemembersThatNoPolicyMatches) {
  EXPECT_EQ(ask(), nullptr);
  EXPECT_EQ(ask(), nullptr);
  EXPECT_EQ(cache.counts().misses, 1U);
}

TEST_F(FlowCacheTest, APolicyForOthersLeavesTheAnswer) {
  EXPECT_EQ(ask(), nullptr);
  add("11.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), nullptr);
  EXPECT_EQ(cache.counts().misses, 1U);
  EXPECT_EQ(cache.counts().revalidated, 1U);
}

TEST_F(FlowCacheTest, APolicyForAFlowWithoutOneIsFound) {
  EXPECT_EQ(ask(), nullptr);
  const Policy* added = add("10.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), added);
}

TEST_F(FlowCacheTest, APolicyBehindTheOneThatDecidedLeavesTheAnswer) {
  const Policy* first = add("10.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), first);
  add("10.0.0.0/16", "20.0.0.0/8");
  EXPECT_EQ(ask(), first);
  EXPECT_EQ(cache.counts().misses, 1U);
}

TEST_F(FlowCacheTest, ARemovedPolicyNoLongerDecides) {
  add("10.0.0.0/8", "20.0.0.0/8");
  const Policy* second = add("10.0.0.0/16", "20.0.0.0/8");
  ask();
  remove("10.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), second);
}

TEST_F(FlowCacheTest, AnotherRemovedPolicyLeavesTheAnswer) {
  add("11.0.0.0/8", "20.0.0.0/8");
  const Policy* mine = add("10.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), mine);
  remove("11.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), mine);
  EXPECT_EQ(cache.counts().misses, 1U);
}

TEST_F(FlowCacheTest, APolicyMadeAtTheAddressOfARemovedOneIsAskedFor) {
  const Policy* before = add("10.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), before);
  remove("10.0.0.0/8", "20.0.0.0/8");
  add("12.0.0.0/8", "20.0.0.0/8");  // the allocator likes to give the same place again
  EXPECT_EQ(ask(), nullptr);
}

TEST_F(FlowCacheTest, AnUpdatedPolicyIsTheSameOne) {
  const Policy* before = add("10.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), before);
  ASSERT_TRUE(spd.update(policy(selector("10.0.0.0/8", "20.0.0.0/8"), Action::Discard)).has_value());
  ASSERT_EQ(ask(), before);
  EXPECT_EQ(ask()->action, Action::Discard);
  EXPECT_EQ(cache.counts().misses, 1U);
}

TEST_F(FlowCacheTest, TheOtherDirectionIsAnotherList) {
  const Policy* mine = add("10.0.0.0/8", "20.0.0.0/8");
  ASSERT_TRUE(spd.add(policy(selector("10.0.0.1", "20.0.0.1"), Action::Discard, Direction::In)).has_value());
  FlowCache inbound{spd, Direction::In, 64};
  EXPECT_EQ(ask(), mine);
  EXPECT_NE(inbound.lookup(web), mine);
  EXPECT_EQ(inbound.lookup(web), spd.lookup(Direction::In, web));
}

TEST_F(FlowCacheTest, MoreChangesThanTheJournalHoldsCostALookUp) {
  const Policy* mine = add("10.0.0.0/8", "20.0.0.0/8");
  EXPECT_EQ(ask(), mine);
  for (std::uint64_t i = 0; i < Journal::kRemembered / 2; ++i) {
    add("11.0.0.0/8", "20.0.0.0/8");
    remove("11.0.0.0/8", "20.0.0.0/8");
  }
  EXPECT_EQ(ask(), mine);
  EXPECT_EQ(cache.counts().misses, 1U) << "as many as it holds";
  add("11.0.0.0/8", "20.0.0.0/8");
  for (std::uint64_t i = 0; i < Journal::kRemembered; ++i) {
    add(("12." + std::to_string(i) + ".0.0/16").c_str(), "20.0.0.0/8");
  }
  EXPECT_EQ(ask(), mine);
  EXPECT_EQ(cache.counts().misses, 2U) << "one more";
}

TEST_F(FlowCacheTest, FlowsThatDifferInOneFieldAreDifferentFlows) {
  const std::vector<net::Flow> flows{
      web,
      flow("10.0.0.2", "20.0.0.1", net::protocol::kTcp, 1025, 80),
      flow("10.0.0.1", "20.0.0.2", net::protocol::kTcp, 1025, 80),
      flow("10.0.0.1", "20.0.0.1", net::protocol::kUdp, 1025, 80),
      flow("10.0.0.1", "20.0.0.1", net::protocol::kTcp, 1026, 80),
      flow("10.0.0.1", "20.0.0.1", net::protocol::kTcp, 1025, 81),
      flow("fe80::1%1", "fe80::2%1", net::protocol::kTcp, 1025, 80),
      flow("fe80::1%2", "fe80::2%2", net::protocol::kTcp, 1025, 80),
      flow("a00:1::", "1400:1::", net::protocol::kTcp, 1025, 80),  // the bytes of 10.0.0.1 and 20.0.0.1
  };
  for (const net::Flow& f : flows) cache.lookup(f);
  EXPECT_EQ(cache.counts().misses, flows.size());
}

TEST(FlowCacheOracle, SaysWhatTheDatabaseSaysUnderRandomChanges) {
  test::SeededRandom random{20260101};
  Database spd;
  FlowCache cache{spd, Direction::Out, 32};  // small, so that flows push each other out
  const auto address = [&] { return net::Address::v4(0x0a000000U | random.below(3) << 16 | random.below(4)); };
  const auto some_prefix = [&] {
    constexpr unsigned kLengths[] = {0, 8, 16, 31, 32};
    return net::Prefix{address(), kLengths[random.below(5)]};
  };
  std::vector<net::Selector> listed;
  std::uint64_t answered = 0;
  for (int round = 0; round < 200'000; ++round) {
    if (random.chance(5)) {
      const net::Selector s{some_prefix(), some_prefix(), 255, 0, static_cast<std::uint16_t>(random.below(3))};
      if (spd.add(policy(s))) listed.push_back(s);
    }
    if (random.chance(5) && !listed.empty()) {
      const std::size_t which = random.below(static_cast<std::uint32_t>(listed.size()));
      ASSERT_TRUE(spd.remove(Direction::Out, listed[which]).has_value());
      listed.erase(listed.begin() + static_cast<std::ptrdiff_t>(which));
    }
    if (random.below(20'000) == 0) {
      spd.flush();
      listed.clear();
    }
    const net::Flow f{address(), address(), 6, 1, static_cast<std::uint16_t>(random.below(3))};
    const Policy* expected = spd.lookup(Direction::Out, f);
    ASSERT_EQ(cache.lookup(f), expected) << "round " << round << ": " << f.to_string();
    answered += expected != nullptr ? 1 : 0;
  }
  EXPECT_GT(answered, 50'000U);
  EXPECT_LT(answered, 199'000U);
  EXPECT_GT(cache.counts().revalidated, 5'000U);
  EXPECT_GT(cache.counts().misses, 5'000U);
}

}  // namespace
}  // namespace testudo::spd
