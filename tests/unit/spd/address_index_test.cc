#include "spd/address_index.h"

#include <gtest/gtest.h>

#include "unit/spd/spd_fixture.h"

namespace testudo::spd {
namespace {

/// As SPDUPDATE does while there are readers: what is replaced goes, and comes back to its place.
TEST(SpdAddressIndex, OneThatComesBackInFrontHidesTheOthersAndLosesNone) {
  const auto port = [](std::uint16_t n) {
    return net::Selector{prefix("10.0.0.1"), prefix("10.0.0.2"), net::protocol::kTcp, 0, n};
  };
  AddressIndex index;
  const auto found = [&index] { return index.lookup(ip("10.0.0.1"), ip("10.0.0.2")); };
  const Policy first, second, third;
  index.add(port(1), 1, &first);
  index.add(port(2), 2, &second);
  index.add(port(3), 3, &third);
  index.remove(port(1), 1);
  EXPECT_EQ(found(), &second);
  index.add(port(1), 1, &first);
  EXPECT_EQ(found(), &first);
  index.remove(port(3), 3);
  index.remove(port(1), 1);
  EXPECT_EQ(found(), &second);
  index.remove(port(2), 2);
  EXPECT_EQ(found(), nullptr);
}

}  // namespace
}  // namespace testudo::spd
