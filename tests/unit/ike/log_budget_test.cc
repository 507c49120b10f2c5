#include "ike/log_budget.h"

#include <gtest/gtest.h>

namespace testudo::ike {
namespace {

using std::chrono::seconds;

TEST(LogBudget, TwentyAtOnceThenOneASecondAndWhatWasLeftOutIsCounted) {
  LogBudget budget;
  Time now{seconds{5000}};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(budget.take(now), 0U) << i;
  for (int i = 0; i < 300; ++i) EXPECT_EQ(budget.take(now), std::nullopt);
  now += seconds{2};
  EXPECT_EQ(budget.take(now), 300U);
  EXPECT_EQ(budget.take(now), 0U);
  EXPECT_EQ(budget.take(now), std::nullopt);
  now += seconds{1000};
  EXPECT_EQ(budget.take(now), 1U);
  for (int i = 0; i < 19; ++i) EXPECT_EQ(budget.take(now), 0U);
  EXPECT_EQ(budget.take(now), std::nullopt) << "silence saves up no more than twenty";
}

}  // namespace
}  // namespace testudo::ike
