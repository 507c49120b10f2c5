#include "host/socket_rules.h"

#include <array>

#include "base/hex.h"
#include "host/policy_chain.h"

namespace testudo::host {
namespace {

constexpr const char* kSetOutEngine = "socket_out_engine";
constexpr const char* kSetOutClear = "socket_out_clear";
constexpr const char* kSetInRefuse = "socket_in_refuse";
constexpr const char* kSetInClear = "socket_in_clear";
constexpr const char* kSetInUnlisted = "socket_in_unlisted";
constexpr const char* kSetUdpEsp = "socket_udp_esp";
constexpr const char* kSetUdpNonIke = "socket_udp_non_ike";
constexpr std::array kSets{kSetOutEngine,  kSetOutClear, kSetInRefuse, kSetInClear,
                           kSetInUnlisted, kSetUdpEsp,   kSetUdpNonIke};

const char* set_of(SocketRule::Out out) {
  switch (out) {
    case SocketRule::Out::Engine:
      return kSetOutEngine;
    case SocketRule::Out::Clear:
      return kSetOutClear;
    case SocketRule::Out::ByPolicies:
      break;
  }
  return nullptr;
}

const char* set_of(SocketRule::In in) {
  switch (in) {
    case SocketRule::In::Refuse:
      return kSetInRefuse;
    case SocketRule::In::Clear:
      return kSetInClear;
    case SocketRule::In::RefuseUnlisted:
      return kSetInUnlisted;
    case SocketRule::In::ByPolicies:
      break;
  }
  return nullptr;
}

const char* set_of(UdpEncapsulation udp) {
  switch (udp) {
    case UdpEncapsulation::Esp:
      return kSetUdpEsp;
    case UdpEncapsulation::NonIke:
      return kSetUdpNonIke;
    case UdpEncapsulation::None:
      break;
  }
  return nullptr;
}

/// ESP in UDP carries the protection itself, and no socket gets it: steering.h turns over what is accepted here.
std::vector<std::string> accept_encapsulated(const Settings& s) {
  std::vector<std::string> rules;
  for (const UdpEncapsulation form : {UdpEncapsulation::Esp, UdpEncapsulation::NonIke}) {
    const std::string theirs = " socket mark & " + to_hex(s.slot_mask()) + " @" + set_of(form) + " accept";
    for (const char* match : encapsulated_matches(form))
      rules.push_back(std::string{"meta l4proto udp "} + match + theirs);
  }
  return rules;
}

}  // namespace

RuleSpec socket_route(const Settings& s, unsigned slot) {
  return {s.rule - 1, s.slot_mark(slot) | s.mark, s.slot_mask() | s.mark_mask(), s.table + slot};
}

std::string socket_chains(const Settings& s, const std::string& to_engine, const std::string& refuse) {
  if (s.slot_mask() == 0) return {};
  const std::string table = s.nft_table();
  std::string text;
  for (const char* set : kSets) text += "add set inet " + table + " " + set + " { type mark; }\n";
  // ICMP about a socket's packets is not the socket's; `socket` would find it for that, too.
  const std::string mine = "meta mark & " + to_hex(s.slot_mask()) + " @", upper = "meta l4proto { tcp, udp } ";
  const std::string theirs = upper + "socket mark & " + to_hex(s.slot_mask()) + " @";
  text +=
      chain_rules(table, "socket_outbound", {mine + kSetOutClear + " accept", mine + kSetOutEngine + " " + to_engine});
  std::vector<std::string> first = accept_encapsulated(s);
  first.push_back(theirs + kSetInRefuse + " " + refuse);
  first.push_back(theirs + kSetInClear + " accept");
  text += chain_rules(table, "socket_first", first);
  text += chain_rules(table, "socket_last", {theirs + kSetInUnlisted + " " + refuse});
  return text;
}

std::string socket_elements(const Settings& s, const std::vector<SocketRule>& rules) {
  if (s.slot_mask() == 0) return {};
  std::string text;
  // What a daemon of another version left may not have all of them.
  for (const char* set : kSets) {
    text += "add set inet " + s.nft_table() + " " + set + " { type mark; }\n";
    text += "flush set inet " + s.nft_table() + " " + set + "\n";
  }
  const auto add = [&](const char* set, unsigned slot) {
    if (set == nullptr) return;
    text += "add element inet " + s.nft_table() + " " + set + " { " + to_hex(s.slot_mark(slot)) + " }\n";
  };
  for (const SocketRule& rule : rules) {
    add(set_of(rule.out), rule.slot);
    add(set_of(rule.in), rule.slot);
    add(set_of(rule.udp), rule.slot);
  }
  return text;
}

}  // namespace testudo::host
