#include "app/racoon/question_rules.h"

#include <algorithm>
#include <array>

namespace testudo::app {
namespace {

constexpr std::array<std::string_view, 14> kVariables{
    "INTERNAL_ADDR4",     "INTERNAL_MASK4", "INTERNAL_NETMASK4",   "INTERNAL_CIDR4",           "INTERNAL_DNS4",
    "INTERNAL_DNS4_LIST", "INTERNAL_WINS4", "INTERNAL_WINS4_LIST", "DEFAULT_DOMAIN",           "SPLIT_INCLUDE",
    "SPLIT_INCLUDE_CIDR", "SPLIT_LOCAL",    "SPLIT_LOCAL_CIDR",    "INTERNAL_SPLITDNS_DOMAINS"};

bool is_printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

bool is_hook_variable(std::string_view name) {
  return name == "XAUTH_USER" || std::ranges::find(kVariables, name) != kVariables.end();
}

}  // namespace

std::set<std::string> scripts_of(const ike::Policy& policy) {
  std::set<std::string> all;
  for (const ike::Remote& remote : policy.remotes) {
    for (const std::string* script : {&remote.scripts.up, &remote.scripts.down, &remote.scripts.dead}) {
      if (!script->empty()) all.insert(*script);
    }
  }
  return all;
}

std::optional<ike::Hook> permitted(const wire::racoon::AskHook& question, const std::set<std::string>& scripts) {
  using Event = ike::Hook::Event;
  const auto fits = [](const auto& variable) {
    return is_hook_variable(variable.first) && is_printable(variable.second);
  };
  if (question.event > static_cast<std::uint8_t>(Event::Phase1Dead) || !scripts.contains(question.script) ||
      !is_printable(question.peer) || !std::ranges::all_of(question.variables, fits)) {
    return std::nullopt;
  }
  return ike::Hook{static_cast<Event>(question.event),
                   question.script,
                   question.local,
                   question.remote,
                   question.peer,
                   question.initiator_cookie,
                   question.responder_cookie,
                   {question.variables.begin(), question.variables.end()}};
}

bool permitted(const wire::racoon::AskSocket& question, const config::RacoonConf& conf,
               std::span<const net::Address> own) {
  const config::Listen& listen = conf.listen;
  const auto& [at, natt] = question;
  if (!listen.isakmp.empty() || !listen.isakmp_natt.empty()) {
    const auto& named = natt ? listen.isakmp_natt : listen.isakmp;
    return std::ranges::find(named, at) != named.end();
  }
  const std::uint16_t port = natt ? conf.policy.ports.natt : conf.policy.ports.isakmp;
  return at.port == port && std::ranges::find(own, at.address) != own.end();
}

}  // namespace testudo::app
