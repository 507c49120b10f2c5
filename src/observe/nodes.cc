#include "observe/nodes.h"

#include <algorithm>
#include <array>

namespace testudo::observe {
namespace {

using enum Node::Kind;

// clang-format off
constexpr std::array kNodes{
    Node{"net.inet.ipsec.ipsecstats", "net.inet.ipsec.stats", Counters, "ipsec", "counters of policies and look-ups"},
    Node{"net.inet6.ipsec6.stats", "", Counters, "ipsec", "the same as net.inet.ipsec.ipsecstats"},
    Node{"net.inet.ah.ah_stats", "net.inet.ah.stats", Counters, "ah", "counters of AH, IPv4 and IPv6"},
    Node{"net.inet.esp.esp_stats", "net.inet.esp.stats", Counters, "esp", "counters of ESP, IPv4 and IPv6"},
    Node{"net.inet.ipip.ipip_stats", "net.inet.ipip.stats", Counters, "ipip", "counters of tunnels' outer headers"},
    Node{"net.inet.ipcomp.ipcomp_stats", "net.inet.ipcomp.stats", Counters, "ipcomp", "counters of IPcomp, IPv4 and IPv6"},
    Node{"net.key.stats", "", PfkeyCounters, "pfkey", "counters of PF_KEY messages"},
    Node{"net.key.dumpsa", "", Sas, "", "the SAs, as SADB_DUMP gives them; .2 those of AH, .3 of ESP, .9 of IPcomp"},
    Node{"net.key.dumpsp", "", Policies, "", "the policies, as SADB_X_SPDDUMP gives them"},
};

// netipsec's arrays.  Those of clusters and mbufs, which no netstat shows, stay 0 here: there are none.
constexpr std::array<std::string_view, 16> kIpsec{
    "in_polvio", "out_polvio", "out_nosa", "out_nomem", "out_noroute", "out_inval", "out_bundlesa", "mbcoalesced",
    "clcoalesced", "clcopied", "mbinserted", "spdcachelookup", "spdcachemiss", "input_front", "input_middle", "input_end"};
constexpr std::array<std::string_view, 19> kAh{
    "hdrops", "nopf", "notdb", "badkcr", "badauth", "noxform", "qfull", "wrap", "replay", "badauthl",
    "input", "output", "invalid", "ibytes", "obytes", "toobig", "pdrops", "crypto", "tunnel"};
constexpr std::array<std::string_view, 20> kEsp{
    "hdrops", "nopf", "notdb", "badkcr", "qfull", "noxform", "badilen", "wrap", "badenc", "badauth",
    "replay", "input", "output", "invalid", "ibytes", "obytes", "toobig", "pdrops", "crypto", "tunnel"};
constexpr std::array<std::string_view, 10> kIpip{
    "ipackets", "opackets", "hdrops", "qfull", "ibytes", "obytes", "pdrops", "spoof", "family", "unspec"};
constexpr std::array<std::string_view, 17> kIpcomp{
    "hdrops", "nopf", "notdb", "badkcr", "qfull", "noxform", "wrap", "input", "output",
    "invalid", "ibytes", "obytes", "toobig", "minlen", "useless", "pdrops", "crypto"};
// clang-format on

std::span<const std::string_view> order_of(std::string_view section) {
  if (section == "ipsec") return kIpsec;
  if (section == "ah") return kAh;
  if (section == "esp") return kEsp;
  if (section == "ipip") return kIpip;
  if (section == "ipcomp") return kIpcomp;
  return {};
}

}  // namespace

std::span<const Node> nodes() {
  return kNodes;
}

const Node* find_node(std::string_view name) {
  constexpr std::string_view kSas = "net.key.dumpsa.";
  constexpr std::array<std::string_view, 5> kSaTypes{"0", "2", "3", "9", "11"};
  if (name.starts_with(kSas) && std::ranges::find(kSaTypes, name.substr(kSas.size())) != kSaTypes.end()) {
    name = kSas.substr(0, kSas.size() - 1);
  }
  const auto row = std::ranges::find_if(
      kNodes, [name](const Node& n) { return n.name == name || (!n.alias.empty() && n.alias == name); });
  return row == kNodes.end() ? nullptr : &*row;
}

std::vector<StatLine> counters_of(const Node& node, const engine::Statistics& statistics) {
  const auto sections = netstat_sections(statistics);
  const auto section = std::ranges::find(sections, node.section, &StatSection::name);
  if (section == sections.end()) return {};
  std::vector<StatLine> counters;
  for (const std::string_view name : order_of(node.section)) {
    const auto line = std::ranges::find(section->lines, name, &StatLine::name);
    counters.push_back(line == section->lines.end() ? StatLine{std::string{name}, 0, {}, false} : *line);
  }
  std::ranges::copy_if(section->lines, std::back_inserter(counters), &StatLine::in_histogram);
  return counters;
}

}  // namespace testudo::observe
