#include "host/filter.h"

#include <gmock/gmock.h>

#include <sstream>

#include "support/requests.h"

namespace testudo::host {
namespace {

using test::selector;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Kind = FilterChange::Kind;

constexpr const char* kMark = "meta mark set meta mark & 0xf3ffffff | 0x04000000 accept";

FilterRule host_rule(std::uint32_t n, unsigned length) {
  return {{{net::Address::v4(n), length}, net::Prefix::host(net::Address::v4(1)), 255, 0, 0}, Treatment::Protect, 0, n};
}

FilterPlan outbound(std::vector<FilterRule> rules) {
  return {std::move(rules), {}, false, false};
}

/// Of one chain, line by line, without the "add rule inet TABLE CHAIN" in front.
std::vector<std::string> rules_of(const std::string& commands, const std::string& chain,
                                  const std::string& table = "testudo_testudo0") {
  const std::string start = "add rule inet " + table + " " + chain + " ";
  std::vector<std::string> rules;
  std::istringstream lines{commands};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(start)) rules.push_back(line.substr(start.size()));
  }
  return rules;
}

class FilterTest : public testing::Test {
 protected:
  FilterTest() { filter.install({}); }
  std::vector<std::string> updated(const FilterPlan& plan, const std::string& chain) {
    return rules_of(filter.update(plan), chain);
  }
  std::string followed(const FilterChanges& changes) {
    const auto commands = filter.follow(changes);
    EXPECT_TRUE(commands) << "takes the whole plan";
    return commands.value_or("");
  }
  Filter filter{Settings{}};
};

TEST_F(FilterTest, OutboundRulesFollowTheOrderOfThePolicies) {
  EXPECT_THAT(
      updated(outbound({{selector("10.0.0.1", "10.0.0.2", net::protocol::kTcp, 110, 0), Treatment::Clear},
                        {selector("10.0.0.1", "10.0.0.2"), Treatment::Protect}}),
              "outbound_policies"),
      ElementsAre("meta nfproto ipv4 ip saddr 10.0.0.1/32 ip daddr 10.0.0.2/32 meta l4proto 6 @th,0,16 110 accept",
                  std::string{"meta nfproto ipv4 ip saddr 10.0.0.1/32 ip daddr 10.0.0.2/32 "} + kMark));
}

TEST_F(FilterTest, FragmentsAndAhGoToTheEngineWhenTheirFamilyIsProtected) {
  EXPECT_THAT(updated(outbound({{selector("10.0.0.1", "10.0.0.2", 6, 0, 25), Treatment::Protect}}), "outbound"),
              ElementsAre(std::string{"ip frag-off & 0x3fff != 0 "} + kMark,
                          std::string{"meta nfproto ipv4 meta l4proto 51 "} + kMark, "jump outbound_policies"));
}

TEST_F(FilterTest, FragmentsAndAhAreNothingSpecialWhereOnlyAddressesCount) {
  const FilterRule protect{selector("10.0.0.1", "10.0.0.2"), Treatment::Protect, 0, 1};
  EXPECT_THAT(updated(outbound({protect}), "outbound"), IsEmpty()) << "nothing but what is there";
  // A clear one in front of it may hide, too.
  const FilterRule clear{selector("10.0.0.1", "10.0.0.2", 51), Treatment::Clear, 0, 2};
  EXPECT_THAT(updated(outbound({clear, protect}), "outbound"),
              ElementsAre(std::string{"ip frag-off & 0x3fff != 0 "} + kMark,
                          std::string{"meta nfproto ipv4 meta l4proto 51 "} + kMark, "jump outbound_policies"));
  EXPECT_THAT(updated(outbound({protect}), "outbound"), ElementsAre("jump outbound_policies"));
  // Of IPv6 this says nothing.
  const FilterRule other{selector("fd00::1", "fd00::2", 6), Treatment::Clear, 0, 3};
  EXPECT_THAT(filter.update(outbound({protect, other})), Not(HasSubstr("frag-off")));
}

TEST_F(FilterTest, AChangeThatLooksInsideBringsTheRulesForWhatCannotBeRead) {
  FilterPlan plan;
  for (std::uint32_t i = 1; i <= 1000; ++i) plan.outbound.push_back(host_rule(i, 32));
  filter.update(plan);
  const FilterRule rule{selector("10.0.0.1", "10.0.0.2", 6), Treatment::Protect, 0, 2000};
  EXPECT_THAT(rules_of(followed({{{Kind::Appended, rule}}, {}}), "outbound"),
              Contains(std::string{"ip frag-off & 0x3fff != 0 "} + kMark));
  EXPECT_THAT(rules_of(followed({{{Kind::Removed, {{}, Treatment::Clear, 0, 2000}}}, {}}), "outbound"),
              ElementsAre("jump outbound_policies"));
}

