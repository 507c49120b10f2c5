// Tables and the filter in front of them against a list of all rules, with so many that the filter comes and goes.
#include "spd/tuple_space.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

#include "spd/policy.h"
#include "support/random.h"

namespace testudo::spd {
namespace {

using Tables = TupleSpace<2>;
using Rule = Tables::Rule;

std::uint64_t prefix_mask(unsigned source, unsigned destination) {
  const auto leading = [](unsigned n) { return n == 0 ? 0 : ~std::uint64_t{0} << (32 - n) & 0xffffffff; };
  return leading(source) << 32 | leading(destination);
}

/// Rules and keys whose addresses share few beginnings, so that they meet.
class TupleSpaceTest : public testing::Test {
 protected:
  std::uint64_t address() {
    return std::uint64_t{10 + random_.below(2)} << 24 | random_.below(6) << 16 | random_.below(40);
  }
  ShortKey key() { return {address() << 32 | address(), std::uint64_t{6 + random_.below(2)} << 32 | random_.below(3)}; }
  unsigned length() {
    return random_.chance(5) ? 8 * random_.below(2) : std::array{32U, 31U, 29U, 24U, 17U, 16U}.at(random_.below(6));
  }
  Rule rule() {
    const unsigned source = length(), destination = length();
    Rule out;
    out.mask = {prefix_mask(source, destination), random_.chance(50) ? 0xff00000000U : 0};
    out.value = masked(key(), out.mask);
    do out.order = random_.below(1U << 30);
    while (!orders_.insert(out.order).second);
    out.policy = &policies_.at(random_.below(kPolicies));
    return out;
  }
  /// Each third mask in the table that it asks for, the others in coarser ones.
  void add() {
    rules_.push_back(rule());
    const bool own = random_.chance(30);
    tables_.add(rules_.back(), own ? rules_.back().mask : ShortKey{rules_.back().mask[0] & prefix_mask(16, 16), 0});
  }
  void remove() {
    const std::size_t which = random_.below(static_cast<std::uint32_t>(rules_.size()));
    ASSERT_TRUE(tables_.remove(rules_[which]));
    rules_[which] = rules_.back();
    rules_.pop_back();
  }
  std::uint64_t first_of_list(const ShortKey& key) const {
    std::uint64_t best = ~std::uint64_t{0};
    for (const Rule& rule : rules_) {
      if (masked(key, rule.mask) == rule.value) best = std::min(best, rule.order);
    }
    return best;
  }
  void expect_as_in_list() {
    std::vector<ShortKey> keys(1 + random_.below(70));
    for (ShortKey& one : keys) one = key();
    std::vector<Tables::Match> found(keys.size());
    tables_.lookup(keys, found);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::uint64_t expected = first_of_list(keys[i]);
      ASSERT_EQ(found[i].order, expected) << rules_.size() << " rules, key " << i << " of " << keys.size();
      ASSERT_EQ(tables_.lookup(keys[i]).order, expected);
      ASSERT_EQ(tables_.lookup(keys[i]).policy, found[i].policy);
      ++(found[i].policy == nullptr ? misses_ : hits_);
    }
  }
  void change_until(std::size_t rules) {
    while (rules_.size() != rules) {
      const bool grows = rules_.size() < rules;
      for (int i = 0; i < 50 && rules_.size() != rules; ++i) grows ? add() : remove();
      for (int i = 0; i < 10; ++i) {
        remove();
        add();
      }
      ASSERT_NO_FATAL_FAILURE(expect_as_in_list());
    }
  }

  static constexpr std::uint32_t kPolicies = 7;
  test::SeededRandom random_{21};
  std::vector<Policy> policies_{kPolicies};
  std::vector<Rule> rules_;
  std::set<std::uint64_t> orders_;
  Tables tables_;
  std::size_t hits_ = 0, misses_ = 0;
};

TEST_F(TupleSpaceTest, FindsTheFirstOfAllRulesWhileTheyComeAndGo) {
  for (int i = 0; i < 20; ++i) add();
  for (const std::size_t rules : {3000U, 900U, 2500U, 20U, 2100U}) ASSERT_NO_FATAL_FAILURE(change_until(rules));
  EXPECT_GT(tables_.tables(), 8U);
  EXPECT_GT(hits_, 1000U);
  EXPECT_GT(misses_, 100U);
}

/// More of them than the filter has bits for.
TEST_F(TupleSpaceTest, FindsTheFirstOfAllRulesInManyTables) {
  for (unsigned source = 32; source > 25; --source) {
    for (unsigned destination = 32; destination > 25; --destination) {
      for (int i = 0; i < 60; ++i) {
        Rule one = rule();
        one.mask = {prefix_mask(source, destination), 0};
        one.value = masked(key(), one.mask);
        rules_.push_back(one);
        tables_.add(one, one.mask);
      }
    }
  }
  EXPECT_GT(tables_.tables(), 40U);
  for (int i = 0; i < 20; ++i) ASSERT_NO_FATAL_FAILURE(expect_as_in_list());
  // Tables that end leave their bits to others.
  ASSERT_NO_FATAL_FAILURE(change_until(1100));
  ASSERT_NO_FATAL_FAILURE(change_until(2300));
  EXPECT_GT(hits_, 1000U);
}

}  // namespace
}  // namespace testudo::spd
