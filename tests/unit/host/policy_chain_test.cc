// A chain of policies: few as rules, many as sets, and changes one by one.  What the kernel makes of the commands is
// tests/netns/test_many_policies.py's.
#include "host/policy_chain.h"

#include <gmock/gmock.h>

namespace testudo::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Kind = FilterChange::Kind;

FilterRule rule(const std::string& source, const std::string& destination, std::uint32_t policy,
                Treatment treatment = Treatment::Protect) {
  return {
      {*net::Prefix::parse(source), *net::Prefix::parse(destination), net::protocol::kAny, 0, 0}, treatment, 0, policy};
}

FilterRule for_port(FilterRule r, std::uint8_t protocol, std::uint16_t port) {
  r.selector.protocol = protocol;
  r.selector.destination_port = port;
  return r;
}

std::string host(std::uint32_t n) {
  return net::Address::v4(0x0a000000U + n).to_string();
}

/// Hosts 10.0.0.1 … to one network, with policies of the same numbers.
std::vector<FilterRule> many(std::uint32_t count = 100, Treatment treatment = Treatment::Protect) {
  std::vector<FilterRule> rules;
  for (std::uint32_t n = 1; n <= count; ++n) rules.push_back(rule(host(n), "20.0.0.0/8", n, treatment));
  return rules;
}

class PolicyChainTest : public testing::Test {
 protected:
  std::string follow(std::vector<FilterChange> changes) {
    std::string commands;
    EXPECT_TRUE(chain.follow(changes, commands));
    return commands;
  }
  bool needs_list(std::vector<FilterChange> changes) {
    std::string commands;
    return !chain.follow(changes, commands);
  }

  PolicyChain chain{{"t", "c", "s"}, {"accept"}, {"drop", PolicyChain::Verdict::Generous::Always}};
};

TEST_F(PolicyChainTest, FewPoliciesAreRules) {
  EXPECT_EQ(chain.replace({rule("10.0.0.1", "20.0.0.0/8", 1)}),
            "add rule inet t c meta nfproto ipv4 ip saddr 10.0.0.1/32 ip daddr 20.0.0.0/8 drop\n");
}

TEST_F(PolicyChainTest, AnotherOfFewIsAppended) {
  chain.replace({rule("10.0.0.1", "20.0.0.0/8", 1)});
  EXPECT_EQ(follow({{Kind::Appended, rule("10.0.0.2", "20.0.0.0/8", 2, Treatment::Clear)}}),
            "add rule inet t c meta nfproto ipv4 ip saddr 10.0.0.2/32 ip daddr 20.0.0.0/8 accept\n");
  EXPECT_TRUE(needs_list({{Kind::Removed, {{}, Treatment::Clear, 0, 1}}})) << "a rule is named by its handle only";
}

TEST_F(PolicyChainTest, ManyOfOneShapeAreOneRuleAndOneSet) {
  const std::string commands = chain.replace(many());
  EXPECT_THAT(commands, HasSubstr("add set inet t s1 { type ipv4_addr . ipv4_addr; }\n"
                                  "add rule inet t c meta nfproto ipv4 ip saddr . ip daddr & 255.0.0.0 @s1 drop\n"
                                  "add element inet t s1 { 10.0.0.1 . 20.0.0.0, 10.0.0.2 . 20.0.0.0, "));
  EXPECT_EQ(chain.rules(), 1U);
}

TEST_F(PolicyChainTest, ShapesOfBothFamiliesWithProtocolAndPorts) {
  std::vector<FilterRule> rules = many();
  rules.push_back(for_port(rule("0.0.0.0/0", "10.1.0.0/16", 201), 6, 25));
  rules.push_back(rule("fd00:1::/32", "::/0", 202));
  const std::string commands = chain.replace(rules);
  EXPECT_THAT(commands, HasSubstr("add set inet t s2 { type ipv4_addr . inet_proto . inet_service; }\n"
                                  "add rule inet t c meta nfproto ipv4 ip daddr & 255.255.0.0 . meta l4proto . th "
                                  "dport @s2 drop\nadd element inet t s2 { 10.1.0.0 . 6 . 25 }\n"));
  EXPECT_THAT(commands, HasSubstr("add set inet t s3 { type ipv6_addr; }\n"
                                  "add rule inet t c meta nfproto ipv6 ip6 saddr & ffff:ffff:: @s3 drop\n"
                                  "add element inet t s3 { fd00:1:: }\n"));
}

