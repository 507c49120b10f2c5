// The block `ldapcfg`: rules.h has its words.
#include <array>

#include "config/racoon/rules.h"

namespace testudo::config {
namespace {

constexpr std::size_t kLongest = 1024;

using Text = std::string Ldap::*;

/// Nobody but this machine hears what is said.
bool is_here(const Ldap& ldap) {
  const auto address = net::Address::parse(ldap.host);
  return ldap.uri.empty() && (ldap.host == "localhost" || (address && address->is_loopback()));
}

}  // namespace

std::string Ldap::url() const {
  if (!uri.empty()) return uri;
  const bool is_v6 = host.find(':') != std::string::npos;
  return "ldap://" + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

void Rules::ldap(Builder& b, const Statement& s) {
  static constexpr auto text = [](Builder& x, const Statement& t, Text target) {
    const Item* value = x.value(t);
    if (value == nullptr) return;
    if (value->text.empty() || value->text.size() > kLongest) {
      return x.error(*value, "syntax error", "expected 1 to 1024 characters");
    }
    x.conf_.ldap.*target = value->text;
  };
  static constexpr std::array kRules{
      Rule{"version", ldap_version},
      Rule{"host", [](Builder& x, const Statement& t) { text(x, t, &Ldap::host); }},
      Rule{"port", [](Builder& x, const Statement& t) { set(x.number(t, 1, 65535, 1), x.conf_.ldap.port); }},
      Rule{"uri", ldap_uri},
      Rule{"base", [](Builder& x, const Statement& t) { text(x, t, &Ldap::base); }},
      Rule{"subtree", [](Builder& x, const Statement& t) { set(x.on_off(t), x.conf_.ldap.subtree); }},
      Rule{"tls", [](Builder& x, const Statement& t) { set(x.on_off(t), x.conf_.ldap.start_tls); }},
      Rule{"bind_dn", [](Builder& x, const Statement& t) { text(x, t, &Ldap::bind_dn); }},
      Rule{"bind_pw", ldap_password, kAny},
      Rule{"attr_user", [](Builder& x, const Statement& t) { text(x, t, &Ldap::attr_user); }},
      Rule{"attr_addr", [](Builder& x, const Statement& t) { text(x, t, &Ldap::attr_address); }},
      Rule{"attr_mask", [](Builder& x, const Statement& t) { text(x, t, &Ldap::attr_mask); }},
      Rule{"attr_group", [](Builder& x, const Statement& t) { text(x, t, &Ldap::attr_group); }},
      Rule{"attr_member", [](Builder& x, const Statement& t) { text(x, t, &Ldap::attr_member); }},
      Rule{"timeout", [](Builder& x, const Statement& t) { set(x.number(t, 1, 60, 1), x.conf_.ldap.timeout); }},
      Rule{"debug", no_effect},
  };
  apply(b, s, kRules, "ldapcfg");
}

void Rules::ldap_version(Builder& b, const Statement& s) {
  const auto version = b.number(s, 1);
  if (!version) return;
  if (*version != 2 && *version != 3) return b.error(s.items[1], "invalid ldap protocol version (2|3)");
  b.conf_.ldap.version = *version;
}

void Rules::ldap_uri(Builder& b, const Statement& s) {
  const Item* uri = b.value(s);
  if (uri == nullptr) return;
  const bool known = uri->text.starts_with("ldap://") || uri->text.starts_with("ldaps://");
  if (!known || uri->text.size() > kLongest) {
    return b.error(*uri, "syntax error", "expected \"ldap://HOST[:PORT]\" or \"ldaps://HOST[:PORT]\"");
  }
  b.conf_.ldap.uri = uri->text;
}

/// A diagnostic would show the text of the item.
void Rules::ldap_password(Builder& b, const Statement& s) {
  if (s.items.size() != 2) return b.error(s.word(), "syntax error", "expected bind_pw \"PASSWORD\";");
  const std::string& password = s.items[1].text;
  if (password.empty() || password.size() > kLongest) {
    return b.error(s.word(), "syntax error", "a password has 1 to 1024 characters");
  }
  b.conf_.ldap.bind_password = Secret{as_bytes(password)};
}

/// Nor may ldapcfg be missing, wherever it stands.
void Builder::check_ldap() {
  using Conf = ike::ModeConfig;
  const Conf& given = conf_.policy.mode_config;
  const Ldap& ldap = conf_.ldap;
  const bool judges = given.auth_source == Conf::AuthSource::Ldap;
  if (given.conf_source == Conf::ConfSource::Ldap && !judges) {
    error(conf_source_, "needs auth_source ldap", "addresses come with the judgement of a login");
  }
  if (given.group_source == Conf::GroupSource::Ldap && !judges) {
    error(group_source_, "needs auth_source ldap", "members go by the name that a login finds");
  }
  if (!judges) return;
  if (ldap.base.empty()) {
    error(auth_source_, "no directory is known", "add ldapcfg { host \"HOST\"; base \"dc=example,dc=org\"; }");
  }
  // Without a password a server lets in whoever asks, as nobody (RFC 4513 section 5.1.2).
  if (!ldap.bind_dn.empty() && ldap.bind_password.empty()) {
    error(auth_source_, "bind_dn without bind_pw in ldapcfg", "leave both out to ask as nobody");
  }
  const bool is_ldaps = ldap.url().starts_with("ldaps:");
  if (is_ldaps && ldap.start_tls)
    error(auth_source_, "tls on with an ldaps:// uri in ldapcfg", "one of them is enough");
  if (!is_ldaps && !ldap.start_tls && !is_here(ldap)) {
    warn(auth_source_, "passwords go to the directory in clear", "tls on; in ldapcfg, or an ldaps:// uri");
  }
}

}  // namespace testudo::config
