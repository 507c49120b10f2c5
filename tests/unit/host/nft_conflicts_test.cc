#include "host/nft_conflicts.h"

#include <gmock/gmock.h>

namespace testudo::host {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A ruleset in the form of nft 1.0.6: one table "inet f" with these items.
std::string ruleset(const std::string& items) {
  return R"({"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
                          {"table": {"family": "inet", "name": "f", "handle": 1}}, )" +
         items + "]}";
}

std::string chain(const std::string& name, const std::string& hook, const std::string& policy,
                  const std::string& type = "filter", const std::string& table = "f") {
  return R"({"chain": {"family": "inet", "table": ")" + table + R"(", "name": ")" + name +
         R"(", "handle": 1, "type": ")" + type + R"(", "hook": ")" + hook + R"(", "prio": 0, "policy": ")" + policy +
         R"("}})";
}

std::string rule(const std::string& chain, const std::string& expressions, const std::string& table = "f") {
  return R"({"rule": {"family": "inet", "table": ")" + table + R"(", "chain": ")" + chain +
         R"(", "handle": 3, "expr": [)" + expressions + "]}}";
}

std::string match(const std::string& left, const std::string& right, const std::string& op = "==") {
  return R"({"match": {"op": ")" + op + R"(", "left": )" + left + R"(, "right": )" + right + "}}";
}

const std::string kL4Proto = R"({"meta": {"key": "l4proto"}})", kOut = R"({"meta": {"key": "oifname"}})",
                  kIn = R"({"meta": {"key": "iifname"}})",
                  kUdpPort = R"({"payload": {"protocol": "udp", "field": "dport"}})", kDrop = R"({"drop": null})",
                  kAccept = R"({"accept": null})", kMasquerade = R"({"masquerade": null})";

std::vector<std::string> found(const std::string& items, Forwarding forwarding = Forwarding::On) {
  return nft_conflicts(ruleset(items), {}, forwarding);
}

TEST(NftConflicts, ARuleThatDropsOurProtocolsByWhateverNameOrNumber) {
  struct Row {
    std::string match, words;
  };
  const std::vector<Row> rows{
      {match(kL4Proto, R"("esp")"), "drops ESP:"},
      {match(kL4Proto, "51"), "drops AH:"},
      {match(kL4Proto, R"({"set": ["udp", "esp", "ah", "ipcomp"]})"), "drops ESP, AH, IPcomp:"},
      {match(R"({"payload": {"protocol": "ip", "field": "protocol"}})", R"("esp")"), "drops ESP:"},
      {match(R"({"payload": {"protocol": "ip6", "field": "nexthdr"}})", R"("ah")"), "drops AH:"},
      {match(kUdpPort, "4500"), "drops ESP in UDP:"},
      {match(kUdpPort, R"({"set": [500, {"range": [4000, 4600]}]})"), "drops ESP in UDP:"},
      {match(R"({"payload": {"protocol": "th", "field": "dport"}})", "4500"), "drops ESP in UDP:"},
  };
  for (const Row& row : rows) {
    for (const std::string& verdict :
         {kDrop, std::string{R"({"reject": {"type": "icmpx", "expr": "port-unreachable"}})"}}) {
      EXPECT_THAT(found(rule("input", row.match + ", " + verdict)), ElementsAre(HasSubstr(row.words))) << row.match;
    }
    EXPECT_THAT(found(rule("input", row.match + ", " + kAccept)), IsEmpty()) << row.match;
  }
}

TEST(NftConflicts, RulesAboutOtherThingsAreNobodysBusiness) {
  EXPECT_THAT(found(rule("input", match(kL4Proto, R"("esp")", "!=") + ", " + kDrop)), IsEmpty());
  EXPECT_THAT(found(rule("input", match(kUdpPort, "53") + ", " + kDrop)), IsEmpty());
  EXPECT_THAT(found(rule("input", match(kUdpPort, R"({"range": [5000, 6000]})") + ", " + kDrop)), IsEmpty());
}

