#include "host/conflicts.h"

#include <fstream>

#include "host/nft_conflicts.h"
#include "host/socket_rules.h"
#include "host/sysctl.h"
#include "host/xfrm.h"

namespace testudo::host {
namespace {

using Lines = std::vector<std::string>;

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file{path};
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

bool is_on(const std::string& name) {
  return read_sysctl(name).value_or("0") != "0";
}

std::string joined(const Lines& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  return list;
}

void judge_rule(const ListedRule& rule, const Settings& s, Lines& found) {
  const RuleSpec& r = rule.spec;
  const RuleSpec ours_for_all{s.rule, s.mark, s.mark_mask(), s.table};
  const bool ours = r == ours_for_all || (s.slot_of(r.mark) != 0 && r == socket_route(s, s.slot_of(r.mark)));
  if (ours) return;
  const std::string name =
      std::string{rule.family == net::Family::V4 ? "" : "-6 "} + "rule " + std::to_string(r.preference);
  if (r.preference == s.rule) {
    found.push_back("another ip " + name + " has our preference: give testudo.conf another `rule`.");
  } else if (r.table == s.table) {
    found.push_back("ip " + name + " leads into our table " + std::to_string(s.table) +
                    ": give testudo.conf another `table`.");
  } else if ((r.mask & s.mark_mask()) != 0 && r.mark != 0) {
    found.push_back("ip " + name +
                    " looks at bits of the packet mark that are ours: give testudo.conf another `mark`.");
  } else if (rule.for_all && r.preference != 0 && r.preference < s.rule) {
    found.push_back("ip " + name + " is for all packets and stands in front of ours (" + std::to_string(s.rule) +
                    "): give testudo.conf a smaller `rule`, or protected packets are stopped.");
  }
}

}  // namespace

Surroundings look_around(const Settings& settings, Netlink& netlink, Nft& nft) {
  Surroundings around;
  if (auto ruleset = nft.ruleset()) around.ruleset = *std::move(ruleset);
  for (const char* family : {"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"}) {
    for (const std::string& table : lines_of(family)) around.legacy_tables.push_back(table);
  }
  for (const net::Family family : {net::Family::V4, net::Family::V6}) {
    if (const auto rules = netlink.rules(family)) {
      around.rules.insert(around.rules.end(), rules->begin(), rules->end());
    }
    if (const auto routes = netlink.foreign_routes(family, settings.table)) around.foreign_routes += *routes;
  }
  const KernelIpsec kernel = count_kernel_ipsec();
  around.kernel_sas = kernel.sas;
  around.kernel_policies = kernel.policies;
  around.rp_filter = read_sysctl("ipv4/conf/all/rp_filter").value_or("0");
  around.forwards = is_on("ipv4/ip_forward") || is_on("ipv6/conf/all/forwarding");
  return around;
}

Lines conflicts(const Surroundings& around, const Settings& s) {
  Lines found = nft_conflicts(around.ruleset, s, around.forwards ? Forwarding::On : Forwarding::Off);
  if (!around.legacy_tables.empty()) {
    found.push_back(
        "iptables-legacy has the tables " + joined(around.legacy_tables) +
        ", which nothing else can read: see with `iptables-legacy-save` that they let ESP, AH, IPcomp and UDP "
        "4500 pass.");
  }
  for (const ListedRule& rule : around.rules) judge_rule(rule, s, found);
  if (around.foreign_routes != 0) {
    found.push_back("our table " + std::to_string(s.table) +
                    " holds routes of another program: give testudo.conf another "
                    "`table`.");
  }
  if (around.kernel_sas + around.kernel_policies != 0) {
    found.push_back(
        "the kernel's own IPsec has " + std::to_string(around.kernel_sas) + " SAs and " +
        std::to_string(around.kernel_policies) +
        " policies and acts on the same packets: stop what set them, or `ip xfrm state flush; ip xfrm policy "
        "flush`.");
  }
  if (around.rp_filter == "1") {
    found.push_back("net.ipv4.conf.all.rp_filter is 1 (strict); on " + s.device +
                    " the kernel filters loosely (2), because the way back from there leads elsewhere: of opened "
                    "packets it drops those whose source has no route at all.");
  }
  return found;
}

}  // namespace testudo::host
