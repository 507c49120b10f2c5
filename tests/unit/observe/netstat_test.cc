#include "observe/netstat.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace testudo::observe {
namespace {

using engine::Statistics;
using net::DropReason;

void drop(Statistics& s, DropReason reason, std::size_t layer, std::uint64_t n) {
  auto& count = s.drops[static_cast<std::size_t>(reason)];
  count.packets += n;
  count.by_protocol.at(layer) += n;
}

std::uint64_t value(const std::vector<StatSection>& sections, std::string_view section, std::string_view name) {
  const auto s = std::ranges::find(sections, section, &StatSection::name);
  if (s == sections.end()) return ~0ULL;
  const auto l = std::ranges::find(s->lines, name, &StatLine::name);
  return l == s->lines.end() ? ~0ULL : l->value;
}

TEST(Netstat, SectionsStandInNetBsdsOrder) {
  const auto sections = netstat_sections(Statistics{});
  ASSERT_EQ(sections.size(), 5U);
  EXPECT_EQ(sections[0].name, "ipsec");
  EXPECT_EQ(sections[1].name, "ah");
  EXPECT_EQ(sections[2].name, "esp");
  EXPECT_EQ(sections[3].name, "ipip");
  EXPECT_EQ(sections[4].name, "ipcomp");
}

std::string lines_of(const StatSection& section) {
  std::string text;
  for (const StatLine& l : section.lines) text += l.words + "\n";
  return text;
}

// netstat(1) of NetBSD 10, line by line.
TEST(Netstat, TheWordsAreNetBsds) {
  const auto sections = netstat_sections(Statistics{});
  EXPECT_EQ(lines_of(sections[0]),
            "input policy violations\noutput policy violations\nno SA found (output)\n"
            "no memory available (output)\nno route available (output)\ngeneric errors (output)\n"
            "bundled SA processed (output)\nSPD cache lookups\nSPD cache misses\n");
  EXPECT_EQ(lines_of(sections[1]),
            "ah input packets processed\nah output packets processed\nah headers too short\n"
            "ah headers for unsupported address family\nah packets with no SA\n"
            "ah packets dropped by crypto returning NULL mbuf\nah packets with bad authentication\n"
            "ah packets with no xform\nah packets dropped due to queue full\n"
            "ah packets dropped for replay counter wrap\nah packets dropped for possible replay\n"
            "ah packets dropped for bad authenticator length\nah packets with an invalid SA\nah packets too big\n"
            "ah packets blocked due to policy\nah failed crypto requests\nah tunnel sanity check failures\n"
            "ah bytes received\nah bytes transmitted\n");
  EXPECT_EQ(lines_of(sections[2]),
            "esp input packets processed\nesp output packets processed\nesp headers too short\n"
            "esp headers for unsupported address family\nesp packets with no SA\n"
            "esp packets dropped by crypto returning NULL mbuf\nesp packets dropped due to queue full\n"
            "esp packets with no xform\nesp packets with bad ilen\nesp packets with bad encryption\n"
            "esp packets with bad authentication\nesp packets dropped for replay counter wrap\n"
            "esp packets dropped for possible replay\nesp packets with an invalid SA\nesp packets too big\n"
            "esp packets blocked due to policy\nesp failed crypto requests\nesp tunnel sanity check failures\n"
            "esp bytes received\nesp bytes transmitted\n");
  EXPECT_EQ(lines_of(sections[3]),
            "ipip total input packets\nipip total output packets\nipip packets too short for header length\n"
            "ipip packets dropped due to queue full\nipip packets blocked due to policy\nipip IP spoofing attempts\n"
            "ipip protocol family mismatched\nipip missing tunnel-endpoint address\nipip input bytes received\n"
            "ipip output bytes processed\n");
  EXPECT_EQ(lines_of(sections[4]),
            "ipcomp packets too short for header length\nipcomp protocol family not supported\n"
            "ipcomp packets with no SA\nipcomp packets dropped by crypto returning NULL mbuf\nipcomp queue full\n"
            "ipcomp no support for transform\nipcomp packets dropped for replay counter wrap\n"
            "ipcomp input IPcomp packets\nipcomp output IPcomp packets\nipcomp packets with an invalid SA\n"
            "ipcomp packets decompressed as too big\nipcomp packets too short to be compressed\n"
            "ipcomp packet for which compression was useless\nipcomp packets blocked due to policy\n"
            "ipcomp failed crypto requests\nipcomp input bytes\nipcomp output bytes\n");
}

TEST(Netstat, ADropCountsAtItsLayerOnly) {
  Statistics s;
  drop(s, DropReason::Replayed, 0, 3);
  drop(s, DropReason::Replayed, 1, 2);
  drop(s, DropReason::BadIcv, 1, 5);
  const auto sections = netstat_sections(s);
  EXPECT_EQ(value(sections, "esp", "replay"), 3U);
  EXPECT_EQ(value(sections, "ah", "replay"), 2U);
  EXPECT_EQ(value(sections, "ah", "badauth"), 5U);
  EXPECT_EQ(value(sections, "esp", "badauth"), 0U);
}

TEST(Netstat, PolicyViolationsOfEveryReasonAddUp) {
  Statistics s;
  drop(s, DropReason::InboundPolicyClear, 3, 1);
  drop(s, DropReason::InboundPolicyMismatch, 3, 2);
  drop(s, DropReason::InboundPolicyDiscard, 3, 4);
  drop(s, DropReason::PolicyDiscard, 3, 8);
  drop(s, DropReason::NoSa, 3, 16);
  const auto sections = netstat_sections(s);
  EXPECT_EQ(value(sections, "ipsec", "in_polvio"), 7U);
  EXPECT_EQ(value(sections, "ipsec", "out_polvio"), 8U);
  EXPECT_EQ(value(sections, "ipsec", "out_nosa"), 16U);
}

TEST(Netstat, HistogramShowsOnlyAlgorithmsThatWereSeen) {
  Statistics s;
  s.esp.histogram[3] = 7;
  const auto sections = netstat_sections(s);
  EXPECT_EQ(value(sections, "esp", "histogram.3des-cbc"), 7U);
  EXPECT_EQ(value(sections, "esp", "histogram.aes-cbc"), ~0ULL);
}

// Whatever the reason, its counter column leads to a line that exists: nothing is dropped without showing up.
TEST(Netstat, EveryDropReasonWithACounterReachesALine) {
  for (std::size_t i = 0; i < net::kDropReasonCount; ++i) {
    const auto& row = net::kDropReasons[i];
    if (row.counter.empty()) continue;
    std::uint64_t seen = 0;
    for (std::size_t layer = 0; layer < 3; ++layer) {
      Statistics s;
      drop(s, static_cast<DropReason>(i), layer, 1);
      for (const auto& section : netstat_sections(s)) {
        for (const auto& l : section.lines) seen += l.value;
      }
    }
    EXPECT_GE(seen, 1U) << row.name << " feeds '" << row.counter << "', which no section prints";
  }
}

}  // namespace
}  // namespace testudo::observe
