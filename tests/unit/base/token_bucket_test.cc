#include "base/token_bucket.h"

#include <gtest/gtest.h>

namespace testudo {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kDawn{seconds{1000}};
constexpr TokenBucket::Rate kThousand{1000, 50};

std::uint32_t taken(TokenBucket& bucket, Time at, std::uint32_t asked) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < asked; ++i) count += bucket.take(at) ? 1 : 0;
  return count;
}

TEST(TokenBucket, GivesABurstAtOnceAndNoMore) {
  TokenBucket bucket{kThousand};
  EXPECT_EQ(taken(bucket, kDawn, 200), 50U);
  EXPECT_EQ(taken(bucket, kDawn, 200), 0U);
}

TEST(TokenBucket, GivesOneMoreWheneverAThousandthOfASecondIsOver) {
  TokenBucket bucket{kThousand};
  taken(bucket, kDawn, 50);
  EXPECT_FALSE(bucket.take(kDawn + microseconds{999}));
  EXPECT_TRUE(bucket.take(kDawn + microseconds{1000}));
  EXPECT_FALSE(bucket.take(kDawn + microseconds{1999}));
  EXPECT_EQ(taken(bucket, kDawn + milliseconds{8}, 200), 7U);
}

TEST(TokenBucket, DoesNotSaveUpMoreThanABurst) {
  TokenBucket bucket{kThousand};
  taken(bucket, kDawn, 200);
  EXPECT_EQ(taken(bucket, kDawn + seconds{3600}, 200), 50U);
}

TEST(TokenBucket, RefusalsCostNothing) {
  TokenBucket bucket{kThousand};
  taken(bucket, kDawn, 1000000);
  EXPECT_TRUE(bucket.take(kDawn + milliseconds{1}));
}

TEST(TokenBucket, OverASecondOfFloodGivesItsRateAndOneBurst) {
  TokenBucket bucket{kThousand};
  std::uint32_t count = 0;
  for (int step = 0; step < 100000; ++step) count += bucket.take(kDawn + microseconds{10} * step) ? 1 : 0;
  EXPECT_EQ(count, 50U + 999U);  // the last of the second's thousand comes with its end
}

TEST(TokenBucket, AMomentBehindOthersIsNoReasonToGiveMore) {
  TokenBucket bucket{kThousand};
  EXPECT_EQ(taken(bucket, kDawn, 50), 50U);
  EXPECT_FALSE(bucket.take(kDawn - milliseconds{5}));
  EXPECT_TRUE(bucket.take(kDawn + milliseconds{1}));
}

TEST(TokenBucket, OfOneWithoutABurstThereIsAlwaysTheNext) {
  TokenBucket bucket{{10, 1}};
  EXPECT_TRUE(bucket.take(kDawn));
  EXPECT_FALSE(bucket.take(kDawn + milliseconds{99}));
  EXPECT_TRUE(bucket.take(kDawn + milliseconds{100}));
}

}  // namespace
}  // namespace testudo
