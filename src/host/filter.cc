#include "host/filter.h"

#include <algorithm>
#include <initializer_list>
#include <tuple>
#include <utility>

#include "base/hex.h"
#include "host/mss.h"
#include "net/protocol.h"

namespace testudo::host {
namespace {

using Generous = PolicyChain::Verdict::Generous;

constexpr const char* kRefuse = "goto refused";

// An inbound policy that a packet can pass by when it shows neither protocol nor ports.
bool can_hide(const FilterRule& rule) {
  const net::Selector& s = rule.selector;
  const bool named = s.protocol != net::protocol::kAny || s.source_port != 0 || s.destination_port != 0;
  return named && rule.treatment == Treatment::Protect && !s.source.address.is_v4();
}

FilterRule without_protocol(const FilterRule& rule) {
  FilterRule bare = rule;
  bare.selector = {rule.selector.source, rule.selector.destination, net::protocol::kAny, 0, 0};
  return bare;
}

std::string mark_for_engine(const Settings& s) {
  return "meta mark set meta mark & " + to_hex(~s.mark_mask()) + " | " + to_hex(s.mark) + " accept";
}

// Left alone whatever the policies say.
void append_exempt(std::vector<std::string>& rules) {
  rules.emplace_back("icmpv6 type { 130-137, 143 } ip6 hoplimit { 1, 255 } accept");
}

// What came out of the tunnel more often than what never left the host.
void append_from_inside(std::vector<std::string>& rules, const Settings& s) {
  for (const std::string& name : {s.device, std::string{"lo"}}) rules.push_back("iifname \"" + name + "\" accept");
}

void append_inbound(std::vector<std::string>& rules, std::initializer_list<const char*> chains) {
  append_exempt(rules);
  for (const char* chain : chains) rules.push_back(std::string{"jump "} + chain);
}

std::string base_chain(const std::string& table, const std::string& name, const std::string& hook) {
  return "add chain inet " + table + " " + name + " { " + hook + "; policy accept; }\n";
}

std::string is_own(const Settings& s, std::uint32_t bits) {
  return "meta mark & " + to_hex(bits) + " == " + to_hex(s.own_mark()) + " accept";
}

std::string with_bits(std::uint32_t bits, const char* chain) {
  return "meta mark & " + to_hex(bits) + " != 0 jump " + chain;
}

// Packets that nothing may judge by policy: ours.  Whoever else has set these bits did not mean us.
std::vector<std::string> marked_frame(const Settings& s) {
  return {is_own(s, s.mark_mask()), "meta mark set meta mark & " + to_hex(~s.mark_mask())};
}

// Most packets have no mark of ours, and are asked once whether they have.
std::vector<std::string> prerouting_frame(const Settings& s) {
  return {with_bits(s.mark_mask(), "marked"), "goto outbound"};
}

// What the engine sends leaves at the first rule.
std::vector<std::string> output_frame(const Settings& s) {
  const std::uint32_t bits = s.mark_mask() | s.slot_mask();
  return {is_own(s, bits), with_bits(bits, "output_marked"), "goto outbound"};
}

// Whatever other rules and routes do: what is marked for the engine leaves by the engine or not at all.
std::vector<std::string> guard_frame(const Settings& s) {
  return {"oifname \"" + s.device + "\" goto into_device",
          "meta mark & " + to_hex(s.mark_mask()) + " != " + to_hex(s.mark) + " accept",
          "oifname \"" + s.socket_devices() + "*\" accept", "oifname != \"lo\" counter name escaped drop"};
}

std::vector<std::string> inbound_frame(const Settings& s) {
  std::vector<std::string> rules;
  append_from_inside(rules, s);
  append_inbound(rules, {"inbound_policies", "inbound_rest"});
  return rules;
}

std::vector<std::string> input_frame(const Settings& s) {
  std::string ports;
  for (const std::uint16_t port : s.encapsulation_ports) ports += (ports.empty() ? "" : ", ") + std::to_string(port);
  // What carries the protection itself; the engine opens it and checks what is inside.  The commonest packets first.
  std::vector<std::string> rules;
  if (!ports.empty()) rules.push_back("udp dport { " + ports + " } accept");
  append_from_inside(rules, s);
  rules.emplace_back("meta l4proto { 50, 51, 108 } accept");
  // A key daemon's sockets carry our mark and so pass the policies, both ways: they make the SAs that others need.
  rules.push_back("meta l4proto udp socket mark & " + to_hex(s.mark_mask()) + " == " + to_hex(s.own_mark()) +
                  " accept");
  // IPv6 is reassembled behind this hook: the first fragment is judged, and without it the others come to nothing.
  rules.emplace_back("frag frag-off != 0 accept");
  // Here, unlike where packets are forwarded, nft knows the socket that they are for.
  append_inbound(rules, {"socket_first", "inbound_policies", "socket_last", "inbound_rest"});
  return rules;
}

}  // namespace

Filter::Filter(const Settings& s)
    : settings_(s),
      outbound_({s.nft_table(), "outbound_policies", "out"}, {"accept", Generous::Never},
                {mark_for_engine(s), Generous::Always}),
      inbound_({s.nft_table(), "inbound_policies", "in"}, {"accept", Generous::Never},
               {kRefuse, Generous::WithProtocol}),
      hidden_({s.nft_table(), "inbound_hidden", "hidden"}, {"accept", Generous::Never}, {kRefuse, Generous::Never}) {}

std::string Filter::install(const FilterPlan& plan) {
  std::vector<SocketRule> sockets = std::move(sockets_);
  *this = Filter{Settings{settings_}};
  sockets_ = std::move(sockets);
  const Settings& s = settings_;
  const std::string table = s.nft_table();
  std::string text = nft_remove(table) + "add table inet " + table + "\nadd counter inet " + table + " in_polvio\n" +
                     "add counter inet " + table + " escaped\n";
  for (const char* chain : {"marked", "output_marked", "outbound_policies", "outbound", "inbound_policies",
                            "inbound_hidden", "inbound_rest", "inbound", "socket_outbound", "socket_first",
                            "socket_last", "mss_into_device", "mss_out_of_device", "into_device", "refused"}) {
    text += "add chain inet " + table + " " + chain + "\n";
  }
  text += chain_rules(table, "marked", marked_frame(s));
  text += chain_rules(table, "output_marked", {"jump socket_outbound", "goto marked"});
  text += chain_rules(table, "inbound", inbound_frame(s));
  text += chain_rules(table, "refused", {"counter name in_polvio drop"});
  text += socket_chains(s, mark_for_engine(s), kRefuse) + socket_elements(s, sockets_);
  text += update(plan);
  text += base_chain(table, "output", "type route hook output priority mangle");
  text += chain_rules(table, "output", output_frame(s));
  // Behind NAT, as NetBSD has it: an answer to what was masqueraded here is looked up by the address it goes on to.
  text += base_chain(table, "prerouting", "type filter hook prerouting priority dstnat + 5");
  text += chain_rules(table, "prerouting", prerouting_frame(s));
  text += base_chain(table, "input", "type filter hook input priority filter - 5");
  text += chain_rules(table, "input", input_frame(s));
  text += base_chain(table, "forward", "type filter hook forward priority filter - 5");
  text += chain_rules(table, "forward", {"goto inbound"});
  const std::string syn = "tcp flags & (syn | rst) == syn goto ";
  text += base_chain(table, "entering", "type filter hook prerouting priority mangle");
  text += chain_rules(table, "entering", {"iifname \"" + s.device + "\" " + syn + "mss_out_of_device"});
  text += chain_rules(table, "into_device", {syn + "mss_into_device"});
  // Behind NAT, as the engine will see the packet.
  text += base_chain(table, "guard", "type filter hook postrouting priority 300");
  text += chain_rules(table, "guard", guard_frame(s));
  return text;
}

std::string Filter::follow(const std::vector<SocketRule>& sockets) {
  sockets_ = sockets;
  return socket_elements(settings_, sockets_);
}

std::string Filter::update(const FilterPlan& plan) {
  protect_rest_v4_ = plan.protect_rest_v4;
  protect_rest_v6_ = plan.protect_rest_v6;
  std::vector<FilterRule> hidden;
  for (const FilterRule& rule : plan.inbound) {
    if (can_hide(rule)) hidden.push_back(without_protocol(rule));
  }
  std::string commands = std::exchange(unsaid_, {});
  commands += outbound_.replace(plan.outbound) + inbound_.replace(plan.inbound) + hidden_.replace(hidden);
  return commands + update_family_rules() + fit_tcp(plan);
}

std::optional<std::string> Filter::follow(const FilterChanges& changes) {
  std::string commands = std::exchange(unsaid_, {});
  if (follow_policies(changes, commands)) return commands + update_family_rules();
  // The chains hold them for done; what update() adds goes on from there.
  unsaid_ = std::move(commands);
  return std::nullopt;
}

bool Filter::follow_policies(const FilterChanges& changes, std::string& commands) {
  // Of few policies the next connection may already be told by all of them.
  if (!outbound_.in_sets() && !keeps_tcp(changes.outbound)) return false;
  std::vector<FilterChange> hidden;
  for (const FilterChange& change : changes.inbound) {
    const bool came = change.kind == FilterChange::Kind::Appended;
    if (came && can_hide(change.rule)) hidden.push_back({change.kind, without_protocol(change.rule)});
    if (!came && hidden_.holds(change.rule.policy)) hidden.push_back(change);
  }
  return outbound_.follow(changes.outbound, commands) && inbound_.follow(changes.inbound, commands) &&
         hidden_.follow(hidden, commands);
}

bool Filter::keeps_tcp(const std::vector<FilterChange>& outbound) const {
  return std::ranges::all_of(outbound, [&](const FilterChange& change) {
    const bool v4 = change.rule.selector.source.address.is_v4();
    return change.kind == FilterChange::Kind::Removed || keeps_mss(change.rule, v4 ? mss_.common_v4 : mss_.common_v6);
  });
}

std::string Filter::fit_tcp(const FilterPlan& plan) {
  Mss now{mss_rules(plan, Way::IntoDevice), mss_rules(plan, Way::OutOfDevice), common_mss(plan, net::Family::V4),
          common_mss(plan, net::Family::V6)};
  const std::string table = settings_.nft_table();
  const std::string commands = replace_or_append(table, "mss_into_device", mss_.into_device, now.into_device) +
                               replace_or_append(table, "mss_out_of_device", mss_.out_of_device, now.out_of_device);
  mss_ = std::move(now);
  return commands;
}

std::string Filter::update_family_rules() {
  FamilyRules now = family_rules();
  const std::string table = settings_.nft_table();
  const std::string commands = replace_or_append(table, "outbound", families_.outbound, now.outbound) +
                               replace_or_append(table, "inbound_rest", families_.inbound_rest, now.inbound_rest);
  families_ = std::move(now);
  return commands;
}

// What the rules of policies cannot look into goes to the engine, before those are asked.
std::vector<std::string> Filter::unreadable_outbound(const std::string& mark) const {
  const bool all = outbound_.rules() > kMaxOutboundRules;
  std::vector<std::string> rules;
  for (const auto& [family, rest, name, fragment] :
       {std::tuple{net::Family::V4, protect_rest_v4_, "ipv4 ", "ip frag-off & 0x3fff != 0 "},
        std::tuple{net::Family::V6, protect_rest_v6_, "ipv6 ", "exthdr frag exists "}}) {
    if (!rest && !outbound_.protects(family)) continue;
    const std::string of_family = std::string{"meta nfproto "} + name;
    if (all) rules.push_back(of_family + mark);
    if (all || !outbound_.looks_inside(family)) continue;
    rules.push_back(fragment + mark);
    rules.push_back(of_family + "meta l4proto 51 " + mark);
  }
  return rules;
}

Filter::FamilyRules Filter::family_rules() const {
  const std::string mark = mark_for_engine(settings_);
  const bool v6 = protect_rest_v6_ || outbound_.protects(net::Family::V6);
  FamilyRules rules;
  if (v6) append_exempt(rules.outbound);
  for (const std::string& rule : unreadable_outbound(mark)) rules.outbound.push_back(rule);
  rules.outbound.emplace_back("jump outbound_policies");
  if (protect_rest_v4_) rules.outbound.push_back("meta nfproto ipv4 " + mark);
  // A chain of extension headers that nft could not walk has no l4proto, so that rules with one passed it by.
  if (v6 && !protect_rest_v6_) rules.outbound.emplace_back("meta nfproto ipv6 meta l4proto != 255 accept");
  if (v6) rules.outbound.push_back("meta nfproto ipv6 " + mark);

  if (protect_rest_v4_) rules.inbound_rest.push_back(std::string{"meta nfproto ipv4 "} + kRefuse);
  if (protect_rest_v6_) rules.inbound_rest.push_back(std::string{"meta nfproto ipv6 "} + kRefuse);
  // Rules with an l4proto or a port pass by a packet in which nft finds none: of extension headers that it could not
  // walk to their end, or a first fragment that stops before them (RFC 7112 lets us drop those).
  if (!hidden_.protects(net::Family::V6)) return rules;
  for (const char* readable : {"meta l4proto != 255 exthdr frag missing accept",
                               "meta l4proto != 255 frag frag-off != 0 accept", "@th,0,32 != 0 accept"}) {
    rules.inbound_rest.emplace_back(readable);
  }
  rules.inbound_rest.emplace_back("jump inbound_hidden");
  return rules;
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