TEST_F(FilterTest, NothingIsMarkedWhenNothingIsProtected) {
  EXPECT_EQ(filter.update({}), "");
  const std::string commands = filter.update(outbound({{selector("::/0", "::/0"), Treatment::Clear}}));
  EXPECT_THAT(rules_of(commands, "outbound_policies"), ElementsAre("meta nfproto ipv6 accept"));
  EXPECT_THAT(commands, Not(HasSubstr("mark set")));
}

TEST_F(FilterTest, ManyHostsToOneNetworkAreOneRule) {
  FilterPlan plan;
  for (std::uint32_t i = 0; i <= kMaxOutboundRules; ++i) plan.outbound.push_back(host_rule(i, 32));
  const std::string commands = filter.update(plan);
  EXPECT_EQ(rules_of(commands, "outbound_policies").size(), 1U);
  EXPECT_THAT(rules_of(commands, "outbound"), Not(Contains(std::string{"meta nfproto ipv4 "} + kMark)));
}

TEST_F(FilterTest, TooManyRulesMarkTheirWholeFamily) {
  FilterPlan plan;
  for (std::uint32_t i = 0; i <= kMaxOutboundRules; ++i) {
    plan.outbound.push_back(host_rule(i, 32));
    plan.outbound.back().treatment = i % 2 == 0 ? Treatment::Protect : Treatment::Clear;
  }
  EXPECT_THAT(updated(plan, "outbound"), Contains(std::string{"meta nfproto ipv4 "} + kMark));
}

TEST_F(FilterTest, InboundRulesRefuseAndLetPassInOrder) {
  FilterPlan plan;
  plan.inbound = {{selector("10.0.0.2", "10.0.0.1", 6, 0, 80), Treatment::Clear},
                  {selector("10.0.0.2", "10.0.0.1"), Treatment::Protect}};
  EXPECT_THAT(
      updated(plan, "inbound_policies"),
      ElementsAre("meta nfproto ipv4 ip saddr 10.0.0.2/32 ip daddr 10.0.0.1/32 meta l4proto 6 @th,16,16 80 accept",
                  "meta nfproto ipv4 ip saddr 10.0.0.2/32 ip daddr 10.0.0.1/32 goto refused"));
}

TEST_F(FilterTest, WhatNoPolicyNamesIsRefusedWhenDefPolicyIsDiscard) {
  EXPECT_THAT(updated({{}, {}, false, false}, "inbound_rest"), IsEmpty());
  EXPECT_THAT(updated({{}, {}, true, false}, "inbound_rest"), ElementsAre("meta nfproto ipv4 goto refused"));
  EXPECT_THAT(updated({{}, {}, false, true}, "inbound_rest"), ElementsAre("meta nfproto ipv6 goto refused"));
  EXPECT_THAT(filter.update({}), HasSubstr("flush chain inet testudo_testudo0 inbound_rest\n"));
}

TEST_F(FilterTest, WhatNftCannotReadIsRefusedBetweenEndsWhoseProtocolMatters) {
  FilterPlan plan;
  plan.inbound = {{selector("fd00::2", "fd00::1", 17, 0, 110), Treatment::Protect},
                  {selector("fd00::2", "fd00::1", 6), Treatment::Protect},
                  {selector("fd00::3", "fd00::1"), Treatment::Protect},
                  {selector("fd00::4", "fd00::1", 6), Treatment::Clear},
                  {selector("10.0.0.2", "10.0.0.1", 6), Treatment::Protect}};
  const std::string commands = filter.update(plan);
  EXPECT_THAT(rules_of(commands, "inbound_rest"), ElementsAre("meta l4proto != 255 exthdr frag missing accept",
                                                              "meta l4proto != 255 frag frag-off != 0 accept",
                                                              "@th,0,32 != 0 accept", "jump inbound_hidden"));
  EXPECT_THAT(rules_of(commands, "inbound_hidden"),
              ElementsAre("meta nfproto ipv6 ip6 saddr fd00::2/128 ip6 daddr fd00::1/128 goto refused"));
}

