#include "host/nft_match.h"

#include <gmock/gmock.h>

#include "support/requests.h"

namespace testudo::host {
namespace {

using test::selector;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NftMatches, NetworksAndWildcards) {
  EXPECT_THAT(nft_matches(selector("10.0.1.0/24", "10.0.2.0/24"), true),
              ElementsAre("meta nfproto ipv4 ip saddr 10.0.1.0/24 ip daddr 10.0.2.0/24 "));
  EXPECT_THAT(nft_matches(selector("0.0.0.0/0", "10.1.2.3"), true),
              ElementsAre("meta nfproto ipv4 ip daddr 10.1.2.3/32 "));
  EXPECT_THAT(nft_matches(selector("fd00:1::/64", "::/0"), true),
              ElementsAre("meta nfproto ipv6 ip6 saddr fd00:1::/64 "));
}

TEST(NftMatches, BitsBeyondThePrefixDoNotCount) {
  EXPECT_THAT(nft_matches(selector("10.0.1.77/24", "0.0.0.0/0"), true),
              ElementsAre("meta nfproto ipv4 ip saddr 10.0.1.0/24 "));
}

TEST(NftMatches, ScopesAreLeftOut) {
  EXPECT_THAT(nft_matches(selector("fe80::1%3", "::/0"), true),
              ElementsAre("meta nfproto ipv6 ip6 saddr fe80::1/128 "));
}

TEST(NftMatches, PortsStandAtTheStartOfTheTransportHeader) {
  EXPECT_THAT(nft_matches(selector("10.0.0.1", "10.0.0.2", net::protocol::kTcp, 0, 25), false),
              ElementsAre("meta nfproto ipv4 ip saddr 10.0.0.1/32 ip daddr 10.0.0.2/32 meta l4proto 6 @th,16,16 25 "));
}

TEST(NftMatches, IcmpPortsAreTypeAndCode) {
  EXPECT_THAT(nft_matches(selector("::/0", "::/0", net::protocol::kIcmpv6, 129, 1), false),
              ElementsAre("meta nfproto ipv6 meta l4proto 58 @th,0,8 129 @th,8,8 1 "));
}

TEST(NftMatches, WhatNftCannotReadMatchesOnlyWhenMarking) {
  const auto gre = selector("0.0.0.0/0", "0.0.0.0/0", net::protocol::kGre, 1, 2);
  EXPECT_THAT(nft_matches(gre, true), ElementsAre("meta nfproto ipv4 meta l4proto 47 "));
  EXPECT_THAT(nft_matches(gre, false), IsEmpty());
}

TEST(NftMatches, AnyProtocolWithAPortSpansTheProtocolsThatHaveOne) {
  const auto mail = selector("0.0.0.0/0", "0.0.0.0/0", net::protocol::kAny, 110, 0);
  EXPECT_THAT(nft_matches(mail, false),
              ElementsAre("meta nfproto ipv4 meta l4proto { 6, 17, 33, 132, 136 } @th,0,16 110 ",
                          "meta nfproto ipv4 meta l4proto { 1, 58 } @th,0,8 110 "));
  EXPECT_THAT(nft_matches(mail, true), Contains("meta nfproto ipv4 meta l4proto { 47, 135 } "));
}

TEST(NftSets, PortsThatDoNotStandWhereTcpHasThemHaveNoShape) {
  EXPECT_FALSE(shape_of(selector("10.0.0.1", "10.0.0.2", net::protocol::kAny, 0, 25)));
  EXPECT_FALSE(shape_of(selector("10.0.0.1", "10.0.0.2", net::protocol::kIcmp, 8, 0)));
  EXPECT_FALSE(shape_of(selector("10.0.0.1", "10.0.0.2", net::protocol::kGre, 1, 2)));
  EXPECT_TRUE(shape_of(selector("10.0.0.1", "10.0.0.2", net::protocol::kUdp, 0, 25)));
  EXPECT_TRUE(shape_of(selector("10.0.0.1", "10.0.0.2", net::protocol::kIcmp)));
}

TEST(NftSets, WhatMatchesEverythingHasNoShape) {
  EXPECT_FALSE(shape_of(selector("0.0.0.0/0", "0.0.0.0/0")));
  EXPECT_FALSE(shape_of(selector("::/0", "::/0")));
  EXPECT_TRUE(shape_of(selector("::/0", "::/0", net::protocol::kTcp)));
}

TEST(NftSets, OneShapeHoldsSelectorsThatDifferInValues) {
  EXPECT_EQ(shape_of(selector("10.0.0.0/24", "10.0.0.2", 6, 0, 25)),
            shape_of(selector("10.9.0.0/24", "1.0.0.2", 17, 0, 26)));
  EXPECT_NE(shape_of(selector("10.0.0.0/24", "10.0.0.2", 6, 0, 25)),
            shape_of(selector("10.0.0.0/25", "10.0.0.2", 6, 0, 25)));
  EXPECT_NE(shape_of(selector("0.0.0.0/0", "10.0.0.2", 6)), shape_of(selector("::/0", "fd00::2", 6)));
}

TEST(NftSets, ElementsAreMaskedAndHaveNoScope) {
  const auto s = selector("fe80::1%3/64", "fd00::1", 6, 7, 25);
  EXPECT_EQ(nft_element(*shape_of(s), s), "fe80:: . fd00::1 . 6 . 7 . 25");
  EXPECT_EQ(nft_type(*shape_of(s)), "ipv6_addr . ipv6_addr . inet_proto . inet_service . inet_service");
  EXPECT_EQ(nft_key(*shape_of(s)),
            "meta nfproto ipv6 ip6 saddr & ffff:ffff:ffff:ffff:: . ip6 daddr . meta l4proto . th sport . th dport ");
}

}  // namespace
}  // namespace testudo::host
