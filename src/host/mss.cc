#include "host/mss.h"

#include <algorithm>
#include <optional>

#include "host/nft_match.h"
#include "net/protocol.h"

namespace testudo::host {
namespace {

bool is_of(const FilterRule& rule, net::Family family) {
  return rule.selector.source.address.family() == family;
}

bool concerns_tcp(const FilterRule& rule) {
  return rule.selector.protocol == net::protocol::kAny || rule.selector.protocol == net::protocol::kTcp;
}

net::Selector seen_from(const net::Selector& s, Way way) {
  if (way == Way::IntoDevice) return s;
  return {s.destination, s.source, s.protocol, s.destination_port, s.source_port};
}

std::string lower_to(std::uint16_t mss) {
  return "tcp option maxseg size set " + std::to_string(mss);
}

std::vector<const FilterRule*> rules_of(const FilterPlan& plan, net::Family family) {
  std::vector<const FilterRule*> found;
  for (const FilterRule& rule : plan.outbound) {
    if (is_of(rule, family) && concerns_tcp(rule)) found.push_back(&rule);
  }
  return found;
}

std::optional<std::uint16_t> common_of(const std::vector<const FilterRule*>& rules) {
  std::optional<std::uint16_t> first, least;
  bool same = true;
  for (const FilterRule* rule : rules) {
    if (rule->treatment != Treatment::Protect) continue;
    same = same && first.value_or(rule->mss) == rule->mss;
    first = first.value_or(rule->mss);
    if (rule->mss != 0) least = std::min(least.value_or(rule->mss), rule->mss);
  }
  if (same) return first.value_or(0);
  return rules.size() > kMaxOutboundRules ? least : std::nullopt;
}

}  // namespace

std::optional<std::uint16_t> common_mss(const FilterPlan& plan, net::Family family) {
  return common_of(rules_of(plan, family));
}

bool keeps_mss(const FilterRule& rule, std::optional<std::uint16_t> common) {
  if (!concerns_tcp(rule)) return true;
  return common && (rule.treatment == Treatment::Clear || rule.mss == *common);
}

std::uint16_t mss_within(std::size_t mtu, net::Family family) {
  constexpr std::size_t kTcp = 20, kSmallestV4 = 536, kSmallestV6 = 1220, kLargest = 65495;
  const bool v4 = family == net::Family::V4;
  const std::size_t headers = kTcp + (v4 ? 20 : 40);
  return static_cast<std::uint16_t>(std::clamp(mtu - std::min(mtu, headers), v4 ? kSmallestV4 : kSmallestV6, kLargest));
}

std::vector<std::string> mss_rules(const FilterPlan& plan, Way way) {
  std::vector<std::string> text;
  for (const net::Family family : {net::Family::V4, net::Family::V6}) {
    const std::vector<const FilterRule*> rules = rules_of(plan, family);
    if (const auto common = common_of(rules)) {
      const std::string condition = family == net::Family::V4 ? "meta nfproto ipv4 " : "meta nfproto ipv6 ";
      if (*common != 0) text.push_back(condition + lower_to(*common));
      continue;
    }
    for (const FilterRule* rule : rules) {
      const bool lowers = rule->treatment == Treatment::Protect && rule->mss != 0;
      for (const std::string& match : nft_matches(seen_from(rule->selector, way), false)) {
        text.push_back(match + (lowers ? lower_to(rule->mss) + " return" : "return"));
      }
    }
  }
  return text;
}

}  // namespace testudo::host
