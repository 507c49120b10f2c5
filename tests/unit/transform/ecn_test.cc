#include "transform/ecn.h"

#include <gtest/gtest.h>

#include <array>

namespace testudo::transform {
namespace {

constexpr std::uint8_t kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3, kDrop = 0xff;
constexpr std::array<std::uint8_t, 4> kCodepoints{kNotEct, kEct0, kEct1, kCe};

/// RFC 6040 figure 4, typed off: rows are the arriving inner header, columns the arriving outer header,
/// both in the order Not-ECT, ECT(0), ECT(1), CE.
constexpr std::array<std::array<std::uint8_t, 4>, 4> kFigure4{{
    {kNotEct, kNotEct, kNotEct, kDrop},
    {kEct0, kEct0, kEct1, kCe},
    {kEct1, kEct1, kEct1, kCe},
    {kCe, kCe, kCe, kCe},
}};
/// RFC 6040 figure 3: what a normal and a compatibility mode ingress write, by the arriving inner header.
constexpr std::array<std::uint8_t, 4> kNormalIngress{kNotEct, kEct0, kEct1, kCe};
constexpr std::array<std::uint8_t, 4> kCompatibilityIngress{kNotEct, kNotEct, kNotEct, kNotEct};

template <typename Check>
void for_every_combination(Check check) {
  for (std::size_t inner = 0; inner < 4; ++inner)
    for (std::size_t outer = 0; outer < 4; ++outer)
      for (unsigned dscp = 0; dscp < 256; dscp += 4) check(inner, outer, static_cast<std::uint8_t>(dscp));
}

std::uint8_t byte(unsigned dscp, unsigned ecn) {
  return static_cast<std::uint8_t>(dscp | ecn);
}

TEST(Ecn, TheSettingsNumbersNameTheModes) {
  EXPECT_EQ(ecn_mode(0), EcnMode::Forbidden);
  EXPECT_EQ(ecn_mode(1), EcnMode::Allowed);
  EXPECT_EQ(ecn_mode(-1), EcnMode::Verbatim);
  EXPECT_EQ(ecn_mode(7), EcnMode::Verbatim);
}

TEST(Ecn, DecapsulationInNormalModeFollowsFigure4OfRfc6040) {
  for_every_combination([](std::size_t inner, std::size_t outer, std::uint8_t dscp) {
    const std::uint8_t expected = kFigure4[inner][outer];
    // The outer DSCP is another one: it must not come through.
    const auto result =
        inner_traffic_class(EcnMode::Allowed, byte(dscp, kCodepoints[inner]), byte(dscp ^ 0xfcU, kCodepoints[outer]));
    if (expected == kDrop) {
      EXPECT_FALSE(result);
    } else {
      EXPECT_EQ(result, byte(dscp, expected));
    }
  });
}

TEST(Ecn, DecapsulationInTheOtherModesLeavesTheInnerPacketAlone) {
  for (const EcnMode mode : {EcnMode::Forbidden, EcnMode::Verbatim})
    for_every_combination([mode](std::size_t inner, std::size_t outer, std::uint8_t dscp) {
      const std::uint8_t before = byte(dscp, kCodepoints[inner]);
      EXPECT_EQ(inner_traffic_class(mode, before, byte(dscp ^ 0xfcU, kCodepoints[outer])), before);
    });
}

TEST(Ecn, EncapsulationCopiesTheDscpAndFollowsFigure3OfRfc6040) {
  for_every_combination([](std::size_t inner, std::size_t, std::uint8_t dscp) {
    const std::uint8_t before = byte(dscp, kCodepoints[inner]);
    EXPECT_EQ(outer_traffic_class(EcnMode::Allowed, before), byte(dscp, kNormalIngress[inner]));
    EXPECT_EQ(outer_traffic_class(EcnMode::Forbidden, before), byte(dscp, kCompatibilityIngress[inner]));
    EXPECT_EQ(outer_traffic_class(EcnMode::Verbatim, before), before);
  });
}

}  // namespace
}  // namespace testudo::transform
