#include "host/nft_conflicts.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

namespace testudo::host {
namespace {

using nlohmann::json;

/// Bits of what IPsec sends and receives.
enum Traffic : unsigned { kEsp = 1, kAh = 2, kIpcomp = 4, kUdp = 8, kAll = 15 };

enum class Verdict : std::uint8_t { None, Accept, Drop, Nat };

/// What a rule is about, as far as it says so itself.
struct RuleView {
  Verdict verdict = Verdict::None;
  unsigned traffic = 0;            ///< what it names
  bool narrow = false;             ///< it asks for more than a device or a protocol
  bool not_into_device = false;    ///< it is for packets that leave elsewhere
  bool not_out_of_device = false;  ///< that came from elsewhere
  bool names_device = false;       ///< our device
  bool reverse_path = false;       ///< drops what came by another device than answers would leave by
  bool loopback = false;           ///< for that only
};

/// What the rules of a table let pass.
struct Accepted {
  unsigned traffic = 0;
  bool names_device = false;
};

struct Judge {
  const Settings& settings;
  Forwarding forwarding;
  std::vector<std::string> found;
  std::set<std::string> behind_routing;         ///< chains at the postrouting hook
  std::map<std::string, Accepted> accepted_by;  ///< table

  RuleView view(const json& rule) const;
  void take_match(const json& match, RuleView& view) const;
  void take_device(const json& match, RuleView& view) const;
  unsigned traffic_of(const json& left, const json& right) const;
  void remember(const json& rule, const json& chain);
  void judge_rule(const json& rule);
  void judge_chain(const json& chain);
  bool is_behind_routing(const std::string& chain) const { return behind_routing.contains(chain); }
};

const json& at(const json& object, const char* member) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(member);
  return found == object.end() ? nothing : *found;
}

std::string text(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string{};
}

/// True when a value, a set, a range or a prefix holds what `is` looks for.
template <typename Is>
bool holds(const json& right, const Is& is) {
  const json& set = right.is_object() ? at(right, "set") : right;
  if (set.is_array()) return std::ranges::any_of(set, is);
  return is(right);
}

bool holds_name(const json& right, std::string_view name, int number) {
  return holds(right, [&](const json& v) {
    return (v.is_string() && v.get_ref<const std::string&>() == name) || (v.is_number_integer() && v == number);
  });
}

bool holds_port(const json& right, std::uint16_t port) {
  return holds(right, [&](const json& v) {
    const json& range = at(v, "range");
    if (range.is_array() && range.size() == 2 && range[0].is_number() && range[1].is_number())
      return range[0] <= port && port <= range[1];
    return v.is_number_integer() && v == port;
  });
}

std::string words(unsigned traffic) {
  constexpr std::array<std::pair<Traffic, const char*>, 4> kWords{
      {{kEsp, "ESP"}, {kAh, "AH"}, {kIpcomp, "IPcomp"}, {kUdp, "ESP in UDP"}}};
  std::string list;
  for (const auto& [bit, word] : kWords) {
    if ((traffic & bit) != 0) list += (list.empty() ? "" : ", ") + std::string{word};
  }
  return list;
}

std::string table_of(const json& object) {
  return text(at(object, "family")) + " " + text(at(object, "table"));
}

std::string place(const json& rule, const char* chain) {
  return "nft " + table_of(rule) + " " + text(at(rule, chain));
}

Verdict verdict_of(const json& statement) {
  for (const char* word : {"drop", "reject"}) {
    if (statement.contains(word)) return Verdict::Drop;
  }
  if (statement.contains("accept")) return Verdict::Accept;
  for (const char* word : {"masquerade", "snat", "dnat", "redirect"}) {
    if (statement.contains(word)) return Verdict::Nat;
  }
  // iptables-nft keeps these as they were.
  const std::string target = text(at(at(statement, "xt"), "name"));
  if (target == "DROP" || target == "REJECT") return Verdict::Drop;
  const bool nat = target == "MASQUERADE" || target == "SNAT" || target == "DNAT" || target == "NETMAP";
  return nat ? Verdict::Nat : Verdict::None;
}

unsigned Judge::traffic_of(const json& left, const json& right) const {
  const std::string key = text(at(at(left, "meta"), "key"));
  const json& payload = at(left, "payload");
  const std::string protocol = text(at(payload, "protocol")), field = text(at(payload, "field"));
  unsigned traffic = 0;
  if (key == "l4proto" || (protocol == "ip" && field == "protocol") || (protocol == "ip6" && field == "nexthdr")) {
    if (holds_name(right, "esp", 50)) traffic |= kEsp;
    if (holds_name(right, "ah", 51)) traffic |= kAh;
    if (holds_name(right, "ipcomp", 108) || holds_name(right, "comp", 108)) traffic |= kIpcomp;
  }
  if ((protocol == "udp" || protocol == "th") && field == "dport") {
    const auto& ports = settings.encapsulation_ports;
    if (std::ranges::any_of(ports, [&](std::uint16_t port) { return holds_port(right, port); })) traffic |= kUdp;
  }
  return traffic;
}

void Judge::take_device(const json& match, RuleView& view) const {
  const std::string key = text(at(at(at(match, "left"), "meta"), "key"));
  const json& right = at(match, "right");
  const bool ours = holds(right, [&](const json& v) { return v == settings.device; });
  const bool only = text(at(match, "op")) != "!=";
  if (ours && only) view.names_device = true;
  if (ours != only) (key.starts_with("oif") ? view.not_into_device : view.not_out_of_device) = true;
  if (key.starts_with("iif") && only && holds(right, [](const json& v) { return v == "lo"; })) view.loopback = true;
}

void Judge::take_match(const json& match, RuleView& view) const {
  const json& left = at(match, "left");
  const json& flags = at(at(left, "fib"), "flags");
  const auto has = [&](const char* flag) { return flags.is_array() && std::ranges::count(flags, json(flag)) > 0; };
  if (has("saddr") && has("iif")) view.reverse_path = true;
  const std::string key = text(at(at(left, "meta"), "key"));
  if (key.starts_with("iif") || key.starts_with("oif")) return take_device(match, view);
  const unsigned traffic = text(at(match, "op")) == "!=" ? 0 : traffic_of(left, at(match, "right"));
  view.traffic |= traffic;
  if (traffic == 0 && key != "nfproto" && key != "protocol") view.narrow = true;
}

RuleView Judge::view(const json& rule) const {
  RuleView view;
  const json& expressions = at(rule, "expr");
  if (!expressions.is_array()) return view;
  for (const json& statement : expressions) {
    if (!statement.is_object()) continue;
    if (statement.contains("match")) take_match(at(statement, "match"), view);
    if (const Verdict verdict = verdict_of(statement); verdict != Verdict::None) view.verdict = verdict;
  }
  return view;
}

void Judge::judge_rule(const json& rule) {
  const RuleView v = view(rule);
  const std::string where = place(rule, "chain");
  if (v.verdict == Verdict::Drop && v.reverse_path && !v.not_out_of_device) {
    found.push_back(where + " drops what came by another device than answers leave by (fib saddr . iif): exempt " +
                    settings.device + " there, or opened packets end in it.");
  } else if (v.verdict == Verdict::Drop && v.traffic != 0) {
    found.push_back(where + " has a rule that drops " + words(v.traffic) + ": remove it where SAs are to be used.");
  } else if (v.verdict == Verdict::Nat && v.traffic != 0) {
    found.push_back(where + " translates the addresses of " + words(v.traffic) +
                    ": exempt it, SAs are bound to addresses.");
  } else if (v.verdict == Verdict::Nat && !v.not_into_device && !v.loopback && is_behind_routing(where)) {
    found.push_back(where + " also translates what leaves by " + settings.device +
                    ", so that policies see other addresses: add `oifname != \"" + settings.device +
                    "\"` to its rule.");
  }
}

/// What the judgements look up.
void Judge::remember(const json& rule, const json& chain) {
  if (chain.is_object() && text(at(chain, "hook")) == "postrouting") behind_routing.insert(place(chain, "name"));
  if (!rule.is_object()) return;
  const RuleView v = view(rule);
  Accepted& table = accepted_by[table_of(rule)];
  table.names_device = table.names_device || v.names_device;
  if (v.verdict != Verdict::Accept || v.loopback) return;
  const unsigned unnamed = v.narrow ? 0U : kAll;
  table.traffic |= v.traffic != 0 ? v.traffic : unnamed;
}

void Judge::judge_chain(const json& chain) {
  if (text(at(chain, "policy")) != "drop" || text(at(chain, "type")) != "filter") return;
  const std::string hook = text(at(chain, "hook")), where = place(chain, "name");
  const Accepted& accepted = accepted_by[table_of(chain)];
  const unsigned missing = kAll & ~accepted.traffic;
  if (missing == 0) return;
  if (hook == "input" || hook == "output") {
    found.push_back(where + " drops what no rule accepts, and none of its table accepts " + words(missing) +
                    ": accept those that your SAs use (meta l4proto { esp, ah, comp } accept; udp dport 4500 accept).");
  }
  if (hook == "forward" && forwarding == Forwarding::On && !accepted.names_device) {
    found.push_back(where + " drops what no rule accepts, and none of its table names " + settings.device +
                    ": accept what tunnels carry (iifname " + settings.device + " accept; oifname " + settings.device +
                    " accept).");
  }
}

/// Ours and another testudod's, and those that never see IP of this host.
bool is_of_interest(const json& object) {
  const std::string family = text(at(object, "family"));
  return (family == "inet" || family == "ip" || family == "ip6") && !text(at(object, "table")).starts_with("testudo_");
}

}  // namespace

std::vector<std::string> nft_conflicts(const std::string& ruleset, const Settings& settings, Forwarding forwarding) {
  const json parsed = json::parse(ruleset, nullptr, false);
  const json& items = at(parsed, "nftables");
  Judge judge{settings, forwarding, {}, {}, {}};
  if (!items.is_array()) return {};
  for (const json& item : items) judge.remember(at(item, "rule"), at(item, "chain"));
  for (const json& item : items) {
    if (const json& rule = at(item, "rule"); is_of_interest(rule)) judge.judge_rule(rule);
    if (const json& chain = at(item, "chain"); is_of_interest(chain)) judge.judge_chain(chain);
  }
  std::set<std::string> said;
  std::erase_if(judge.found, [&](const std::string& line) { return !said.insert(line).second; });
  return std::move(judge.found);
}

}  // namespace testudo::host
