#include "spd/few_rules.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "spd/flow_index.h"
#include "spd/policy.h"
#include "unit/spd/plain_list.h"

namespace testudo::spd {
namespace {

/// Selectors by order, and a policy for each to be found.
class OrderedList {
 public:
  struct Entry {
    net::Selector selector;
    std::unique_ptr<Policy> policy = std::make_unique<Policy>();
  };
  using Entries = std::map<std::uint64_t, Entry>;

  const Policy* add(std::uint64_t order, const net::Selector& selector) {
    Entry& entry = entries_[order];
    entry.selector = selector;
    return entry.policy.get();
  }
  void remove(Entries::iterator entry) { entries_.erase(entry); }
  Entries::iterator any(Dice& dice) {
    return std::next(entries_.begin(), dice.below(static_cast<std::uint32_t>(entries_.size())));
  }
  bool has(std::uint64_t order) const { return entries_.contains(order); }
  std::size_t size() const { return entries_.size(); }
  std::uint64_t last() const { return entries_.empty() ? 0 : entries_.rbegin()->first; }
  const Policy* lookup(const net::Flow& flow) const {
    for (const auto& [order, entry] : entries_) {
      if (PlainList::matches(entry.selector, flow)) return entry.policy.get();
    }
    return nullptr;
  }

