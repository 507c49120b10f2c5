#include "io/spin_budget.h"

#include <gtest/gtest.h>

namespace testudo::io {
namespace {

constexpr Duration kMost = std::chrono::microseconds{20};

/// How many of the next `times` the loop would look for more; something comes in every `period`-th of those.
int looks(SpinBudget& budget, int times, int period) {
  int looked = 0;
  for (int i = 0; i < times; ++i) {
    if (budget.next() != kMost) continue;
    ++looked;
    budget.ended(period != 0 && looked % period == 0);
  }
  return looked;
}

TEST(SpinBudget, LooksFromTheStart) {
  SpinBudget budget{kMost};
  EXPECT_EQ(budget.next(), kMost);
}

TEST(SpinBudget, KeepsLookingWhileSomethingComesOftenEnough) {
  SpinBudget budget{kMost};
  EXPECT_EQ(looks(budget, 1000, 1), 1000);
  EXPECT_EQ(looks(budget, 1000, 2), 1000);
}

TEST(SpinBudget, SoonSleepsWhereNothingComesAndTriesSeldom) {
  SpinBudget budget{kMost};
  EXPECT_LE(looks(budget, 1000, 0), 50);
  EXPECT_GE(looks(budget, 1000, 0), 10);
}

TEST(SpinBudget, LooksAgainOnceItPays) {
  SpinBudget budget{kMost};
  looks(budget, 1000, 0);
  looks(budget, 100, 1);  // three tries or more
  EXPECT_EQ(looks(budget, 1000, 1), 1000);
}

TEST(SpinBudget, OfNothingIsNothing) {
  SpinBudget budget{Duration{}};
  EXPECT_EQ(budget.next(), Duration{});
}

}  // namespace
}  // namespace testudo::io
