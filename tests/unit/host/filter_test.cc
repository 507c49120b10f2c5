#include "host/filter.h"

#include <gmock/gmock.h>

namespace testudo::host {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kMark = "meta mark set meta mark & 0xf3ffffff | 0x04000000 accept";

net::Selector selector(const char* source, const char* destination, std::uint8_t protocol = net::protocol::kAny,
                       std::uint16_t source_port = 0, std::uint16_t destination_port = 0) {
  return {*net::Prefix::parse(source), *net::Prefix::parse(destination), protocol, source_port, destination_port};
}

FilterPlan outbound(std::vector<FilterRule> rules) {
  return {std::move(rules), {}, false, false};
}

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

TEST(OutboundRules, FollowTheOrderOfThePolicies) {
  const auto rules =
      outbound_rules(outbound({{selector("10.0.0.1", "10.0.0.2", net::protocol::kTcp, 110, 0), Treatment::Clear},
                               {selector("10.0.0.1", "10.0.0.2"), Treatment::Protect}}),
                     {});
  ASSERT_GE(rules.size(), 2U);
  EXPECT_THAT(rules[rules.size() - 2], HasSubstr("@th,0,16 110 accept"));
  EXPECT_EQ(rules.back(), std::string{"meta nfproto ipv4 ip saddr 10.0.0.1/32 ip daddr 10.0.0.2/32 "} + kMark);
}

TEST(OutboundRules, FragmentsGoToTheEngineWhenTheirFamilyIsProtected) {
  const auto rules = outbound_rules(outbound({{selector("10.0.0.1", "10.0.0.2", 6, 0, 25), Treatment::Protect}}), {});
  EXPECT_THAT(rules, Contains(std::string{"ip frag-off & 0x3fff != 0 "} + kMark));
  EXPECT_THAT(rules, Not(Contains(StartsWith("exthdr frag"))));
}

TEST(OutboundRules, NothingIsMarkedWhenNothingIsProtected) {
  EXPECT_THAT(outbound_rules({}, {}), IsEmpty());
  EXPECT_THAT(outbound_rules(outbound({{selector("::/0", "::/0"), Treatment::Clear}}), {}),
              ElementsAre("meta nfproto ipv6 accept"));
}

TEST(OutboundRules, TooManyPoliciesMarkTheirWholeFamily) {
  FilterPlan plan;
  for (std::uint32_t i = 0; i <= kMaxOutboundRules; ++i) {
    plan.outbound.push_back(
        {{net::Prefix::host(net::Address::v4(i)), net::Prefix::host(net::Address::v4(1)), 255, 0, 0},
         Treatment::Protect});
  }
  EXPECT_THAT(outbound_rules(plan, {}), ElementsAre(std::string{"meta nfproto ipv4 "} + kMark));
}

TEST(InboundRules, RefuseAndLetPassInOrder) {
  FilterPlan plan;
  plan.inbound = {{selector("10.0.0.2", "10.0.0.1", 6, 0, 80), Treatment::Clear},
                  {selector("10.0.0.2", "10.0.0.1"), Treatment::Protect}};
  EXPECT_THAT(
      inbound_rules(plan),
      ElementsAre("meta nfproto ipv4 ip saddr 10.0.0.2/32 ip daddr 10.0.0.1/32 meta l4proto 6 @th,16,16 80 accept",
                  "meta nfproto ipv4 ip saddr 10.0.0.2/32 ip daddr 10.0.0.1/32 goto refused"));
}

TEST(InboundRestRules, RefuseWhatNoPolicyNamesWhenDefPolicyIsDiscard) {
  EXPECT_THAT(inbound_rest_rules({{}, {}, false, false}), IsEmpty());
  EXPECT_THAT(inbound_rest_rules({{}, {}, true, false}), ElementsAre("meta nfproto ipv4 goto refused"));
  EXPECT_THAT(inbound_rest_rules({{}, {}, false, true}), ElementsAre("meta nfproto ipv6 goto refused"));
}

TEST(InboundRestRules, RefuseWhatNftCannotReadBetweenEndsWhoseProtocolMatters) {
  FilterPlan plan;
  plan.inbound = {{selector("fd00::2", "fd00::1", 17, 0, 110), Treatment::Protect},
                  {selector("fd00::2", "fd00::1", 6), Treatment::Protect},
                  {selector("fd00::3", "fd00::1"), Treatment::Protect},
                  {selector("fd00::4", "fd00::1", 6), Treatment::Clear},
                  {selector("10.0.0.2", "10.0.0.1", 6), Treatment::Protect}};
  EXPECT_THAT(inbound_rest_rules(plan),
              ElementsAre("meta l4proto != 255 exthdr frag missing accept",
                          "meta l4proto != 255 frag frag-off != 0 accept", "@th,0,32 != 0 accept",
                          "meta nfproto ipv6 ip6 saddr fd00::2/128 ip6 daddr fd00::1/128 goto refused"));
}

TEST(NftUpdate, AppendsWhatIsNewAtTheEnd) {
  const FilterRule first{selector("10.0.0.1", "10.0.0.2"), Treatment::Protect};
  const FilterRule second{selector("10.0.0.1", "10.0.0.3"), Treatment::Protect};
  const std::string commands = nft_update(outbound({first}), outbound({first, second}), {});
  EXPECT_THAT(commands, Not(HasSubstr("flush")));
  EXPECT_THAT(commands, Not(HasSubstr("10.0.0.2")));
  EXPECT_THAT(commands, HasSubstr("add rule inet testudo_testudo0 outbound_policies meta nfproto ipv4 ip saddr "
                                  "10.0.0.1/32 ip daddr 10.0.0.3/32"));
}

TEST(NftUpdate, ReplacesAChainWhoseOrderChanged) {
  const FilterRule first{selector("10.0.0.1", "10.0.0.2"), Treatment::Protect};
  const FilterRule second{selector("10.0.0.1", "10.0.0.3"), Treatment::Clear};
  const std::string commands = nft_update(outbound({first, second}), outbound({second, first}), {});
  EXPECT_THAT(commands, StartsWith("flush chain inet testudo_testudo0 outbound_policies\n"));
  EXPECT_THAT(commands, Not(HasSubstr("inbound_policies")));
}

TEST(NftUpdate, SaysNothingWhenNothingChanged) {
  const auto plan = outbound({{selector("10.0.0.1", "10.0.0.2"), Treatment::Protect}});
  EXPECT_EQ(nft_update(plan, plan, {}), "");
}

TEST(NftInstall, RefusesInOneChainThatMayBeMadeToLog) {
  const std::string table = Settings{}.nft_table();
  EXPECT_THAT(nft_install({}, {}), HasSubstr("add rule inet " + table + " refused counter name in_polvio drop\n"));
  EXPECT_THAT(nft_install({}, {}), Not(HasSubstr("log group"))) << "not every kernel can";
  EXPECT_THAT(nft_log_refused({}), StartsWith("insert rule inet " + table + " refused limit rate "));
  EXPECT_THAT(nft_log_refused({}), HasSubstr("log group 5050"));
}

TEST(NftInstall, KeepsTheTwoMarksOfItsSettings) {
  Settings settings;
  settings.mark = 0x10;
  settings.device = "ipsec7";
  const std::string commands = nft_install({}, settings);
  EXPECT_THAT(commands, HasSubstr("add rule inet testudo_ipsec7 outbound meta mark & 0x00000030 == 0x00000020 accept"));
  EXPECT_THAT(commands, HasSubstr("oifname != { \"lo\", \"ipsec7\" } counter name escaped drop"));
}

}  // namespace
}  // namespace testudo::host