TEST_F(FilterTest, AppendsWhatIsNewAtTheEnd) {
  const FilterRule first{selector("10.0.0.1", "10.0.0.2"), Treatment::Protect};
  const FilterRule second{selector("10.0.0.1", "10.0.0.3"), Treatment::Protect};
  filter.update(outbound({first}));
  EXPECT_EQ(
      filter.update(outbound({first, second})),
      std::string{"add rule inet testudo_testudo0 outbound_policies meta nfproto ipv4 ip saddr 10.0.0.1/32 ip daddr "
                  "10.0.0.3/32 "} +
          kMark + "\n");
}

TEST_F(FilterTest, ReplacesAChainWhoseOrderChanged) {
  const FilterRule first{selector("10.0.0.1", "10.0.0.2"), Treatment::Protect};
  const FilterRule second{selector("10.0.0.1", "10.0.0.3"), Treatment::Clear};
  filter.update(outbound({first, second}));
  const std::string commands = filter.update(outbound({second, first}));
  EXPECT_THAT(commands, StartsWith("flush chain inet testudo_testudo0 outbound_policies\n"));
  EXPECT_THAT(commands, Not(HasSubstr("inbound_policies")));
}

TEST_F(FilterTest, SaysNothingWhenNothingChanged) {
  const auto plan = outbound({{selector("10.0.0.1", "10.0.0.2"), Treatment::Protect}});
  filter.update(plan);
  EXPECT_EQ(filter.update(plan), "");
}

TEST_F(FilterTest, FollowsAChangeOfManyPoliciesByAnElement) {
  FilterPlan plan;
  for (std::uint32_t i = 1; i <= 1000; ++i) plan.outbound.push_back(host_rule(i, 32));
  plan.inbound = plan.outbound;
  filter.update(plan);
  EXPECT_EQ(followed({{{Kind::Appended, host_rule(2000, 32)}}, {}}),
            "add element inet testudo_testudo0 out1 { 0.0.7.208 . 0.0.0.1 }\n");
  EXPECT_EQ(followed({{}, {{Kind::Removed, {{}, Treatment::Clear, 0, 7}}}}),
            "delete element inet testudo_testudo0 in1 { 0.0.0.7 . 0.0.0.1 }\n");
}

TEST_F(FilterTest, TheFirstPolicyOfAFamilyBringsTheRulesOfTheFamily) {
  FilterPlan plan;
  for (std::uint32_t i = 1; i <= 1000; ++i) plan.outbound.push_back(host_rule(i, 32));
  filter.update(plan);
  const FilterRule rule{selector("fd00::2", "fd00::1", 6), Treatment::Protect, 0, 2000};
  const std::string commands = followed({{{Kind::Appended, rule}}, {}});
  EXPECT_THAT(rules_of(commands, "outbound"), Contains(std::string{"exthdr frag exists "} + kMark));
  EXPECT_THAT(rules_of(commands, "outbound"), Contains(std::string{"meta nfproto ipv6 "} + kMark));
}

TEST_F(FilterTest, APolicyThatCanHideIsFollowedInBothItsChains) {
  FilterPlan plan;
  for (std::uint32_t i = 1; i <= 1000; ++i) plan.inbound.push_back(host_rule(i, 32));
  filter.update(plan);
  const FilterRule rule{selector("fd00::2", "fd00::1", 6, 0, 25), Treatment::Protect, 0, 2000};
  const std::string commands = followed({{}, {{Kind::Appended, rule}}});
  EXPECT_THAT(commands, HasSubstr("{ fd00::2 . fd00::1 . 6 . 25 }"));
  EXPECT_THAT(rules_of(commands, "inbound_hidden"),
              ElementsAre("meta nfproto ipv6 ip6 saddr fd00::2/128 ip6 daddr fd00::1/128 goto refused"));
  EXPECT_FALSE(filter.follow({{}, {{Kind::Removed, {{}, Treatment::Clear, 0, 2000}}}}));
}

TEST_F(FilterTest, WhatWasFollowedBeforeTheWholePlanWasNeededIsNotForgotten) {
  const FilterRule first{selector("10.0.0.1", "10.0.0.2"), Treatment::Protect, 0, 1};
  const FilterRule second{selector("10.0.0.1", "10.0.0.3"), Treatment::Protect, 0, 2};
  filter.update({{first}, {first}, false, false});
  ASSERT_FALSE(filter.follow({{{Kind::Appended, second}}, {{Kind::Removed, {{}, Treatment::Clear, 0, 1}}}}));
  const std::string commands = filter.update({{first, second}, {}, false, false});
  EXPECT_THAT(rules_of(commands, "outbound_policies"), Contains(HasSubstr("10.0.0.3")));
  EXPECT_THAT(commands, HasSubstr("flush chain inet testudo_testudo0 inbound_policies\n"));
}