TEST_F(PolicyChainTest, WhatSetsCannotHoldKeepsARuleInItsPlace) {
  std::vector<FilterRule> rules = many();
  rules.push_back(for_port(rule("10.0.0.1", "10.0.0.2", 201), net::protocol::kIcmp, 3));
  rules.push_back(rule("0.0.0.0/0", "0.0.0.0/0", 202));
  const std::string commands = chain.replace(rules);
  EXPECT_THAT(commands, HasSubstr("ip daddr 10.0.0.2/32 meta l4proto 1 @th,8,8 3 drop\n"));
  EXPECT_THAT(commands, HasSubstr("add rule inet t c meta nfproto ipv4 drop\n"));
  EXPECT_TRUE(needs_list({{Kind::Removed, {{}, Treatment::Clear, 0, 201}}}));
}

TEST_F(PolicyChainTest, AnotherTreatmentBeginsAnotherRunAndSoDoesTheFirstAgain) {
  std::vector<FilterRule> rules = many();
  rules.push_back(rule(host(201), "20.0.0.0/8", 201, Treatment::Clear));
  rules.push_back(rule(host(202), "20.0.0.0/8", 202));
  const std::string commands = chain.replace(rules);
  const auto first = commands.find("@s1 drop"), second = commands.find("@s2 accept"), third = commands.find("@s3 drop");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST_F(PolicyChainTest, ANewPolicyIsAnElementOfTheLastRun) {
  chain.replace(many());
  EXPECT_EQ(follow({{Kind::Appended, rule("10.9.0.1", "20.0.0.0/8", 201)},
                    {Kind::Appended, rule("10.9.0.2", "20.0.0.0/8", 202)}}),
            "add element inet t s1 { 10.9.0.1 . 20.0.0.0, 10.9.0.2 . 20.0.0.0 }\n");
}

TEST_F(PolicyChainTest, ANewPolicyOfAnotherTreatmentComesBehindAll) {
  chain.replace(many());
  const std::string commands = follow({{Kind::Appended, rule("10.9.0.1", "20.0.0.0/8", 201, Treatment::Clear)},
                                       {Kind::Appended, rule("10.9.0.2", "20.0.0.0/8", 202)}});
  EXPECT_THAT(commands, AllOf(HasSubstr("@s2 accept\nadd element inet t s2 { 10.9.0.1 . 20.0.0.0 }\n"),
                              HasSubstr("@s3 drop\nadd element inet t s3 { 10.9.0.2 . 20.0.0.0 }\n")));
}

TEST_F(PolicyChainTest, ARemovedPolicyIsAnElementLess) {
  chain.replace(many());
  EXPECT_EQ(follow({{Kind::Removed, {{}, Treatment::Clear, 0, 7}}}),
            "delete element inet t s1 { 10.0.0.7 . 20.0.0.0 }\n");
  EXPECT_FALSE(chain.holds(7));
}

TEST_F(PolicyChainTest, AnElementStaysWhileAnotherPolicyNeedsIt) {
  chain.replace(many());
  // A bit beyond the prefix: another selector, the same packets.
  EXPECT_THAT(follow({{Kind::Appended, rule("10.0.0.7", "20.0.0.9/8", 201)}}), IsEmpty());
  EXPECT_THAT(follow({{Kind::Removed, {{}, Treatment::Clear, 0, 7}}}), IsEmpty());
  EXPECT_EQ(follow({{Kind::Removed, {{}, Treatment::Clear, 0, 201}}}),
            "delete element inet t s1 { 10.0.0.7 . 20.0.0.0 }\n");
}

TEST_F(PolicyChainTest, ComingAndGoingAtOnceKeepsTheOrderOfEvents) {
  chain.replace(many());
  EXPECT_EQ(follow({{Kind::Removed, {{}, Treatment::Clear, 0, 7}}, {Kind::Appended, rule(host(7), "20.0.0.0/8", 201)}}),
            "delete element inet t s1 { 10.0.0.7 . 20.0.0.0 }\nadd element inet t s1 { 10.0.0.7 . 20.0.0.0 }\n");
  EXPECT_THAT(follow({{Kind::Removed, {{}, Treatment::Clear, 0, 999}}}), IsEmpty()) << "it went before anyone looked";
}

TEST_F(PolicyChainTest, AReplacedPolicyMattersWhenItsTreatmentChanges) {
  chain.replace(many());
  EXPECT_THAT(follow({{Kind::Replaced, rule(host(7), "20.0.0.0/8", 7)}}), IsEmpty());
  EXPECT_TRUE(needs_list({{Kind::Replaced, rule(host(7), "20.0.0.0/8", 7, Treatment::Clear)}}));
}

TEST_F(PolicyChainTest, TheSameListAgainSaysNothingAndKeepsTheNamesOfItsSets) {
  chain.replace(many());
  EXPECT_THAT(chain.replace(many()), IsEmpty());
  EXPECT_THAT(follow({{Kind::Removed, {{}, Treatment::Clear, 0, 7}}}), StartsWith("delete element inet t s1 "));
}

TEST_F(PolicyChainTest, AnotherListEmptiesTheChainAndTakesItsSetsAway) {
  chain.replace(many());
  EXPECT_THAT(chain.replace(many(100, Treatment::Clear)),
              AllOf(StartsWith("flush chain inet t c\ndelete set inet t s1\nadd set inet t s2 "),
                    HasSubstr("@s2 accept"), Not(HasSubstr("drop"))));
  EXPECT_EQ(chain.replace({}), "flush chain inet t c\ndelete set inet t s2\n");
  EXPECT_FALSE(chain.protects(net::Family::V4));
}

TEST_F(PolicyChainTest, KnowsWhichFamiliesItProtects) {
  EXPECT_FALSE(chain.protects(net::Family::V4));
  chain.replace(many());
  EXPECT_TRUE(chain.protects(net::Family::V4));
  EXPECT_FALSE(chain.protects(net::Family::V6));
  follow({{Kind::Appended, rule("fd00::1", "fd00::2", 201, Treatment::Clear)}});
  EXPECT_FALSE(chain.protects(net::Family::V6));
  follow({{Kind::Appended, rule("fd00::1", "fd00::2", 202)}});
  EXPECT_TRUE(chain.protects(net::Family::V6));
  follow({{Kind::Removed, {{}, Treatment::Clear, 0, 202}}});
  EXPECT_FALSE(chain.protects(net::Family::V6));
}

TEST_F(PolicyChainTest, ChangesAreSaidUpToTheOneThatNeedsTheWholeList) {
  chain.replace(many());
  std::string commands;
  EXPECT_FALSE(chain.follow({{Kind::Appended, rule("10.9.0.1", "20.0.0.0/8", 201, Treatment::Clear)},
                             {Kind::Replaced, rule(host(7), "20.0.0.0/8", 7, Treatment::Clear)},
                             {Kind::Appended, rule("10.9.0.2", "20.0.0.0/8", 202)}},
                            commands));
  EXPECT_THAT(commands, HasSubstr("add element inet t s2 { 10.9.0.1 . 20.0.0.0 }\n"));
  EXPECT_THAT(commands, Not(HasSubstr("10.9.0.2")));
  EXPECT_THAT(chain.replace({}), HasSubstr("delete set inet t s2\n")) << "which those commands made";
}

TEST_F(PolicyChainTest, FromManyToFewAndBackTakesTheWholeList) {
  chain.replace(many(kPlainPolicies));
  EXPECT_TRUE(needs_list({{Kind::Appended, rule("10.9.0.1", "20.0.0.0/8", 201)}}));
  chain.replace(many(kPlainPolicies + 1));
  std::vector<FilterChange> gone;
  for (std::uint32_t n = 1; n <= kPlainPolicies / 2 + 2; ++n)
    gone.push_back({Kind::Removed, {{}, Treatment::Clear, 0, n}});
  EXPECT_TRUE(needs_list(gone));
}

TEST_F(PolicyChainTest, ASelectorOfTwoFamiliesIsNowhere) {
  std::vector<FilterRule> rules = many();
  EXPECT_THAT(chain.replace({rule("10.0.0.1", "fd00::1", 1)}), IsEmpty());
  rules.push_back(rule("10.0.0.1", "fd00::1", 201));
  EXPECT_THAT(chain.replace(rules), Not(HasSubstr("fd00")));
  EXPECT_THAT(follow({{Kind::Removed, {{}, Treatment::Clear, 0, 201}}}), IsEmpty());
}

}  // namespace
}  // namespace testudo::host
