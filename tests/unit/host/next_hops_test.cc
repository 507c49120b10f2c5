#include "host/next_hops.h"

#include <gtest/gtest.h>

namespace testudo::host {
namespace {

using std::chrono::milliseconds;

constexpr Hop kFirstHop{3, {2, 0, 0, 0, 0, 9}}, kSecondHop{4, {2, 0, 0, 0, 0, 8}};

class NextHopsTest : public testing::Test {
 protected:
  std::optional<Hop> answer_ = kFirstHop;
  int asked_ = 0;
  NextHops hops_{[this](const net::Address&) {
    ++asked_;
    return answer_;
  }};
  net::Address to_ = net::Address::v4(0x0a000001);
  Time start_{};
};

TEST_F(NextHopsTest, AnAnswerIsKeptForAMoment) {
  ASSERT_NE(hops_.find(to_, start_), nullptr);
  EXPECT_EQ(*hops_.find(to_, start_ + milliseconds{999}), kFirstHop);
  EXPECT_EQ(asked_, 1);
  answer_ = kSecondHop;
  EXPECT_EQ(*hops_.find(to_, start_ + milliseconds{1000}), kSecondHop);
  EXPECT_EQ(asked_, 2);
}

TEST_F(NextHopsTest, ThatThereIsNoneIsKeptToo) {
  answer_.reset();
  EXPECT_EQ(hops_.find(to_, start_), nullptr);
  answer_ = kFirstHop;
  EXPECT_EQ(hops_.find(to_, start_ + milliseconds{19}), nullptr);
  EXPECT_NE(hops_.find(to_, start_ + milliseconds{20}), nullptr);
  EXPECT_EQ(asked_, 2);
}

TEST_F(NextHopsTest, ANeighbourThatIsGoneIsNotSentTo) {
  ASSERT_NE(hops_.find(to_, start_), nullptr);
  answer_.reset();
  EXPECT_EQ(hops_.find(to_, start_ + NextHops::kKnown), nullptr);
}

TEST_F(NextHopsTest, AChangeIsHeededAtOnce) {
  ASSERT_NE(hops_.find(to_, start_), nullptr);
  answer_ = kSecondHop;
  hops_.forget();
  EXPECT_EQ(*hops_.find(to_, start_), kSecondHop);
}

TEST_F(NextHopsTest, OnlySoManyAreKept) {
  for (std::uint32_t i = 0; i <= NextHops::kMost; ++i) ASSERT_NE(hops_.find(net::Address::v4(i), start_), nullptr);
  const int before = asked_;
  hops_.find(net::Address::v4(NextHops::kMost), start_);
  EXPECT_EQ(asked_, before) << "the last is known";
  hops_.find(net::Address::v4(0), start_);
  EXPECT_EQ(asked_, before + 1) << "the first is not";
}

}  // namespace
}  // namespace testudo::host