TEST_F(FilterTest, FewPoliciesTellTcpAtOnceWhatFits) {
  FilterRule rule{selector("10.0.0.1", "10.0.0.2"), Treatment::Protect, 1300, 1};
  filter.update(outbound({rule}));
  rule = {selector("10.0.0.1", "10.0.0.3"), Treatment::Protect, 1200, 2};
  EXPECT_FALSE(filter.follow({{{Kind::Appended, rule}}, {}})) << "takes the whole plan";
}

TEST_F(FilterTest, ManyPoliciesTellTcpWhenAsked) {
  FilterPlan plan;
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    plan.outbound.push_back(host_rule(i, 32));
    plan.outbound.back().mss = 1300;
  }
  EXPECT_THAT(updated(plan, "mss_into_device"), ElementsAre("meta nfproto ipv4 tcp option maxseg size set 1300"));
  plan.outbound.push_back(host_rule(2000, 32));
  plan.outbound.back().mss = 1200;
  EXPECT_THAT(followed({{{Kind::Appended, plan.outbound.back()}}, {}}), Not(HasSubstr("mss")));
  const std::string commands = filter.fit_tcp(plan);
  for (const char* chain : {"mss_into_device", "mss_out_of_device"}) {
    EXPECT_THAT(rules_of(commands, chain), Contains(HasSubstr("maxseg size set 1200"))) << chain;
  }
  EXPECT_EQ(filter.fit_tcp(plan), "") << "once";
}

TEST(FilterInstall, RefusesInOneChainThatMayBeMadeToLog) {
  const std::string table = Settings{}.nft_table();
  const std::string commands = Filter{Settings{}}.install({});
  EXPECT_THAT(commands, HasSubstr("add rule inet " + table + " refused counter name in_polvio drop\n"));
  EXPECT_THAT(commands, Not(HasSubstr("log group"))) << "not every kernel can";
  EXPECT_THAT(nft_log_refused({}), StartsWith("insert rule inet " + table + " refused limit rate "));
  EXPECT_THAT(nft_log_refused({}), HasSubstr("log group 5050"));
}

TEST(FilterInstall, KeepsTheTwoMarksOfItsSettings) {
  Settings settings;
  settings.mark = 0x10;
  settings.device = "ipsec7";
  const std::string commands = Filter{settings}.install({});
  const auto rules = [&](const std::string& chain) { return rules_of(commands, chain, "testudo_ipsec7"); };
  EXPECT_THAT(rules("marked"),
              ElementsAre("meta mark & 0x00000030 == 0x00000020 accept", "meta mark set meta mark & 0xffffffcf"));
  EXPECT_THAT(rules("prerouting"), ElementsAre("meta mark & 0x00000030 != 0 jump marked", "goto outbound"));
  EXPECT_THAT(rules("guard"),
              ElementsAre("oifname \"ipsec7\" goto into_device", "meta mark & 0x00000030 != 0x00000010 accept",
                          "oifname \"ipsec7s*\" accept", "oifname != \"lo\" counter name escaped drop"));
}

TEST(FilterInstall, OwnPacketsOfNoSlotLeaveAtOnceAndOthersMeetTheirSocketsRules) {
  const std::string commands = Filter{Settings{}}.install({});
  EXPECT_THAT(rules_of(commands, "output"),
              ElementsAre("meta mark & 0xfc000000 == 0x08000000 accept",
                          "meta mark & 0xfc000000 != 0 jump output_marked", "goto outbound"));
  EXPECT_THAT(rules_of(commands, "output_marked"), ElementsAre("jump socket_outbound", "goto marked"));
}

TEST(FilterInstall, NeighbourDiscoveryIsLeftAloneWhereIpv6IsProtected) {
  Filter filter{Settings{}};
  filter.install({});
  const std::string commands = filter.update(outbound({{selector("::/0", "::/0"), Treatment::Protect}}));
  const auto rules = rules_of(commands, "outbound");
  ASSERT_FALSE(rules.empty());
  EXPECT_THAT(rules.front(), StartsWith("icmpv6 type { 130-137, 143 } ")) << "in front of all policies";
}

}  // namespace
}  // namespace testudo::host
