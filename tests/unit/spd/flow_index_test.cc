// Many flows at once against one at a time, which lookup_oracle_test.cc and tuple_space_test.cc hold against a list.
#include "spd/flow_index.h"

#include <gtest/gtest.h>

#include <vector>

#include "spd/policy.h"
#include "unit/spd/plain_list.h"

namespace testudo::spd {
namespace {

void expect_same_at_once(const FlowIndex& index, const std::vector<net::Flow>& flows) {
  std::vector<const Policy*> found(flows.size(), reinterpret_cast<const Policy*>(&index));
  index.lookup(flows, found);
  for (std::size_t i = 0; i < flows.size(); ++i) ASSERT_EQ(found[i], index.lookup(flows[i])) << flows[i].to_string();
}

TEST(FlowIndex, FindsTheSameForManyFlowsAtOnce) {
  Dice dice{5};
  FlowIndex index;
  std::vector<Policy> policies(5000);
  std::size_t within_v4 = 0;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    net::Selector selector = dice.selector();
    if (selector.source.length + selector.destination.length < 24) continue;
    within_v4 += selector.source.address.is_v4() ? 1 : 0;
    index.add(selector, i, &policies[i]);
    if (i % 50 != 0) continue;
    std::vector<net::Flow> flows(dice.below(FlowIndex::kMostFlows + 1));
    for (net::Flow& flow : flows) flow = dice.flow();
    ASSERT_NO_FATAL_FAILURE(expect_same_at_once(index, flows));
    std::erase_if(flows, [](const net::Flow& flow) { return !flow.source.is_v4(); });
    ASSERT_NO_FATAL_FAILURE(expect_same_at_once(index, flows));
  }
  EXPECT_GT(within_v4, FewRules::kMost);
}

}  // namespace
}  // namespace testudo::spd
