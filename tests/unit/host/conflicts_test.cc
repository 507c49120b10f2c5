#include "host/conflicts.h"

#include <gmock/gmock.h>

#include "host/socket_rules.h"

namespace testudo::host {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Settings kSettings;

ListedRule ours() {
  return {net::Family::V4, {kSettings.rule, kSettings.mark, kSettings.mark_mask(), kSettings.table}, false};
}

std::vector<std::string> about(const ListedRule& rule) {
  Surroundings around;
  around.rules = {ours(), rule};
  return conflicts(around, kSettings);
}

TEST(IpRules, OfSocketsWithPoliciesAreOurs) {
  EXPECT_TRUE(about({net::Family::V4, socket_route(kSettings, 3), false}).empty());
  RuleSpec another = socket_route(kSettings, 3);
  ++another.table;
  EXPECT_FALSE(about({net::Family::V4, another, false}).empty());
}

TEST(Conflicts, AHostOfItsOwnHasNone) {
  Surroundings around;
  around.rules = {ours(), {net::Family::V4, {0, 0, 0, 255}, true}, {net::Family::V4, {32766, 0, 0, 254}, true}};
  around.rp_filter = "2";
  EXPECT_THAT(conflicts(around, kSettings), IsEmpty());
}

TEST(Conflicts, RulesWithOurNumbersOrInFrontOfOurs) {
  struct Row {
    RuleSpec spec;
    bool for_all;
    const char* words;
  };
  for (const Row& row : {Row{{5050, 7, 0xff, 100}, false, "has our preference"},
                         Row{{100, 7, 0xff, 5050}, false, "leads into our table 5050"},
                         Row{{100, 0x08000000, 0xffffffff, 100}, false, "bits of the packet mark that are ours"},
                         Row{{100, 0, 0, 100}, true, "stands in front of ours"}}) {
    EXPECT_THAT(about({net::Family::V6, row.spec, row.for_all}), ElementsAre(HasSubstr(row.words)));
  }
  EXPECT_THAT(about({net::Family::V4, {100, 7, 0xff, 100}, false}), IsEmpty()) << "another mark";
  EXPECT_THAT(about({net::Family::V4, {100, 0, 0, 100}, false}), IsEmpty()) << "for some packets only";
  EXPECT_THAT(about({net::Family::V4, {6000, 0, 0, 100}, true}), IsEmpty()) << "behind ours";
}

TEST(Conflicts, TheKernelsOwnIpsecAndWhatElseActsOnOurPackets) {
  Surroundings around;
  around.kernel_policies = 3;
  EXPECT_THAT(conflicts(around, kSettings), ElementsAre(HasSubstr("0 SAs and 3 policies")));
  around = {};
  around.legacy_tables = {"filter", "nat"};
  EXPECT_THAT(conflicts(around, kSettings), ElementsAre(HasSubstr("filter, nat")));
  around = {};
  around.foreign_routes = 1;
  EXPECT_THAT(conflicts(around, kSettings), ElementsAre(HasSubstr("table 5050 holds routes of another")));
  around = {};
  around.rp_filter = "1";
  EXPECT_THAT(conflicts(around, kSettings), ElementsAre(HasSubstr("rp_filter is 1")));
}

}  // namespace
}  // namespace testudo::host
