#include "host/filter.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <unordered_set>

#include "host/mss.h"
#include "net/protocol.h"

namespace testudo::host {
namespace {

using net::Selector;
namespace protocol = net::protocol;

std::string hex(std::uint32_t value) {
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", value);
  return text.data();
}

constexpr const char* kRefuse = "goto refused";

bool is_v4(const Selector& s) {
  return s.source.address.is_v4();
}

std::string numeric(const net::Prefix& prefix) {
  // Scopes are names of links of this host; an address in a packet has none.
  std::string text = prefix.masked().to_string();
  text.resize(std::min(text.size(), text.find('%')));
  return text + "/" + std::to_string(prefix.length);
}

std::string address_match(const Selector& s) {
  const std::string ip = is_v4(s) ? "ip" : "ip6";
  std::string text = is_v4(s) ? "meta nfproto ipv4 " : "meta nfproto ipv6 ";
  if (s.source.length > 0) text += ip + " saddr " + numeric(s.source) + " ";
  if (s.destination.length > 0) text += ip + " daddr " + numeric(s.destination) + " ";
  return text;
}

// ICMP's type and code, or the ports of the others, at the place where nft counts bits of the transport header.
std::string transport_match(const Selector& s, bool type_and_code) {
  std::string text;
  if (s.source_port != 0) text += (type_and_code ? "@th,0,8 " : "@th,0,16 ") + std::to_string(s.source_port) + " ";
  if (s.destination_port != 0) {
    text += (type_and_code ? "@th,8,8 " : "@th,16,16 ") + std::to_string(s.destination_port) + " ";
  }
  return text;
}

bool has_ports(const Selector& s) {
  return s.source_port != 0 || s.destination_port != 0;
}

// KAME compares an `any` policy's ports with whatever stands for ports in the packet, ICMP's type and code too.
std::vector<std::string> any_protocol_matches(const Selector& s, const std::string& addresses, bool generous) {
  if (!has_ports(s)) return {addresses};
  std::vector<std::string> matches{addresses + "meta l4proto { 6, 17, 33, 132, 136 } " + transport_match(s, false)};
  if (s.source_port < 256 && s.destination_port < 256) {
    matches.push_back(addresses + "meta l4proto { 1, 58 } " + transport_match(s, true));
  }
  if (generous) matches.push_back(addresses + "meta l4proto { 47, 135 } ");
  return matches;
}

bool protects(const std::vector<FilterRule>& rules, net::Family family) {
  return std::ranges::any_of(rules, [&](const FilterRule& r) {
    return r.treatment == Treatment::Protect && r.selector.source.address.family() == family;
  });
}

std::string mark_for_engine(const Settings& s) {
  return "meta mark set meta mark & " + hex(~s.mark_mask()) + " | " + hex(s.mark) + " accept";
}

// Left alone whatever the policies say.
void append_exempt(std::vector<std::string>& rules) {
  rules.emplace_back("icmpv6 type { 130-137, 143 } ip6 hoplimit { 1, 255 } accept");
}

std::string chain_rules(const std::string& table, const std::string& chain, const std::vector<std::string>& rules,
                        std::size_t from = 0) {
  const std::string add = "add rule inet " + table + " " + chain + " ";
  std::string text;
  for (std::size_t i = from; i < rules.size(); ++i) text.append(add).append(rules[i]).append("\n");
  return text;
}

std::string replace_or_append(const std::string& table, const std::string& chain,
                              const std::vector<std::string>& before, const std::vector<std::string>& after) {
  const bool grown = before.size() <= after.size() && std::equal(before.begin(), before.end(), after.begin());
  if (grown) return chain_rules(table, chain, after, before.size());
  return "flush chain inet " + table + " " + chain + "\n" + chain_rules(table, chain, after);
}

std::string base_chain(const std::string& table, const std::string& name, const std::string& hook) {
  return "add chain inet " + table + " " + name + " { " + hook + "; policy accept; }\n";
}

// Packets that nothing may judge by policy: ours, and those that the chains of policies cannot read.
std::vector<std::string> outbound_frame(const Settings& s) {
  std::vector<std::string> rules;
  rules.push_back("meta mark & " + hex(s.mark_mask()) + " == " + hex(s.own_mark()) + " accept");
  rules.push_back("meta mark & " + hex(s.mark_mask()) + " != 0 meta mark set meta mark & " + hex(~s.mark_mask()));
  append_exempt(rules);
  rules.emplace_back("jump outbound_policies");
  return rules;
}

std::vector<std::string> inbound_frame(const Settings& s) {
  std::vector<std::string> rules;
  rules.push_back("iifname { \"lo\", \"" + s.device + "\" } accept");
  append_exempt(rules);
  rules.emplace_back("jump inbound_policies");
  rules.emplace_back("jump inbound_rest");
  return rules;
}

std::vector<std::string> input_frame(const Settings& s) {
  std::string ports;
  for (const std::uint16_t port : s.encapsulation_ports) ports += (ports.empty() ? "" : ", ") + std::to_string(port);
  // What carries the protection itself; the engine opens it and checks what is inside.
  std::vector<std::string> rules{"meta l4proto { 50, 51, 108 } accept"};
  if (!ports.empty()) rules.push_back("udp dport { " + ports + " } accept");
  // A key daemon's sockets carry our mark and so pass the policies, both ways: they make the SAs that others need.
  rules.push_back("meta l4proto udp socket mark & " + hex(s.mark_mask()) + " == " + hex(s.own_mark()) + " accept");
  // IPv6 is reassembled behind this hook: the first fragment is judged, and without it the others come to nothing.
  rules.emplace_back("frag frag-off != 0 accept");
  rules.emplace_back("goto inbound");
  return rules;
}

}  // namespace

std::vector<std::string> nft_matches(const Selector& s, bool generous) {
  const std::string addresses = address_match(s);
  if (s.protocol == protocol::kAny) return any_protocol_matches(s, addresses, generous);
  const std::string match = addresses + "meta l4proto " + std::to_string(s.protocol) + " ";
  if (!has_ports(s)) return {match};
  // The engine compares a GRE key and a mobility type; nft's view of them is not worth its rules.
  const bool readable = s.protocol != protocol::kGre && s.protocol != protocol::kMobility;
  if (readable) return {match + transport_match(s, net::has_type_and_code(s.protocol))};
  return generous ? std::vector{match} : std::vector<std::string>{};
}

std::vector<std::string> outbound_rules(const FilterPlan& plan, const Settings& settings) {
  const std::string mark = mark_for_engine(settings);
  std::vector<std::string> rules;
  const bool v4 = plan.protect_rest_v4 || protects(plan.outbound, net::Family::V4);
  const bool v6 = plan.protect_rest_v6 || protects(plan.outbound, net::Family::V6);
  const bool everything = plan.outbound.size() > kMaxOutboundRules;
  const auto of_family = [&](const std::string& condition) {
    if (v4) rules.push_back("meta nfproto ipv4 " + condition + mark);
    if (v6) rules.push_back("meta nfproto ipv6 " + condition + mark);
  };
  if (everything) {
    of_family("");
    return rules;
  }
  if (v4) rules.push_back("ip frag-off & 0x3fff != 0 " + mark);
  if (v6) rules.push_back("exthdr frag exists " + mark);
  of_family("meta l4proto 51 ");
  for (const FilterRule& rule : plan.outbound) {
    const bool protect = rule.treatment == Treatment::Protect;
    for (const std::string& match : nft_matches(rule.selector, protect)) {
      rules.push_back(match + (protect ? mark : "accept"));
    }
  }
  return rules;
}

std::vector<std::string> inbound_rules(const FilterPlan& plan) {
  std::vector<std::string> rules;
  for (const FilterRule& rule : plan.inbound) {
    const bool protect = rule.treatment == Treatment::Protect;
    const bool generous = protect && rule.selector.protocol != protocol::kAny;
    for (const std::string& match : nft_matches(rule.selector, generous)) {
      rules.push_back(match + (protect ? kRefuse : "accept"));
    }
  }
  return rules;
}

std::vector<std::string> inbound_rest_rules(const FilterPlan& plan) {
  const std::string refuse{kRefuse};
  std::vector<std::string> rules;
  if (plan.protect_rest_v4) rules.push_back("meta nfproto ipv4 " + refuse);
  if (plan.protect_rest_v6) rules.push_back("meta nfproto ipv6 " + refuse);
  // Rules with an l4proto or a port pass by a packet in which nft finds none: of extension headers that it could not
  // walk to their end, or a first fragment that stops before them (RFC 7112 lets us drop those).
  std::vector<std::string> unreadable;
  std::unordered_set<std::string> seen;
  for (const FilterRule& rule : plan.inbound) {
    if (rule.treatment != Treatment::Protect || is_v4(rule.selector)) continue;
    const std::string match = address_match(rule.selector) + refuse;
    const bool named = rule.selector.protocol != protocol::kAny || has_ports(rule.selector);
    if (named && seen.insert(match).second) unreadable.push_back(match);
  }
  if (unreadable.empty()) return rules;
  for (const char* readable : {"meta l4proto != 255 exthdr frag missing accept",
                               "meta l4proto != 255 frag frag-off != 0 accept", "@th,0,32 != 0 accept"}) {
    rules.emplace_back(readable);
  }
  rules.insert(rules.end(), unreadable.begin(), unreadable.end());
  return rules;
}

std::string nft_install(const FilterPlan& plan, const Settings& s) {
  const std::string table = s.nft_table();
  std::string text = nft_remove(table) + "add table inet " + table + "\nadd counter inet " + table + " in_polvio\n" +
                     "add counter inet " + table + " escaped\n";
  for (const char* chain : {"outbound_policies", "outbound_rest", "outbound", "inbound_policies", "inbound_rest",
                            "inbound", "mss_into_device", "mss_out_of_device", "refused"}) {
    text += "add chain inet " + table + " " + chain + "\n";
  }
  text += chain_rules(table, "outbound", outbound_frame(s));
  text += chain_rules(table, "outbound", {"jump outbound_rest"});
  text += chain_rules(table, "inbound", inbound_frame(s));
  text += chain_rules(table, "refused", {"counter name in_polvio drop"});
  text += nft_update({}, plan, s);
  text += base_chain(table, "output", "type route hook output priority mangle");
  text += chain_rules(table, "output", {"goto outbound"});
  // Behind NAT, as NetBSD has it: an answer to what was masqueraded here is looked up by the address it goes on to.
  text += base_chain(table, "prerouting", "type filter hook prerouting priority dstnat + 5");
  text += chain_rules(table, "prerouting", {"goto outbound"});
  text += base_chain(table, "input", "type filter hook input priority filter - 5");
  text += chain_rules(table, "input", input_frame(s));
  text += base_chain(table, "forward", "type filter hook forward priority filter - 5");
  text += chain_rules(table, "forward", {"goto inbound"});
  const std::string syn = "tcp flags & (syn | rst) == syn goto ", device = "ifname \"" + s.device + "\" ";
  text += base_chain(table, "leaving", "type filter hook postrouting priority mangle");
  text += chain_rules(table, "leaving", {"o" + device + syn + "mss_into_device"});
  text += base_chain(table, "entering", "type filter hook prerouting priority mangle");
  text += chain_rules(table, "entering", {"i" + device + syn + "mss_out_of_device"});
  // Whatever other rules and routes do: what is marked for the engine leaves by the engine or not at all.
  text += base_chain(table, "guard", "type filter hook postrouting priority 300");
  text += chain_rules(table, "guard",
                      {"meta mark & " + hex(s.mark_mask()) + " == " + hex(s.mark) + " oifname != { \"lo\", \"" +
                       s.device + "\" } counter name escaped drop"});
  return text;
}

std::string nft_update(const FilterPlan& before, const FilterPlan& after, const Settings& s) {
  const std::string table = s.nft_table();
  const auto rest = [&](const FilterPlan& p) {
    std::vector<std::string> rules;
    if (p.protect_rest_v4) rules.push_back("meta nfproto ipv4 " + mark_for_engine(s));
    if (p.protect_rest_v6 || protects(p.outbound, net::Family::V6)) {
      // A chain of extension headers that nft could not walk has no l4proto, so that rules with one passed it by.
      if (!p.protect_rest_v6) rules.emplace_back("meta nfproto ipv6 meta l4proto != 255 accept");
      rules.push_back("meta nfproto ipv6 " + mark_for_engine(s));
    }
    return rules;
  };
  return replace_or_append(table, "outbound_policies", outbound_rules(before, s), outbound_rules(after, s)) +
         replace_or_append(table, "outbound_rest", rest(before), rest(after)) +
         replace_or_append(table, "inbound_policies", inbound_rules(before), inbound_rules(after)) +
         replace_or_append(table, "inbound_rest", inbound_rest_rules(before), inbound_rest_rules(after)) +
         replace_or_append(table, "mss_into_device", mss_rules(before, Way::IntoDevice),
                           mss_rules(after, Way::IntoDevice)) +
         replace_or_append(table, "mss_out_of_device", mss_rules(before, Way::OutOfDevice),
                           mss_rules(after, Way::OutOfDevice));
}

std::string nft_log_refused(const Settings& s) {
  return "insert rule inet " + s.nft_table() + " refused limit rate 10/second log group " +
         std::to_string(s.log_group) + " snaplen 128\n";
}

// delete alone would fail where there is no table; both in one transaction never do.
std::string nft_remove(const std::string& table) {
  return "add table inet " + table + "\ndelete table inet " + table + "\n";
}

}  // namespace testudo::host
