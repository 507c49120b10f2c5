#include "sad/database.h"

#include "unit/sad/sad_fixture.h"

namespace testudo::sad {
namespace {

// ---- lifetimes
// --------------------------------------------------------------------------------------------------------

constexpr auto kSoft = Expiry::Kind::Soft;
constexpr auto kHard = Expiry::Kind::Hard;
constexpr auto kLarval = Expiry::Kind::Larval;

TEST_F(SadDatabase, LarvalSasGoWhenTheirTimeIsOver) {
  ASSERT_TRUE(sad.reserve(group(), {10000, 10000}, 0, 0, at(0)).has_value());
  ASSERT_TRUE(sad.reserve(group(), {10001, 10001}, 0, 0, at(10)).has_value());
  EXPECT_THAT(tick(at(30)), testing::IsEmpty());
  EXPECT_THAT(tick(at(31)), ElementsAre(std::pair{kLarval, 10000U}));
  settings.larval_lifetime = 5;
  EXPECT_THAT(tick(at(31)), ElementsAre(std::pair{kLarval, 10001U}));
  EXPECT_EQ(sad.size(), 0U);
}

TEST_F(SadDatabase, LarvalSasStayWhenTheirTimeIsBelowZero) {
  settings.larval_lifetime = -1;
  ASSERT_TRUE(sad.reserve(group(), {10000, 10000}, 0, 0, at(0)).has_value());
  EXPECT_THAT(tick(at(1'000'000)), testing::IsEmpty());
}

TEST_F(SadDatabase, ALifetimeOfOneSecondEndsWhenTheAgeReadsTwo) {
  add_living(group(), 10000, {.addtime = 1}, {.addtime = 1});
  EXPECT_THAT(tick(at(1)), testing::IsEmpty());
  EXPECT_THAT(tick(at(2) - milliseconds{1}), testing::IsEmpty());
  EXPECT_THAT(tick(at(2)), ElementsAre(std::pair{kSoft, 10000U}, std::pair{kHard, 10000U}));
  EXPECT_EQ(sad.size(), 0U);
}

TEST_F(SadDatabase, SoftTimeMakesAnSaDyingAndHardTimeEndsIt) {
  const Sa* sa = add_living(group(), 10000, {.addtime = 80}, {.addtime = 100});
  EXPECT_THAT(tick(at(80)), testing::IsEmpty());
  EXPECT_THAT(tick(at(81)), ElementsAre(std::pair{kSoft, 10000U}));  // although it was never used
  EXPECT_EQ(sa->state(), State::Dying);
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10000}), sa);
  EXPECT_THAT(tick(at(100)), testing::IsEmpty());
  const auto last = sad.tick(at(101));
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(last[0].kind, kHard);
  EXPECT_EQ(last[0].sa->state(), State::Dead);
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10000}), nullptr);
}

TEST_F(SadDatabase, AHardLimitAloneEndsAnSaToo) {
  add_living(group(), 10000, {}, {.addtime = 100});
  EXPECT_THAT(tick(at(100)), testing::IsEmpty());
  EXPECT_THAT(tick(at(101)), ElementsAre(std::pair{kHard, 10000U}));
}

TEST_F(SadDatabase, UseEndsAnSaStrictlyAboveTheLimit) {
  Sa* by_bytes = add_living(group(), 10000, {.bytes = 100}, {.bytes = 200});
  Sa* by_packets = add_living(group(), 10001, {.allocations = 3}, {.allocations = 4});
  by_bytes->share().count(1, 100, at(1));
  for (int i = 0; i < 3; ++i) by_packets->share().count(1, 1, at(1));
  EXPECT_FALSE(Database::over_limit(*by_bytes));
  EXPECT_FALSE(Database::over_limit(*by_packets));
  EXPECT_THAT(tick(at(1)), testing::IsEmpty());
  by_bytes->share().count(1, 1, at(1));
  by_packets->share().count(1, 1, at(1));
  EXPECT_TRUE(Database::over_limit(*by_bytes));
  EXPECT_TRUE(Database::over_limit(*by_packets));
  EXPECT_THAT(tick(at(1)), ElementsAre(std::pair{kSoft, 10000U}, std::pair{kSoft, 10001U}));
  EXPECT_FALSE(Database::over_limit(*by_bytes)) << "announced already";
  by_bytes->share().count(1, 100, at(1));
  by_packets->share().count(1, 1, at(1));
  EXPECT_TRUE(Database::over_limit(*by_bytes));
  EXPECT_THAT(tick(at(1)), ElementsAre(std::pair{kHard, 10000U}, std::pair{kHard, 10001U}));
  EXPECT_EQ(sad.size(), 0U);
}

TEST_F(SadDatabase, UseTimeCountsFromTheFirstPacket) {
  Sa* sa = add_living(group(), 10000, {.usetime = 10}, {.usetime = 20});
  EXPECT_THAT(tick(at(1000)), testing::IsEmpty());
  sa->share().count(1, 1, at(1000));
  sa->share().count(1, 1, at(1009));
  EXPECT_THAT(tick(at(1010)), testing::IsEmpty());
  EXPECT_THAT(tick(at(1011)), ElementsAre(std::pair{kSoft, 10000U}));
  EXPECT_THAT(tick(at(1020)), testing::IsEmpty());
  EXPECT_THAT(tick(at(1021)), ElementsAre(std::pair{kHard, 10000U}));
}

TEST_F(SadDatabase, AnAgeLimitStillCountsAfterAByteLimitWasAnnounced) {
  Sa* sa = add_living(group(), 10000, {.bytes = 10, .addtime = 50}, {.bytes = 1000, .addtime = 60});
  sa->share().count(1, 11, at(1));
  EXPECT_THAT(tick(at(1)), ElementsAre(std::pair{kSoft, 10000U}));
  EXPECT_THAT(tick(at(60)), testing::IsEmpty());
  EXPECT_THAT(tick(at(61)), ElementsAre(std::pair{kHard, 10000U}));
}

TEST_F(SadDatabase, AnSaWithoutLimitsStaysForEver) {
  ASSERT_TRUE(add(group(), 10000));
  add_living(group(), 10001, {.addtime = UINT64_MAX}, {.addtime = UINT64_MAX - 1});
  EXPECT_THAT(tick(Time::max() - seconds{1}), testing::IsEmpty());
  EXPECT_EQ(sad.size(), 2U);
}

TEST_F(SadDatabase, ARemovedOrReplacedSaDoesNotExpire) {
  add_living(group(), 10000, {.bytes = 1, .addtime = 5}, {.addtime = 6});
  add_living(group(), 10001, {.bytes = 1, .addtime = 5}, {.addtime = 6});
  ASSERT_TRUE(sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000}));
  ASSERT_TRUE(sad.update(make(group(), 10001)).has_value());
  EXPECT_THAT(tick(at(100)), testing::IsEmpty());
  EXPECT_EQ(sad.size(), 1U);
}

}  // namespace
}  // namespace testudo::sad
