#include "engine/acquire_queue.h"

#include <gtest/gtest.h>

#include <chrono>

#include "support/packets.h"

namespace testudo::engine {
namespace {

using test::ip;

constexpr Time at(std::int64_t second) {
  return Time{std::chrono::seconds{second}};
}

sad::SaGroup group(std::uint32_t reqid) {
  return {sad::SaProtocol::Esp, sad::Mode::Tunnel, ip("20.0.0.1"), ip("20.0.0.2"), ReqId{reqid}};
}

class AcquireQueueTest : public testing::Test {
 protected:
  /// How many of n needs in a row are announced.
  int announced(int n, Time now) {
    int count = 0;
    for (int i = 0; i < n; ++i) count += queue.want(group(0), now).has_value() ? 1 : 0;
    return count;
  }
  sad::KeySettings settings;
  AcquireQueue queue{settings};
};

TEST_F(AcquireQueueTest, AnnouncesTheFirstNeedAndHoldsTheNextBack) {
  EXPECT_TRUE(queue.want(group(0), at(0)).has_value());
  EXPECT_FALSE(queue.want(group(0), at(0)).has_value());
  EXPECT_FALSE(queue.want(group(0), at(1)).has_value());
}

TEST_F(AcquireQueueTest, EachKindOfSaIsAnnouncedForItself) {
  const auto first = queue.want(group(1), at(0));
  const auto second = queue.want(group(2), at(0));
  sad::SaGroup other = group(1);
  other.destination = ip("20.0.0.3");
  const auto third = queue.want(other, at(0));
  ASSERT_TRUE(first && second && third);
  EXPECT_LT(*first, *second);
  EXPECT_LT(*second, *third);
  EXPECT_NE(*first, 0U);
}

TEST_F(AcquireQueueTest, ForgottenOnesAreAnnouncedAtOnceUnderNewNumbers) {
  const auto first = queue.want(group(0), at(0));
  queue.forget_all();
  EXPECT_EQ(queue.size(), 0U);
  queue.answered(*first);
  const auto again = queue.want(group(0), at(0));
  ASSERT_TRUE(again.has_value());
  EXPECT_NE(again, first);
  EXPECT_FALSE(queue.want(group(0), at(0)).has_value());
}

// With blockacq_count 10 the count passes it with the 11th need that is held back; the 12th goes out again.
TEST_F(AcquireQueueTest, RepeatsTheSameAcquireWhenTheCountIsPassed) {
  const auto first = queue.want(group(0), at(0));
  EXPECT_EQ(announced(11, at(1)), 0);
  EXPECT_EQ(queue.want(group(0), at(1)), first);
  EXPECT_EQ(announced(11, at(1)), 0);
  EXPECT_EQ(queue.want(group(0), at(1)), first);
}

TEST_F(AcquireQueueTest, AnnouncesAnewWhenTheEntryIsOlderThanItsLifetime) {
  const auto first = queue.want(group(0), at(100));
  EXPECT_FALSE(queue.want(group(0), at(120)).has_value());
  const auto again = queue.want(group(0), at(121));
  ASSERT_TRUE(again.has_value());
  EXPECT_GT(*again, *first);
}

TEST_F(AcquireQueueTest, AnAnswerLetsTheNextNeedThrough) {
  const auto first = queue.want(group(0), at(0));
  queue.answered(*first);
  const auto next = queue.want(group(0), at(0));
  ASSERT_TRUE(next.has_value());
  EXPECT_NE(*next, *first);
}

TEST_F(AcquireQueueTest, AnAnswerToAnotherSequenceChangesNothing) {
  const auto first = queue.want(group(0), at(0));
  queue.answered(*first + 1);
  queue.answered(0);
  EXPECT_FALSE(queue.want(group(0), at(0)).has_value());
}

TEST_F(AcquireQueueTest, SettingsTakeEffectAtOnce) {
  ASSERT_TRUE(queue.want(group(0), at(0)).has_value());
  settings.blockacq_count = 0;
  EXPECT_FALSE(queue.want(group(0), at(0)).has_value());
  EXPECT_TRUE(queue.want(group(0), at(0)).has_value());
  settings.blockacq_lifetime = 2;
  EXPECT_FALSE(queue.want(group(0), at(2)).has_value());
  EXPECT_EQ(announced(1, at(3)), 1);
  settings.blockacq_lifetime = -1;
  settings.blockacq_count = -1;
  EXPECT_EQ(announced(5, at(3)), 5);
}

TEST_F(AcquireQueueTest, ForgetsTheOldestWhenFull) {
  for (std::uint32_t i = 0; i < AcquireQueue::kMaxEntries; ++i) ASSERT_TRUE(queue.want(group(i), at(0)).has_value());
  EXPECT_EQ(queue.size(), AcquireQueue::kMaxEntries);
  EXPECT_FALSE(queue.want(group(0), at(0)).has_value());
  EXPECT_TRUE(queue.want(group(999'999), at(0)).has_value());
  EXPECT_EQ(queue.size(), AcquireQueue::kMaxEntries);
  EXPECT_FALSE(queue.want(group(1), at(0)).has_value());
  EXPECT_TRUE(queue.want(group(0), at(0)).has_value());
}

}  // namespace
}  // namespace testudo::engine
