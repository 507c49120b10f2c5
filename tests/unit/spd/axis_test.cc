#include "spd/axis.h"

#include <gtest/gtest.h>

#include <map>

#include "support/random.h"

namespace testudo::spd {
namespace {

constexpr std::uint32_t kEnd = Axis::kLargest;

struct Counted {
  static std::size_t below(const Axis::Block& block, std::uint32_t number) {
    return static_cast<std::size_t>(std::ranges::count_if(block, [number](std::uint32_t end) { return end < number; }));
  }
};

bool has(const Axis& axis, std::uint32_t number, std::size_t place) {
  const Axis::Interval interval = axis.interval_of<Counted>(number);
  const std::uint64_t word = axis.row(interval)[place / 64];
  EXPECT_EQ(word != 0, (interval.words() >> place / 64 & 1) != 0) << "what is said of a word is wrong";
  return (word >> place % 64 & 1) != 0;
}

TEST(SpdAxis, ARangeHoldsItsFirstAndItsLastNumber) {
  Axis axis;
  axis.add({10, 20}, 5);
  EXPECT_FALSE(has(axis, 9, 5));
  EXPECT_TRUE(has(axis, 10, 5));
  EXPECT_TRUE(has(axis, 20, 5));
  EXPECT_FALSE(has(axis, 21, 5));
  EXPECT_FALSE(has(axis, 15, 4));
}

TEST(SpdAxis, RangesAtBothEndsOfAllNumbersCutOnce) {
  Axis axis;
  axis.add({0, 0}, 0);
  axis.add({kEnd, kEnd}, 1);
  axis.add({0, kEnd}, 2);
  EXPECT_EQ(axis.size(), 3U);
  EXPECT_TRUE(has(axis, 0, 0) && !has(axis, 0, 1) && has(axis, 0, 2));
  EXPECT_TRUE(!has(axis, 1, 0) && !has(axis, 1, 1) && has(axis, 1, 2));
  EXPECT_TRUE(!has(axis, kEnd, 0) && has(axis, kEnd, 1) && has(axis, kEnd, 2));
}

TEST(SpdAxis, IntervalsGoWithTheLastRangeThatEndsThere) {
  Axis axis;
  axis.add({10, 20}, 0);
  axis.add({10, 30}, 1);
  EXPECT_EQ(axis.size(), 4U);
  axis.remove({10, 20}, 0);
  EXPECT_EQ(axis.size(), 3U);
  EXPECT_TRUE(has(axis, 10, 1) && !has(axis, 10, 0));
  axis.remove({10, 30}, 1);
  EXPECT_EQ(axis.size(), 1U);
  EXPECT_FALSE(has(axis, 10, 1));
}

TEST(SpdAxis, PlacesCanBeGivenAnew) {
  Axis axis;
  axis.add({10, 20}, 700);
  axis.clear_places();
  EXPECT_FALSE(has(axis, 15, 700));
  axis.put({10, 20}, 0);
  EXPECT_TRUE(has(axis, 15, 0));
  EXPECT_FALSE(has(axis, 21, 0));
}

/// From one interval to some two thousand, so through all heights of the tree, and back.
TEST(SpdAxis, RandomRangesAreFoundAtTheirEdges) {
  test::SeededRandom random{7};
  Axis axis;
  std::map<std::size_t, Axis::Range> ranges;
  const auto check = [&] {
    const auto& [place, range] = *std::next(ranges.begin(), random.below(static_cast<std::uint32_t>(ranges.size())));
    for (const std::uint32_t number : {range.first, range.first - 1, range.last, range.last + 1}) {
      for (const auto& [other, r] : ranges) {
        ASSERT_EQ(has(axis, number, other), r.first <= number && number <= r.last) << number << " of " << other;
      }
    }
  };
  for (std::size_t place = 0; place < 1024; ++place) {
    const std::uint32_t first = random.below(1U << 20);
    ranges[place] = {first, random.chance(5) ? kEnd : first + random.below(1U << 14)};
    axis.add(ranges[place], place);
    if (place % 16 == 0) {
      ASSERT_NO_FATAL_FAILURE(check());
    }
  }
  EXPECT_GT(axis.size(), Axis::kFan * Axis::kFan);
  while (ranges.size() > 1) {
    const auto gone = std::next(ranges.begin(), random.below(static_cast<std::uint32_t>(ranges.size())));
    axis.remove(gone->second, gone->first);
    ranges.erase(gone);
    if (ranges.size() % 16 == 0) {
      ASSERT_NO_FATAL_FAILURE(check());
    }
  }
  axis.remove(ranges.begin()->second, ranges.begin()->first);
  EXPECT_EQ(axis.size(), 1U);
}

}  // namespace
}  // namespace testudo::spd
