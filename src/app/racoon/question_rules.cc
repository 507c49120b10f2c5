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

void add_servers(wire::racoon::Task& task, const std::vector<config::Radius::Server>& servers,
                 const config::Radius& conf) {
  for (const auto& each : servers) task.servers.push_back({each.host, each.port, each.secret.clone()});
  task.timeout = static_cast<std::uint16_t>(conf.timeout);
  task.tries = static_cast<std::uint8_t>(conf.retries);
  task.proof_required = conf.message_authenticator == config::Radius::Proof::Required;
}

wire::racoon::Directory directory_of(const config::RacoonConf& conf) {
  const config::Ldap& ldap = conf.ldap;
  wire::racoon::Directory out;
  out.url = ldap.url();
  out.base = ldap.base;
  out.bind_dn = ldap.bind_dn;
  out.bind_password = ldap.bind_password.clone();
  out.attr_user = ldap.attr_user;
  out.attr_address = ldap.attr_address;
  out.attr_mask = ldap.attr_mask;
  out.attr_group = ldap.attr_group;
  out.attr_member = ldap.attr_member;
  out.version = static_cast<std::uint8_t>(ldap.version);
  out.timeout = static_cast<std::uint16_t>(ldap.timeout);
  out.subtree = ldap.subtree;
  out.start_tls = ldap.start_tls;
  out.has_groups = conf.policy.mode_config.group_source == ike::ModeConfig::GroupSource::Ldap;
  return out;
}

wire::racoon::Source source_of(ike::ModeConfig::AuthSource source) {
  using Given = ike::ModeConfig::AuthSource;
  using wire::racoon::Source;
  switch (source) {
    case Given::Radius:
      return Source::Radius;
    case Given::Pam:
      return Source::Pam;
    case Given::Ldap:
      return Source::Ldap;
    case Given::System:
      break;
  }
  return Source::System;
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

wire::racoon::Task task_of(const wire::racoon::AskLogin& question, const config::RacoonConf& conf) {
  using Given = ike::ModeConfig::AuthSource;
  wire::racoon::Task task;
  task.user = question.user;
  task.password = question.password.clone();
  task.remote = question.remote;
  task.groups = conf.policy.mode_config.auth_groups;
  const Given source = conf.policy.mode_config.auth_source;
  task.source = source_of(source);
  if (source == Given::Radius) add_servers(task, conf.radius.auth, conf.radius);
  if (source == Given::Ldap) task.directory = directory_of(conf);
  return task;
}

std::optional<wire::racoon::Task> task_of(const wire::racoon::AskAccounting& question, const config::RacoonConf& conf) {
  using Given = ike::ModeConfig::Accounting;
  using wire::racoon::Source;
  const Given way = conf.policy.mode_config.accounting;
  if (way == Given::None) return std::nullopt;
  wire::racoon::Task task;
  task.job = question.job;
  task.source = way == Given::Radius ? Source::Radius : way == Given::Pam ? Source::Pam : Source::System;
  task.user = question.user;
  task.remote = question.remote;
  task.session = question.session;
  task.slot = question.slot;
  task.seconds = question.seconds;
  task.address = question.address;
  task.token = question.token;
  if (way == Given::Radius) add_servers(task, conf.radius.acct, conf.radius);
  return task;
}

std::string printable(std::string text) {
  std::ranges::replace_if(
      text,
      [](char c) {
        return !is_printable({&c, 1});
      },
      '?');
  return text;
}

}  // namespace testudo::app
