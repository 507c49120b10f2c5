// The words of racoon.conf(5)'s `mode_cfg` block: what a server asks of users and gives to their hosts.
#include <algorithm>
#include <array>

#include "config/racoon/rules.h"

namespace testudo::config {

void Rules::mode_cfg(Builder& b, const Statement& s) {
  static constexpr std::array kRules{
      Rule{"auth_source", auth_source},
      Rule{"auth_groups",
           [](Builder& x, const Statement& t) {
             for (std::size_t i = 1; i < t.items.size(); ++i) {
               x.conf_.policy.mode_config.auth_groups.push_back(t.items[i].text);
             }
           },
           kAny},
      Rule{"group_source", group_source},
      Rule{"auth_throttle",
           [](Builder& x, const Statement& t) { set_seconds(x, t, x.conf_.policy.mode_config.auth_throttle); }},
      Rule{"conf_source", conf_source},
      Rule{"accounting", accounting},
      Rule{"network4", [](Builder& x, const Statement& t) { set_v4(x, t, x.conf_.policy.mode_config.network4); }},
      Rule{"netmask4", [](Builder& x, const Statement& t) { set_v4(x, t, x.conf_.policy.mode_config.netmask4); }},
      Rule{"dns4", [](Builder& x, const Statement& t) { add_v4(x, t, x.conf_.policy.mode_config.dns4); }, kAny},
      Rule{"wins4", [](Builder& x, const Statement& t) { add_v4(x, t, x.conf_.policy.mode_config.wins4); }, kAny},
      Rule{"nbns4", [](Builder& x, const Statement& t) { add_v4(x, t, x.conf_.policy.mode_config.wins4); }, kAny},
      Rule{"default_domain",
           [](Builder& x, const Statement& t) {
             if (const Item* name = x.value(t)) x.conf_.policy.mode_config.default_domain = name->text;
           }},
      Rule{"split_network", split_network, kAny},
      Rule{"split_dns",
           [](Builder& x, const Statement& t) {
             for (std::size_t i = 1; i < t.items.size(); ++i) {
               x.conf_.policy.mode_config.split_dns.push_back(t.items[i].text);
             }
           },
           kAny},
      Rule{"banner",
           [](Builder& x, const Statement& t) {
             if (const Item* file = x.value(t)) x.conf_.policy.mode_config.banner_file = file->text;
           }},
      Rule{"pool_size",
           [](Builder& x, const Statement& t) { set(x.number(t, 1, 65535, 1), x.conf_.policy.mode_config.pool_size); }},
      Rule{"pfs_group",
           [](Builder& x, const Statement& t) { set(x.number(t, 1, 31), x.conf_.policy.mode_config.pfs_group); }},
      Rule{"save_passwd",
           [](Builder& x, const Statement& t) { set(x.on_off(t), x.conf_.policy.mode_config.save_password); }},
  };
  apply(b, s, kRules, "mode_cfg");
}

void Rules::set_v4(Builder& b, const Statement& s, std::optional<net::Address>& target) {
  const auto at = b.endpoint(s, 1, 0);
  if (at && !at->address.is_v4()) return b.error(s.items[1], "syntax error", "expected an IPv4 address");
  if (at) target = at->address;
}

void Rules::add_v4(Builder& b, const Statement& s, std::vector<net::Address>& target) {
  static constexpr std::size_t kMost = 4;
  for (std::size_t i = 1; i < s.items.size(); ++i) {
    const auto address = net::Address::parse(s.items[i].text);
    if (!address || !address->is_v4()) return b.error(s.items[i], "syntax error", "expected an IPv4 address");
    if (target.size() == kMost) return b.error(s.items[i], "No more than " + std::to_string(kMost) + " of them");
    target.push_back(*address);
  }
}

/// split_network include|local_lan NET, NET …;
void Rules::split_network(Builder& b, const Statement& s) {
  static constexpr std::size_t kMost = 16;
  const Item* kind = b.value(s);
  if (kind == nullptr) return;
  if (kind->text != "include" && kind->text != "local_lan") {
    return b.error(*kind, "syntax error", "expected include or local_lan");
  }
  b.conf_.policy.mode_config.split_is_local = kind->text == "local_lan";
  for (std::size_t i = 2; i < s.items.size(); ++i) {
    const auto network = net::Prefix::parse(s.items[i].text);
    if (!network || !network->address.is_v4())
      return b.error(s.items[i], "syntax error", "expected a network such as 10.0.0.0/8");
    if (b.conf_.policy.mode_config.split_network.size() == kMost) return b.error(s.items[i], "too many networks");
    b.conf_.policy.mode_config.split_network.push_back(*network);
  }
}

void Rules::auth_source(Builder& b, const Statement& s) {
  using Source = ike::ModeConfig::AuthSource;
  static constexpr std::array<std::pair<std::string_view, Source>, 4> kWords{
      {{"system", Source::System}, {"radius", Source::Radius}, {"pam", Source::Pam}, {"ldap", Source::Ldap}}};
  choose<Source>(b, s, kWords, b.conf_.policy.mode_config.auth_source);
  b.auth_source_ = s.items.back();
}

void Rules::group_source(Builder& b, const Statement& s) {
  using Source = ike::ModeConfig::GroupSource;
  static constexpr std::array<std::pair<std::string_view, Source>, 2> kWords{
      {{"system", Source::System}, {"ldap", Source::Ldap}}};
  choose<Source>(b, s, kWords, b.conf_.policy.mode_config.group_source);
  b.group_source_ = s.items.back();
}

void Rules::conf_source(Builder& b, const Statement& s) {
  using Source = ike::ModeConfig::ConfSource;
  static constexpr std::array<std::pair<std::string_view, Source>, 3> kWords{
      {{"local", Source::Local}, {"radius", Source::Radius}, {"ldap", Source::Ldap}}};
  choose<Source>(b, s, kWords, b.conf_.policy.mode_config.conf_source);
  b.conf_source_ = s.items.back();
}

void Rules::accounting(Builder& b, const Statement& s) {
  using Way = ike::ModeConfig::Accounting;
  static constexpr std::array<std::pair<std::string_view, Way>, 4> kWords{
      {{"none", Way::None}, {"system", Way::System}, {"radius", Way::Radius}, {"pam", Way::Pam}}};
  choose<Way>(b, s, kWords, b.conf_.policy.mode_config.accounting);
  b.accounting_ = s.items.back();
}

/// radiuscfg may stand behind mode_cfg.
void Builder::check_radius() {
  const ike::ModeConfig& given = conf_.policy.mode_config;
  using Conf = ike::ModeConfig;
  const bool judges = given.auth_source == Conf::AuthSource::Radius;
  if (judges && conf_.radius.auth.empty()) {
    error(auth_source_, "no RADIUS server is known", "add radiuscfg { auth \"HOST\" \"SECRET\"; }");
  }
  if (given.accounting == Conf::Accounting::Radius && conf_.radius.acct.empty()) {
    error(accounting_, "no RADIUS server is known", "add radiuscfg { acct \"HOST\" \"SECRET\"; }");
  }
  if (given.conf_source == Conf::ConfSource::Radius && !judges) {
    error(conf_source_, "needs auth_source radius", "addresses come with the judgement of a login");
  }
}

}  // namespace testudo::config