TEST(NftConflicts, AChainThatDropsWhatNobodyAccepts) {
  EXPECT_THAT(found(chain("input", "input", "drop")), ElementsAre(HasSubstr("accepts ESP, AH, IPcomp, ESP in UDP:")));
  EXPECT_THAT(found(chain("input", "input", "drop") + "," +
                    rule("other", match(kL4Proto, R"({"set": ["esp", "ah", "ipcomp"]})") + "," + kAccept)),
              ElementsAre(HasSubstr("accepts ESP in UDP:")));
  EXPECT_THAT(found(chain("input", "input", "accept")), IsEmpty());
  // The usual first rules of a firewall let nothing new in.
  EXPECT_THAT(found(chain("input", "input", "drop") + "," + rule("input", match(kIn, R"("lo")") + "," + kAccept) + "," +
                    rule("input", match(R"({"ct": {"key": "state"}})", R"(["established"])", "in") + "," + kAccept)),
              ElementsAre(HasSubstr("ESP, AH")));
  EXPECT_THAT(found(chain("input", "input", "drop") + "," + rule("input", match(kIn, R"("eth1")") + "," + kAccept)),
              IsEmpty());
}

TEST(NftConflicts, AForwardingChainHasToNameTheDevice) {
  const std::string drops = chain("forward", "forward", "drop");
  EXPECT_THAT(found(drops), ElementsAre(HasSubstr("names testudo0")));
  EXPECT_THAT(found(drops, Forwarding::Off), IsEmpty());
  EXPECT_THAT(found(drops + "," + rule("forward", match(kIn, R"("testudo0")") + "," + kAccept)), IsEmpty());
}

TEST(NftConflicts, TranslationOfWhatIsToBeProtected) {
  const std::string nat = chain("nat", "postrouting", "accept", "nat");
  EXPECT_THAT(found(nat + "," + rule("nat", kMasquerade)), ElementsAre(HasSubstr("what leaves by testudo0")));
  EXPECT_THAT(found(nat + "," + rule("nat", match(kOut, R"("eth0")") + "," + kMasquerade)), IsEmpty());
  EXPECT_THAT(found(nat + "," + rule("nat", match(kOut, R"("testudo0")", "!=") + "," + kMasquerade)), IsEmpty());
  EXPECT_THAT(found(nat + "," + rule("nat", match(kOut, R"("docker0")", "!=") + "," + kMasquerade)),
              ElementsAre(HasSubstr("what leaves by testudo0")));
  EXPECT_THAT(found(nat + "," + rule("nat", match(kL4Proto, R"("esp")") + R"(, {"snat": {"addr": "1.2.3.4"}})")),
              ElementsAre(HasSubstr("translates the addresses of ESP")));
  EXPECT_THAT(found(nat + "," + rule("nat", R"({"xt": {"type": "target", "name": "MASQUERADE"}})")),
              ElementsAre(HasSubstr("what leaves by testudo0")));
}

TEST(NftConflicts, ReversePathFiltersStopOpenedPackets) {
  const std::string fib = match(R"({"fib": {"result": "oif", "flags": ["saddr", "mark", "iif"]}})", "false");
  EXPECT_THAT(found(rule("pre", fib + "," + kDrop)), ElementsAre(HasSubstr("exempt testudo0")));
  EXPECT_THAT(found(rule("pre", match(kIn, R"("testudo0")", "!=") + "," + fib + "," + kDrop)), IsEmpty());
}

TEST(NftConflicts, TheSameThingIsSaidOnce) {
  const std::string drop = rule("input", match(kL4Proto, R"("esp")") + "," + kDrop);
  EXPECT_EQ(found(drop + "," + drop).size(), 1U);
}

TEST(NftConflicts, OurOwnTablesAndOtherFamiliesAreLeftAlone) {
  EXPECT_THAT(found(chain("input", "input", "drop", "filter", "testudo_ipsec7") + "," +
                    rule("guard", match(kL4Proto, R"("esp")") + "," + kDrop, "testudo_ipsec7")),
              IsEmpty());
  EXPECT_THAT(found(R"({"chain": {"family": "bridge", "table": "f", "name": "x", "type": "filter", "hook": "input",
                                  "policy": "drop"}})"),
              IsEmpty());
}

TEST(NftConflicts, WhatIsNoRulesetHasNone) {
  for (const char* text :
       {"", "{", "[]", "7", R"({"nftables": 7})", R"({"nftables": [7, {}, {"rule": 3}, {"chain": []}]})",
        R"({"nftables": [{"rule": {"family": "inet", "expr": [1, {"match": 2}]}}]})"}) {
    EXPECT_THAT(nft_conflicts(text, {}, Forwarding::On), IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace testudo::host
