// The look-up through tables by shape against the specification: a list that is looked at from the front.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "spd/database.h"
#include "unit/spd/plain_list.h"
#include "unit/spd/spd_fixture.h"

namespace testudo::spd {
namespace {

/// One random change to both, which must agree on whether it is possible.
void change(Database& spd, PlainList& list, Dice& dice) {
  const bool known = list.size() != 0 && dice.below(2) == 0;
  const net::Selector s = known ? list.at(dice.below(static_cast<std::uint32_t>(list.size()))) : dice.selector();
  switch (dice.below(4)) {
    case 0: {
      ASSERT_EQ(spd.remove(Direction::Out, s).has_value(), list.remove(s));
      break;
    }
    case 1: {
      const bool replaces = list.contains(s);
      const std::uint32_t before = replaces ? spd.find(Direction::Out, s)->id.value : 0;
      const auto updated = spd.update(policy(s, Action::Discard));
      ASSERT_TRUE(updated.has_value());
      if (replaces) {
        ASSERT_EQ((*updated)->id.value, before);
      } else {
        list.add(s, (*updated)->id.value);
      }
      break;
    }
    default: {
      const auto added = spd.add(policy(s));
      ASSERT_EQ(added.has_value(), !list.contains(s));
      if (added) list.add(s, (*added)->id.value);
    }
  }
}

TEST(SpdOracle, TenMillionRandomPacketsMeetTheSamePolicyAsInAPlainList) {
  constexpr int kSets = 500;
  constexpr int kRounds = 40;
  constexpr int kPackets = 500;
  static_assert(kSets * kRounds * kPackets == 10'000'000);
  std::uint64_t hits = 0;
  for (int set = 0; set < kSets; ++set) {
    Dice dice{static_cast<std::uint64_t>(set) + 1};
    Database spd;
    PlainList list;
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(change(spd, list, dice));
      ASSERT_EQ(spd.size(), list.size());
      for (int i = 0; i < kPackets; ++i) {
        const net::Flow f = dice.flow();
        const Policy* found = spd.lookup(Direction::Out, f);
        const std::uint32_t expected = list.lookup(f);
        ASSERT_EQ(found == nullptr ? 0 : found->id.value, expected) << "set " << set << ": " << f.to_string();
        hits += expected != 0 ? 1 : 0;
      }
    }
  }
  // Neither always nor never: otherwise the test would say little.
  EXPECT_GT(hits, 2'000'000U);
  EXPECT_LT(hits, 9'800'000U);
}

TEST(SpdOracle, AMillionPairsOfAddressesMeetTheSameFirstPolicyAsInAPlainList) {
  constexpr int kSets = 100;
  constexpr int kRounds = 100;
  constexpr int kPairs = 100;
  static_assert(kSets * kRounds * kPairs == 1'000'000);
  std::uint64_t hits = 0, unlike_lookup = 0;
  for (int set = 0; set < kSets; ++set) {
    Dice dice{static_cast<std::uint64_t>(set) + 1'000'000};
    Database spd;
    PlainList list;
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(change(spd, list, dice));
      for (int i = 0; i < kPairs; ++i) {
        // One in some pairs is of two families.
        const net::Flow f = dice.flow(), g = dice.below(8) == 0 ? dice.flow() : f;
        const Policy* found = spd.first_for_addresses(Direction::Out, f.source, g.destination);
        const std::uint32_t expected = list.first_for_addresses(f.source, g.destination);
        ASSERT_EQ(found == nullptr ? 0 : found->id.value, expected) << "set " << set << ": " << f.to_string();
        ASSERT_EQ(spd.first_for_addresses(Direction::In, f.source, g.destination), nullptr);
        hits += expected != 0 ? 1 : 0;
        unlike_lookup += expected != list.lookup(f) ? 1 : 0;
      }
    }
  }
  // Neither always nor never: otherwise the test would say little.
  EXPECT_GT(hits, 250'000U);
  EXPECT_LT(hits, 990'000U);
  EXPECT_GT(unlike_lookup, 100'000U);
}

TEST(SpdScale, ManyPortsBetweenTwoHostsAreOneLookUpByAddresses) {
  Database spd;
  constexpr std::uint16_t kCount = 60'000;
  std::vector<PolicyId> ids;
  for (std::uint16_t port = 1; port <= kCount; ++port) {
    const auto added = spd.add(policy({prefix("10.0.0.1"), prefix("10.0.0.2"), net::protocol::kTcp, 0, port}));
    ASSERT_TRUE(added.has_value());
    ids.push_back((*added)->id);
  }
  for (const PolicyId id : ids) {
    const Policy* first = spd.first_for_addresses(Direction::Out, ip("10.0.0.1"), ip("10.0.0.2"));
    ASSERT_NE(first, nullptr);
    ASSERT_EQ(first->id, id);
    ASSERT_TRUE(spd.remove(id).has_value());
  }
  EXPECT_EQ(spd.first_for_addresses(Direction::Out, ip("10.0.0.1"), ip("10.0.0.2")), nullptr);
}

TEST(SpdScale, AHundredThousandPoliciesAreAddedFoundAndRemoved) {
  Database spd;
  constexpr std::uint32_t kCount = 100'000;
  const auto host = [](std::uint32_t i) { return net::Address::v4(0x0a000000U + i); };
  for (std::uint32_t i = 0; i < kCount; ++i) {
    Policy p = policy({net::Prefix::host(host(i)), prefix("20.0.0.0/8"), 255, 0, 0}, Action::Ipsec);
    p.requests.push_back(request(Level::Unique, 0));
    ASSERT_TRUE(spd.add(std::move(p)).has_value());
  }
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const Policy* found = spd.lookup(Direction::Out, {host(i), ip("20.1.2.3"), 6, 1, 2});
    ASSERT_NE(found, nullptr);
    ASSERT_EQ(found->selector.source.address, host(i));
  }
  EXPECT_EQ(spd.lookup(Direction::Out, {host(kCount), ip("20.1.2.3"), 6, 1, 2}), nullptr);
  std::vector<std::uint32_t> reqids;
  spd.for_each(Direction::Out, [&](const Policy& p) { reqids.push_back(p.requests[0].reqid.value); });
  std::ranges::sort(reqids);
  EXPECT_EQ(std::ranges::adjacent_find(reqids), reqids.end()) << "two policies share a reqid";
  EXPECT_EQ(spd.flush(), kCount);
  EXPECT_EQ(spd.size(), 0U);
}

}  // namespace
}  // namespace testudo::spd
