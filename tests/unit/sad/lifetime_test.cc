#include "sad/lifetime.h"

#include <gtest/gtest.h>

#include <chrono>

namespace testudo::sad {
namespace {

constexpr Time at(std::int64_t ms) {
  return Time{std::chrono::milliseconds{ms}};
}

TEST(Lifetime, AgeIsInWholeSecondsAndNeverNegative) {
  EXPECT_EQ(age_in_seconds(at(500), at(1499)), 0U);
  EXPECT_EQ(age_in_seconds(at(500), at(1500)), 1U);
  EXPECT_EQ(age_in_seconds(at(500), at(0)), 0U);
}

TEST(Lifetime, LimitsAreStrictAndZeroIsNone) {
  struct Row {
    Lifetime limit;
    bool by_use, by_time;
  };
  // 10 packets, 1000 bytes, 100 s old, first used 50 s ago.
  const Usage usage{10, 1000, at(50'000), at(60'000)};
  const Row rows[] = {
      {{}, false, false},
      {{.allocations = 10}, false, false},
      {{.allocations = 9}, true, false},
      {{.bytes = 1000}, false, false},
      {{.bytes = 999}, true, false},
      {{.addtime = 100}, false, false},
      {{.addtime = 99}, false, true},
      {{.usetime = 50}, false, false},
      {{.usetime = 49}, false, true},
      {{.allocations = 11, .bytes = 999, .addtime = 1000, .usetime = 1}, true, true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(past_use(row.limit, usage), row.by_use) << row.limit.allocations << " " << row.limit.bytes;
    EXPECT_EQ(past_time(row.limit, usage, at(0), at(100'000)), row.by_time)
        << row.limit.addtime << " " << row.limit.usetime;
  }
}

TEST(Lifetime, UseTimeOfAnUnusedSaNeverEnds) {
  EXPECT_FALSE(past_time({.usetime = 1}, Usage{}, at(0), at(1'000'000)));
}

TEST(Lifetime, OnlyAgeComesByItself) {
  EXPECT_FALSE(depends_on_use({.addtime = 5}));
  EXPECT_TRUE(depends_on_use({.allocations = 5}));
  EXPECT_TRUE(depends_on_use({.bytes = 5}));
  EXPECT_TRUE(depends_on_use({.usetime = 5}));
}

}  // namespace
}  // namespace testudo::sad
