#include "spd/selector_index.h"

#include <gtest/gtest.h>

#include <vector>

#include "spd/policy.h"
#include "support/packets.h"

namespace testudo::spd {
namespace {

using test::ip;
using test::prefix;

net::Selector selector(std::string_view source, std::string_view destination) {
  return {prefix(source), prefix(destination), net::protocol::kAny, 0, 0};
}

class SelectorIndexTest : public testing::Test {
 protected:
  const Policy* at(std::string_view from, std::string_view to) const {
    return index.lookup({ip(from), ip(to), net::protocol::kTcp, 1, 2});
  }
  SelectorIndex index;
  Policy a, b;
};

TEST_F(SelectorIndexTest, IsEmptyAtFirst) {
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), nullptr);
}

TEST_F(SelectorIndexTest, TheLowerOrderWinsWhicheverCameFirst) {
  index.add(selector("10.0.0.0/8", "0.0.0.0/0"), 9, &a);
  index.add(selector("10.0.0.0/16", "0.0.0.0/0"), 3, &b);
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), &b);
  EXPECT_EQ(at("10.1.0.1", "10.0.0.2"), &a);
}

TEST_F(SelectorIndexTest, SelectorsThatDifferOnlyBeyondThePrefixShareAKey) {
  index.add(selector("10.0.0.7/8", "0.0.0.0/0"), 9, &a);
  index.add(selector("10.0.0.8/8", "0.0.0.0/0"), 3, &b);
  EXPECT_EQ(index.tables(), 1U);
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), &b);
  index.remove(selector("10.0.0.8/8", "0.0.0.0/0"), 3);
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), &a);
}

TEST_F(SelectorIndexTest, NeighbouringLengthsShareATable) {
  index.add(selector("10.0.0.0/8", "0.0.0.0/0"), 2, &a);
  index.add(selector("10.0.0.0/9", "0.0.0.0/0"), 1, &b);
  EXPECT_EQ(index.tables(), 1U);
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), &b);
  EXPECT_EQ(at("10.128.0.1", "10.0.0.2"), &a);
}

TEST_F(SelectorIndexTest, WhatMakesALongChainGetsTablesOfItsOwn) {
  std::vector<Policy> hosts(200);
  for (std::uint32_t i = 0; i < 200; ++i) {
    index.add({{net::Address::v4(0x0a000000U + i), 25 + i % 7}, prefix("0.0.0.0/0"), net::protocol::kAny, 0, 0},
              1000 - i, &hosts[i]);
  }
  EXPECT_GT(index.tables(), 1U);
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), &hosts[126]) << "the last /25 of this half";
  for (std::uint32_t i = 0; i < 200; ++i) {
    index.remove({{net::Address::v4(0x0a000000U + i), 25 + i % 7}, prefix("0.0.0.0/0"), net::protocol::kAny, 0, 0},
                 1000 - i);
  }
  EXPECT_EQ(index.tables(), 0U);
}

TEST_F(SelectorIndexTest, ATableGoesWithItsLastSelector) {
  index.add(selector("10.0.0.0/8", "0.0.0.0/0"), 1, &a);
  index.add(selector("0.0.0.0/0", "10.0.0.0/8"), 2, &b);
  EXPECT_EQ(index.tables(), 2U);
  index.remove(selector("10.0.0.0/8", "0.0.0.0/0"), 1);
  EXPECT_EQ(index.tables(), 1U);
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), &b);
}

TEST_F(SelectorIndexTest, TheOrderOfTheTablesFollowsTheirFirstEntries) {
  index.add(selector("10.0.0.0/8", "0.0.0.0/0"), 1, &a);   // shape 8
  index.add(selector("10.0.0.0/16", "0.0.0.0/0"), 2, &b);  // shape 16
  index.add(selector("10.0.0.1", "0.0.0.0/0"), 4, &a);     // shape 32
  index.add(selector("11.0.0.0/8", "0.0.0.0/0"), 5, &a);   // shape 8, late
  index.remove(selector("10.0.0.0/8", "0.0.0.0/0"), 1);    // its table now begins at 5
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), &b);
  EXPECT_EQ(at("11.0.0.1", "10.0.0.2"), &a);
}

TEST_F(SelectorIndexTest, RemovingWhatIsNotThereChangesNothing) {
  index.add(selector("10.0.0.0/8", "0.0.0.0/0"), 1, &a);
  index.remove(selector("10.0.0.0/9", "0.0.0.0/0"), 1);
  index.remove(selector("10.0.0.0/8", "0.0.0.0/0"), 2);
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), &a);
}

TEST_F(SelectorIndexTest, ASelectorOfTwoFamiliesMatchesNoPacketOfOne) {
  index.add(selector("0.0.0.0/0", "::/0"), 1, &a);
  EXPECT_EQ(at("10.0.0.1", "10.0.0.2"), nullptr);
  EXPECT_EQ(at("fd00::1", "fd00::2"), nullptr);
}

}  // namespace
}  // namespace testudo::spd