 private:
  Entries entries_;
};

net::Selector selector_within_v4(Dice& dice) {
  return {dice.prefix(true), dice.prefix(true), dice.protocol(), dice.port(), dice.port()};
}
net::Flow flow_within_v4(Dice& dice) {
  return {dice.address(true), dice.address(true), dice.protocol(), dice.port(), dice.port()};
}

class FewRulesTest : public testing::TestWithParam<FewRules::Vectors> {
 protected:
  void add(std::uint64_t order, const net::Selector& s) { few.add(short_rule(s, order, list.add(order, s))); }
  void remove_any(Dice& dice) {
    const auto gone = list.any(dice);
    few.remove(short_rule(gone->second.selector, gone->first, nullptr));
    list.remove(gone);
  }
  /// One by one, and side by side.
  void compare(Dice& dice, std::size_t count) {
    std::vector<net::Flow> flows(count);
    for (net::Flow& flow : flows) flow = flow_within_v4(dice);
    std::vector<const Policy*> found(count);
    few.lookup(flows, found);
    for (std::size_t i = 0; i < count; ++i) {
      const Policy* right = list.lookup(flows[i]);
      ASSERT_EQ(few.lookup(flows[i]), right) << list.size() << " rules: " << flows[i].to_string();
      ASSERT_EQ(found[i], right) << "side by side, " << list.size() << " rules: " << flows[i].to_string();
    }
  }
  FewRules few{GetParam()};
  OrderedList list;
};

TEST_P(FewRulesTest, AnswersAsAListDoesAfterEachOfManyChanges) {
  Dice dice{1};
  for (int round = 0; round < 4000; ++round) {
    if (list.size() != 0 && dice.below(100) < 48) {
      remove_any(dice);
    } else {
      add(list.last() + 1 + dice.below(5), selector_within_v4(dice));
    }
    ASSERT_NO_FATAL_FAILURE(compare(dice, 20));
  }
  ASSERT_TRUE(few.complete());
}

TEST_P(FewRulesTest, RulesMayComeBetweenOthers) {
  Dice dice{2};
  while (list.size() < 400) {
    const std::uint64_t order = dice.below(100'000);
    if (list.has(order)) continue;
    add(order, selector_within_v4(dice));
    ASSERT_NO_FATAL_FAILURE(compare(dice, 20));
    if (dice.below(3) == 0) remove_any(dice);
    ASSERT_NO_FATAL_FAILURE(compare(dice, 20));
  }
}

TEST_P(FewRulesTest, AsManyAsItTakesAnswerAlikeWhileTheyAreReplaced) {
  Dice dice{3};
  while (list.size() < FewRules::kMost) add(list.last() + 1, selector_within_v4(dice));
  ASSERT_NO_FATAL_FAILURE(compare(dice, 1000));
  // More of them than there are places for.
  for (std::size_t i = 0; i < 3 * Axis::kPlaces; ++i) {
    remove_any(dice);
    add(list.last() + 1, selector_within_v4(dice));
    ASSERT_NO_FATAL_FAILURE(compare(dice, 17));
  }
  ASSERT_NO_FATAL_FAILURE(compare(dice, 1000));
  ASSERT_TRUE(few.complete());
  add(list.last() + 1, selector_within_v4(dice));
  EXPECT_FALSE(few.complete());
}

TEST_P(FewRulesTest, TheLastPlacesAreFoundToo) {
  const Policy early, late;
  const auto host = [](std::uint32_t n) {
    return net::Selector{net::Prefix::host(net::Address::v4(n)), {}, net::protocol::kAny, 0, 0};
  };
  for (std::uint32_t n = 0; n < FewRules::kMost; ++n) {
    few.add(short_rule(host(n), n + 1, n + 1 == FewRules::kMost ? &late : &early));
  }
  EXPECT_EQ(few.lookup({net::Address::v4(FewRules::kMost - 1), net::Address::v4(1), 6, 1, 2}), &late);
  EXPECT_EQ(few.lookup({net::Address::v4(FewRules::kMost), net::Address::v4(1), 6, 1, 2}), nullptr);
}

TEST_P(FewRulesTest, RemovingWhatIsNotThereChangesNothing) {
  Dice dice{4};
  const net::Selector s = selector_within_v4(dice);
  const Policy policy;
  few.add(short_rule(s, 3, &policy));
  net::Selector other = s;
  other.destination_port = 777;
  few.remove(short_rule(s, 2, nullptr));
  few.remove(short_rule(s, 4, nullptr));
  few.remove(short_rule(other, 3, nullptr));
  const net::Flow flow{s.source.address, s.destination.address, s.protocol, s.source_port, s.destination_port};
  EXPECT_EQ(few.lookup(flow), &policy);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutVectors, FewRulesTest,
                         testing::Values(FewRules::Vectors::None, FewRules::Vectors::Of256Bits,
                                         FewRules::Vectors::Of512Bits),
                         [](const auto& kind) { return std::to_string(256 * static_cast<int>(kind.param)) + "Bits"; });

/// Both what is used for few and what is used for many, and the ways between them.
TEST(SpdFlowIndex, AnswersAsAListDoesAboveAndBelowTheLimit) {
  Dice dice{5};
  FlowIndex index;
  OrderedList list;
  const auto compare = [&](int flows) {
    for (int i = 0; i < flows; ++i) {
      const net::Flow flow = dice.flow();
      ASSERT_EQ(index.lookup(flow), list.lookup(flow)) << list.size() << " policies: " << flow.to_string();
    }
  };
  for (const std::size_t target : {2 * FewRules::kMost, std::size_t{100}, 3 * FewRules::kMost, std::size_t{0}}) {
    while (list.size() != target) {
      if (list.size() < target) {
        const std::uint64_t order = list.last() + 1;
        const net::Selector s = dice.selector();
        index.add(s, order, list.add(order, s));
      } else {
        const auto gone = list.any(dice);
        index.remove(gone->second.selector, gone->first);
        list.remove(gone);
      }
      ASSERT_NO_FATAL_FAILURE(compare(2));
    }
    ASSERT_NO_FATAL_FAILURE(compare(1000));
  }
}

/// The tables alone, which few policies do not ask any more.
TEST(SpdFlowIndex, TablesAnswerAsAListDoes) {
  Dice dice{6};
  SelectorIndex index;
  OrderedList list;
  for (int round = 0; round < 10'000; ++round) {
    const std::uint64_t order = dice.below(1'000'000);
    if (list.size() != 0 && dice.below(100) < 49) {
      const auto gone = list.any(dice);
      index.remove(gone->second.selector, gone->first);
      list.remove(gone);
    } else if (!list.has(order)) {
      const net::Selector s = dice.selector();
      index.add(s, order, list.add(order, s));
    }
    for (int i = 0; i < 50; ++i) {
      const net::Flow flow = dice.flow();
      ASSERT_EQ(index.lookup(flow), list.lookup(flow)) << flow.to_string();
    }
  }
}

}  // namespace
}  // namespace testudo::spd
