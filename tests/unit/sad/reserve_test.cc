// SADB_GETSPI.
#include "sad/database.h"

#include "unit/sad/sad_fixture.h"

namespace testudo::sad {
namespace {

// ---- GETSPI
// -----------------------------------------------------------------------------------------------------------

TEST_F(SadDatabase, ReservesWithinTheSettingsRange) {
  settings.spi_min_value = 1000;
  settings.spi_max_value = 1009;
  std::set<std::uint32_t> spis;
  for (int i = 0; i < 10; ++i) {
    const auto sa = sad.reserve(group(), {}, 3, 4, at(0));
    ASSERT_TRUE(sa.has_value());
    EXPECT_EQ((*sa)->state(), State::Larval);
    EXPECT_EQ((*sa)->parameters().message_sequence, 3U);
    EXPECT_EQ((*sa)->parameters().pid, 4U);
    spis.insert((*sa)->spi().value);
  }
  EXPECT_EQ(spis.size(), 10U);
  EXPECT_EQ(*spis.begin(), 1000U);
  EXPECT_EQ(*spis.rbegin(), 1009U);
  EXPECT_EQ(sad.reserve(group(), {}, 3, 4, at(0)).error(), DatabaseError::NoFreeSpi);
}

TEST_F(SadDatabase, ReservesExactlyTheSpiAskedFor) {
  const auto sa = sad.reserve(group(), {10000, 10000}, 0, 0, at(0));
  ASSERT_TRUE(sa.has_value());
  EXPECT_EQ((*sa)->spi(), Spi{10000});
  EXPECT_EQ(sad.reserve(group(), {10000, 10000}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
}

TEST_F(SadDatabase, ASpiOfAnotherProtocolOfTheDestinationIsTaken) {
  ASSERT_TRUE(add(group(0, Mode::Any, SaProtocol::Ah), 10000));
  EXPECT_EQ(sad.reserve(group(), {10000, 10000}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
  SaGroup elsewhere = group();
  elsewhere.destination = ip("10.0.0.3");
  EXPECT_TRUE(sad.reserve(elsewhere, {10000, 10000}, 0, 0, at(0)).has_value());
}

TEST_F(SadDatabase, FindsTheLastFreeSpiOfAFullRangeWithASingleTry) {
  settings.spi_try = 1;
  for (std::uint32_t spi = 1000; spi < 3000; ++spi) {
    if (spi != 2345) {
      ASSERT_TRUE(add(group(), spi));
    }
  }
  const auto sa = sad.reserve(group(), {1000, 2999}, 0, 0, at(0));
  ASSERT_TRUE(sa.has_value());
  EXPECT_EQ((*sa)->spi(), Spi{2345});
}

TEST_F(SadDatabase, NeverReservesAReservedSpi) {
  EXPECT_EQ(sad.reserve(group(), {1, 255}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
  EXPECT_EQ((*sad.reserve(group(), {0, 256}, 0, 0, at(0)))->spi(), Spi{256});
  EXPECT_EQ(sad.reserve(group(), {20000, 10000}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
}

TEST_F(SadDatabase, ACpiHasSixteenBits) {
  const SaGroup ipcomp = group(0, Mode::Any, SaProtocol::Ipcomp);
  for (int i = 0; i < 200; ++i) {
    const auto sa = sad.reserve(ipcomp, {}, 0, 0, at(0));
    ASSERT_TRUE(sa.has_value());
    EXPECT_LE((*sa)->spi().value, 0xffffU);
  }
  EXPECT_EQ((*sad.reserve(ipcomp, {0x20000, 0x30000}, 0, 0, at(0)))->spi(), Spi{0xffff});
}

TEST_F(SadDatabase, AnyNumberOfTriesIsTakenWithoutSign) {
  for (const std::int32_t tries : {1, -5, INT32_MIN, INT32_MAX}) {
    settings.spi_try = tries;
    EXPECT_TRUE(sad.reserve(group(), {}, 0, 0, at(0)).has_value()) << tries;
  }
}

TEST_F(SadDatabase, WithoutATryOnlyAnSpiThatIsAskedForIsReserved) {
  settings.spi_try = 0;
  EXPECT_EQ(sad.reserve(group(), {}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
  EXPECT_EQ(sad.reserve(group(), {1000, 1001}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
  EXPECT_TRUE(sad.reserve(group(), {1000, 1000}, 0, 0, at(0)).has_value());
}

}  // namespace
}  // namespace testudo::sad
