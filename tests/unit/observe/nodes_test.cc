#include "observe/nodes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace testudo::observe {
namespace {

TEST(Nodes, AreFoundByNameAndAlias) {
  for (const Node& node : nodes()) {
    EXPECT_EQ(find_node(node.name), &node);
    if (!node.alias.empty()) {
      EXPECT_EQ(find_node(node.alias), &node);
    }
  }
  EXPECT_EQ(find_node(""), nullptr);
  EXPECT_EQ(find_node("net.inet.esp"), nullptr);
}

// The arrays of netipsec, whose order is that of the binary nodes.
TEST(Nodes, CountersStandInTheOrderOfTheArrays) {
  const auto names = [](std::string_view node) {
    std::string text;
    for (const StatLine& l : counters_of(*find_node(node), {})) text += l.name + " ";
    return text;
  };
  const std::string ipsec =
      "in_polvio out_polvio out_nosa out_nomem out_noroute out_inval out_bundlesa mbcoalesced clcoalesced clcopied "
      "mbinserted spdcachelookup spdcachemiss input_front input_middle input_end ";
  EXPECT_EQ(names("net.inet.ipsec.ipsecstats"), ipsec);
  EXPECT_EQ(names("net.inet6.ipsec6.stats"), ipsec);
  EXPECT_EQ(names("net.inet.ah.ah_stats"),
            "hdrops nopf notdb badkcr badauth noxform qfull wrap replay badauthl input output invalid ibytes obytes "
            "toobig pdrops crypto tunnel ");
  EXPECT_EQ(names("net.inet.esp.esp_stats"),
            "hdrops nopf notdb badkcr qfull noxform badilen wrap badenc badauth replay input output invalid ibytes "
            "obytes toobig pdrops crypto tunnel ");
  EXPECT_EQ(names("net.inet.ipcomp.ipcomp_stats"),
            "hdrops nopf notdb badkcr qfull noxform wrap input output invalid ibytes obytes toobig minlen useless "
            "pdrops crypto ");
  EXPECT_EQ(names("net.inet.ipip.ipip_stats"),
            "ipackets opackets hdrops qfull ibytes obytes pdrops spoof family unspec ");
}

// A line that no node shows, or a counter of a node that has no line, would be a slip of the pen.
TEST(Nodes, ShowEveryLineOfNetstat) {
  engine::Statistics s;
  s.esp.histogram[3] = 7;
  for (const Node& node : nodes()) {
    std::multiset<std::string> lines, counters;
    for (const StatLine& c : counters_of(node, s)) counters.insert(c.name);
    for (const StatSection& section : netstat_sections(s)) {
      if (section.name != node.section) continue;
      for (const StatLine& l : section.lines) lines.insert(l.name);
    }
    for (const char* mbufs :
         {"mbcoalesced", "clcoalesced", "clcopied", "mbinserted", "input_front", "input_middle", "input_end"}) {
      counters.erase(mbufs);
    }
    EXPECT_EQ(counters, lines) << node.name;
  }
}

}  // namespace
}  // namespace testudo::observe
