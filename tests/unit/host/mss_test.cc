#include "host/mss.h"

#include <gmock/gmock.h>

namespace testudo::host {
namespace {

using net::Family;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

FilterRule rule(const char* source, const char* destination, Treatment treatment, std::uint16_t mss,
                std::uint8_t protocol = net::protocol::kAny, std::uint16_t destination_port = 0) {
  return {
      {*net::Prefix::parse(source), *net::Prefix::parse(destination), protocol, 0, destination_port}, treatment, mss};
}

FilterPlan leaving(std::vector<FilterRule> rules) {
  return {std::move(rules), {}, false, false};
}

TEST(MssWithin, IsThePacketLessTheHeadersAndNeverLessThanEveryHostTakes) {
  struct Row {
    std::size_t mtu;
    Family family;
    std::uint16_t mss;
  };
  for (const Row& row : {Row{1500, Family::V4, 1460}, Row{1500, Family::V6, 1440}, Row{1423, Family::V4, 1383},
                         Row{1280, Family::V6, 1220}, Row{1000, Family::V6, 1220}, Row{30, Family::V4, 536},
                         Row{0, Family::V4, 536}, Row{70000, Family::V4, 65495}}) {
    EXPECT_EQ(mss_within(row.mtu, row.family), row.mss) << row.mtu;
  }
}

TEST(MssRules, OneRuleAFamilyWhenAllPoliciesLeaveTheSameRoom) {
  const auto plan = leaving({rule("10.0.1.0/24", "10.0.2.0/24", Treatment::Protect, 1383),
                             rule("10.0.1.0/24", "10.0.3.0/24", Treatment::Protect, 1383),
                             rule("fd00:1::/64", "fd00:2::/64", Treatment::Protect, 1343)});
  for (const Way way : {Way::IntoDevice, Way::OutOfDevice}) {
    EXPECT_THAT(mss_rules(plan, way), ElementsAre("meta nfproto ipv4 tcp option maxseg size set 1383",
                                                  "meta nfproto ipv6 tcp option maxseg size set 1343"));
  }
}

TEST(MssRules, InTheOrderOfThePoliciesWhenTheyDiffer) {
  const auto plan = leaving({rule("10.0.1.0/24", "10.0.2.9", Treatment::Clear, 0),
                             rule("10.0.1.0/24", "10.0.2.0/24", Treatment::Protect, 1383),
                             rule("10.0.1.0/24", "10.0.3.0/24", Treatment::Protect, 8900, net::protocol::kTcp, 25)});
  EXPECT_THAT(
      mss_rules(plan, Way::IntoDevice),
      ElementsAre("meta nfproto ipv4 ip saddr 10.0.1.0/24 ip daddr 10.0.2.9/32 return",
                  "meta nfproto ipv4 ip saddr 10.0.1.0/24 ip daddr 10.0.2.0/24 tcp option maxseg size set 1383 return",
                  "meta nfproto ipv4 ip saddr 10.0.1.0/24 ip daddr 10.0.3.0/24 meta l4proto 6 @th,16,16 25 tcp option "
                  "maxseg size set 8900 return"));
  EXPECT_THAT(
      mss_rules(plan, Way::OutOfDevice),
      ElementsAre("meta nfproto ipv4 ip saddr 10.0.2.9/32 ip daddr 10.0.1.0/24 return",
                  "meta nfproto ipv4 ip saddr 10.0.2.0/24 ip daddr 10.0.1.0/24 tcp option maxseg size set 1383 return",
                  "meta nfproto ipv4 ip saddr 10.0.3.0/24 ip daddr 10.0.1.0/24 meta l4proto 6 @th,0,16 25 tcp option "
                  "maxseg size set 8900 return"));
}

TEST(MssRules, ManyPoliciesThatDifferAreToldTheLeast) {
  FilterPlan plan = leaving({rule("::/0", "::/0", Treatment::Protect, 1220)});
  for (std::uint32_t n = 0; n <= kMaxOutboundRules; ++n) {
    plan.outbound.push_back(rule("10.0.1.0/24", "10.0.2.0/24", Treatment::Protect, n == 7 ? 1300 : 1383));
    plan.outbound.back().selector.source.address = net::Address::v4(n);
  }
  plan.outbound.push_back(rule("10.0.1.0/24", "10.0.2.0/24", Treatment::Protect, 0));  // without a limit
  for (const Way way : {Way::IntoDevice, Way::OutOfDevice}) {
    EXPECT_THAT(mss_rules(plan, way), ElementsAre("meta nfproto ipv4 tcp option maxseg size set 1300",
                                                  "meta nfproto ipv6 tcp option maxseg size set 1220"));
  }
}

TEST(MssRules, NothingWhereNothingIsLimitedOrNoTcpIsProtected) {
  EXPECT_THAT(mss_rules({}, Way::IntoDevice), IsEmpty());
  EXPECT_THAT(mss_rules(leaving({rule("10.0.1.0/24", "10.0.2.0/24", Treatment::Protect, 0)}), Way::IntoDevice),
              IsEmpty());
  EXPECT_THAT(
      mss_rules(leaving({rule("::/0", "::/0", Treatment::Protect, 1300, net::protocol::kUdp)}), Way::IntoDevice),
      IsEmpty());
  EXPECT_THAT(mss_rules(leaving({rule("::/0", "::/0", Treatment::Clear, 0)}), Way::OutOfDevice), IsEmpty());
}

}  // namespace
}  // namespace testudo::host
