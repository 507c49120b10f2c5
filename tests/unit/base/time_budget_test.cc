#include "base/time_budget.h"

#include <gtest/gtest.h>

namespace testudo {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kStart{seconds{1000}};
constexpr std::uint32_t kUser = 1000, kOther = 1001;

TEST(TimeBudget, AUserIsHeardUntilHisTimeIsUsedUp) {
  TimeBudget budget;
  EXPECT_TRUE(budget.allows(kUser, kStart));
  budget.charge(kUser, milliseconds{499}, kStart);
  EXPECT_TRUE(budget.allows(kUser, kStart));
  budget.charge(kUser, milliseconds{1}, kStart);
  EXPECT_FALSE(budget.allows(kUser, kStart));
  EXPECT_TRUE(budget.allows(kOther, kStart)) << "another has his own";
}

TEST(TimeBudget, ItComesBackSlowlyAndNotWithoutEnd) {
  TimeBudget budget;
  budget.charge(kUser, milliseconds{550}, kStart);
  EXPECT_FALSE(budget.allows(kUser, kStart + milliseconds{999})) << "5% of a second are 50 ms";
  EXPECT_TRUE(budget.allows(kUser, kStart + milliseconds{1001}));
  const Time later = kStart + seconds{3600};
  budget.charge(kUser, milliseconds{501}, later);
  EXPECT_FALSE(budget.allows(kUser, later)) << "an hour of silence gives no more than 500 ms";
}

TEST(TimeBudget, ManyUsersHaveLittleTogether) {
  TimeBudget budget;
  for (std::uint32_t uid = 1; uid <= 5; ++uid) {
    EXPECT_TRUE(budget.allows(uid, kStart));
    budget.charge(uid, milliseconds{200}, kStart);
  }
  EXPECT_FALSE(budget.allows(kOther, kStart));
  EXPECT_TRUE(budget.allows(kOther, kStart + milliseconds{11})) << "10% of a second are 100 ms";
}

TEST(TimeBudget, HavingManyNamesDoesNotHelp) {
  TimeBudget budget;
  Time now = kStart;
  Duration spent{};
  for (std::uint32_t uid = 1; uid <= 20000; ++uid) {
    now += milliseconds{1};
    if (!budget.allows(uid, now)) continue;
    budget.charge(uid, milliseconds{3}, now);
    spent += milliseconds{3};
  }
  EXPECT_LE(spent, milliseconds{3010}) << "one second at first, and 10% of 20";
  EXPECT_GE(spent, milliseconds{2990});
}

}  // namespace
}  // namespace testudo
