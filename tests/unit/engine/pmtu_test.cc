#include "engine/pmtu.h"

#include <gtest/gtest.h>

#include "support/packets.h"

namespace testudo::engine {
namespace {

using std::chrono::minutes;

const net::Address peer4 = test::ip("192.0.2.1"), other4 = test::ip("192.0.2.2"), peer6 = test::ip("2001:db8::1");
constexpr Time kStart{std::chrono::hours{1}};

TEST(PathMtu, IsTheLinksUntilSomebodySaysLess) {
  PathMtu table;
  EXPECT_EQ(table.towards(peer4, 1500, kStart), 1500U);
  EXPECT_TRUE(table.lower(peer4, 1400, kStart));
  EXPECT_EQ(table.towards(peer4, 1500, kStart), 1400U);
  EXPECT_EQ(table.towards(peer4, 1300, kStart), 1300U) << "the link may be narrower still";
  EXPECT_EQ(table.towards(other4, 1500, kStart), 1500U) << "another destination is not concerned";
}

TEST(PathMtu, NeverGrowsByAMessage) {
  PathMtu table;
  EXPECT_TRUE(table.lower(peer4, 1300, kStart));
  EXPECT_FALSE(table.lower(peer4, 1400, kStart));
  EXPECT_FALSE(table.lower(peer4, 1300, kStart)) << "nothing new";
  EXPECT_EQ(table.towards(peer4, 1500, kStart), 1300U);
  EXPECT_TRUE(table.lower(peer4, 1200, kStart));
  EXPECT_EQ(table.towards(peer4, 1500, kStart), 1200U);
}

TEST(PathMtu, NeverFallsBelowWhatEveryPathCarries) {
  PathMtu table;
  table.lower(peer4, 68, kStart);
  table.lower(peer6, 0, kStart);
  EXPECT_EQ(table.towards(peer4, 1500, kStart), 576U);
  EXPECT_EQ(table.towards(peer6, 1500, kStart), 1280U);
  EXPECT_FALSE(table.lower(peer4, 1, kStart));
}

TEST(PathMtu, IsForgottenAfterTenMinutesUnlessSaidAgain) {
  PathMtu table;
  table.lower(peer4, 1400, kStart);
  EXPECT_EQ(table.towards(peer4, 1500, kStart + minutes{10} - std::chrono::nanoseconds{1}), 1400U);
  EXPECT_EQ(table.towards(peer4, 1500, kStart + minutes{10}), 1500U);
  EXPECT_TRUE(table.lower(peer4, 1450, kStart + minutes{10})) << "then a larger one is news";
  EXPECT_FALSE(table.lower(peer4, 1450, kStart + minutes{19}));
  EXPECT_EQ(table.towards(peer4, 1500, kStart + minutes{28}), 1450U);
  table.tick(kStart + minutes{28});
  EXPECT_EQ(table.size(), 1U);
  table.tick(kStart + minutes{29});
  EXPECT_EQ(table.size(), 0U);
}

TEST(PathMtu, KeepsNoMoreThanItMayAndForgetsTheOldest) {
  PathMtu table{3};
  for (std::uint32_t i = 0; i < 10; ++i)
    EXPECT_TRUE(table.lower(net::Address::v4(0x0a000000 + i), 1400, kStart + std::chrono::seconds{i}));
  EXPECT_EQ(table.size(), 3U);
  const Time later = kStart + std::chrono::seconds{11};
  EXPECT_EQ(table.towards(net::Address::v4(0x0a000006), 1500, later), 1500U);
  EXPECT_EQ(table.towards(net::Address::v4(0x0a000007), 1500, later), 1400U);
  EXPECT_EQ(table.towards(net::Address::v4(0x0a000009), 1500, later), 1400U);
}

// RFC 1191 table 7-1.
TEST(PlateauBelow, IsTheNextCommonMtuBelowThePacket) {
  EXPECT_EQ(plateau_below(65536), 65535U);
  EXPECT_EQ(plateau_below(65535), 32000U);
  EXPECT_EQ(plateau_below(9000), 8166U);
  EXPECT_EQ(plateau_below(1500), 1492U);
  EXPECT_EQ(plateau_below(1492), 1006U);
  EXPECT_EQ(plateau_below(297), 296U);
  EXPECT_EQ(plateau_below(296), 68U);
  EXPECT_EQ(plateau_below(68), 68U);
  EXPECT_EQ(plateau_below(0), 68U);
}

}  // namespace
}  // namespace testudo::engine
