#include "app/racoon/workers.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <future>
#include <set>

namespace testudo::app {
namespace {

ike::WorkProduct product_of(std::uint8_t byte) {
  ike::WorkProduct product;
  product.signature = {byte};
  return product;
}

/// Waits until something is done.
std::vector<ike::Computed> wait_for(Workers& workers) {
  pollfd wait{workers.descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, -1), 1);
  return workers.take();
}

TEST(Workers, DoOneThingWhileAnotherTakesItsTime) {
  Workers workers{2};
  std::promise<void> released;
  workers.give({ike::WorkId{1}, [wait = released.get_future().share()] { return wait.wait(), product_of(1); }});
  workers.give({ike::WorkId{2}, [] { return product_of(2); }});
  const auto first = wait_for(workers);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].work, ike::WorkId{2});
  EXPECT_EQ(first[0].product->signature, ByteVector{2});
  released.set_value();
  const auto second = wait_for(workers);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].work, ike::WorkId{1});
}

TEST(Workers, AnswerAllThatTheyWereGiven) {
  Workers workers{4};
  for (std::uint32_t i = 0; i < 1000; ++i) workers.give({ike::WorkId{i}, [] { return product_of(0); }});
  std::set<std::uint32_t> seen;
  while (seen.size() < 1000) {
    for (const ike::Computed& each : wait_for(workers)) EXPECT_TRUE(seen.insert(each.work.value).second);
  }
}

TEST(Workers, EndWithoutWhatWasNotBegun) {
  std::promise<void> released;
  const auto wait = released.get_future().share();
  std::atomic<int> begun = 0;
  std::thread later;
  {
    Workers workers{1};
    for (std::uint32_t i = 0; i < 10; ++i) {
      workers.give({ike::WorkId{i}, [&begun, wait] { return ++begun, wait.wait(), product_of(0); }});
    }
    while (begun == 0) std::this_thread::yield();
    // The destructor has to wait for the one, so it must be let go.
    later = std::thread{[&released] { released.set_value(); }};
  }
  later.join();
  EXPECT_GE(begun, 1);
}

}  // namespace
}  // namespace testudo::app
