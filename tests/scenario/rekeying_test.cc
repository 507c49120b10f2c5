// Keys that are replaced while packets cross: nothing is lost, nothing leaves in clear, nothing is left over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario/keyed_network.h"

namespace testudo::test {
namespace {

using ike::Fact;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// How often keys are replaced in a test: 300 times, or TESTUDO_REKEYS of the environment; of 1000, for a day.
unsigned rekeys() {
  const char* const more = std::getenv("TESTUDO_REKEYS");
  return more == nullptr ? 300 : static_cast<unsigned>(std::strtoul(more, nullptr, 10));
}

ike::Policy with_lifetimes(std::uint32_t phase1, std::uint32_t phase2) {
  ike::Policy policy = ike::test::default_policy();
  policy.remotes[0].proposals[0].lifetime = phase1;
  policy.sainfos[0].lifetime = phase2;
  return policy;
}

/// Two SAs at each host, which are each other's: a packet each way proves that.
void expect_one_pair(KeyedNetwork& net) {
  EXPECT_EQ(net.pair.a.sad.size(), 2U);
  EXPECT_EQ(net.pair.b.sad.size(), 2U);
  const std::size_t before = net.arrived();
  net.speak();
  net.rest();
  EXPECT_EQ(net.arrived(), before + 2);
}

void expect_nothing_lost(KeyedNetwork& net) {
  net.rest();
  EXPECT_EQ(net.arrived(), net.sent);
  for (const Station* station : {&net.pair.a, &net.pair.b}) EXPECT_THAT(station->all_drops(), testing::IsEmpty());
}

TEST(Rekeying, UnderTrafficLosesNothing) {
  KeyedNetwork net{with_lifetimes(3600, 30)};
  net.protect();
  while (net.a.count(Fact::Phase2Established) < rekeys()) net.run(hours{1}, KeyedNetwork::Traffic::Both);
  expect_nothing_lost(net);
  EXPECT_GT(net.sent, 80U * rekeys());
  EXPECT_GE(net.a.count(Fact::Phase1Rekeyed) + net.b.count(Fact::Phase1Rekeyed), rekeys() / 200) << "phase 1 as well";
  EXPECT_TRUE(net.a.refusals.empty() && net.b.refusals.empty());
}

TEST(Rekeying, WhileTheLinkOfIkeLosesATenthLosesNothing) {
  const hours time{rekeys() * 24 / 1000};
  KeyedNetwork net{with_lifetimes(28800, 3600)};
  net.protect();
  net.ike_loses = 10;
  net.run(time, KeyedNetwork::Traffic::Both);
  expect_nothing_lost(net);
  EXPECT_GE(net.a.count(Fact::Phase2Established), time.count());
  EXPECT_LE(net.pair.a.sad.size(), 4U);
  EXPECT_LE(net.pair.b.sad.size(), 4U);
}

/// Both want SAs at nearly the same moment, with each order of the messages that comes of that.
TEST(Rekeying, CollisionsLeaveOnePair) {
  KeyedNetwork net{with_lifetimes(86400, 30)};
  SeededRandom random{7};
  net.protect();
  unsigned doubled = 0;
  for (unsigned i = 0; i < rekeys(); ++i) {
    const bool a_first = random.chance(50);
    const std::size_t before = net.a.count(Fact::Phase2Established);
    net.want(a_first);
    net.run(milliseconds{random.below(100)}, KeyedNetwork::Traffic::Both);
    net.want(!a_first);
    net.run(milliseconds{500}, KeyedNetwork::Traffic::Both);
    if (net.a.count(Fact::Phase2Established) > before + 1) ++doubled;
    // The new ones are renewed at 24 s, the losers and the old ones are gone at 30 s.
    net.run(seconds{36}, KeyedNetwork::Traffic::Both);
    ASSERT_EQ(net.pair.a.sad.size(), 2U) << i;
    ASSERT_EQ(net.pair.b.sad.size(), 2U) << i;
  }
  EXPECT_GT(doubled, rekeys() / 10 * 9);
  expect_nothing_lost(net);
  expect_one_pair(net);
}

}  // namespace
}  // namespace testudo::test
