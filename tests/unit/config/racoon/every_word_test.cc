// Every word of racoon.conf(5): what a file says by it is in the configuration afterwards, or it is said why not.  No
// word is read past in silence.  tests/tools/test_racoon_conf looks whether the grammar has words that are not here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>

#include "config/racoon/conf.h"

namespace testudo::config {
namespace {

class NoFiles final : public Files {
 public:
  std::vector<File> matching(const std::string&) override { return {}; }
  std::uint32_t link(const std::string&) override { return 0; }
};

/// All that a configuration is, a line each.
class Account {
 public:
  explicit Account(const RacoonConf& conf) {
    say(conf.log, conf.pre_shared_key, conf.certificate, conf.script, conf.include, conf.pidfile, conf.pfkey_buffer);
    say_endpoints(conf.listen.isakmp);
    say_endpoints(conf.listen.isakmp_natt);
    const AdminSocket& admin = conf.listen.admin;
    say(conf.listen.strict_address, admin.enabled, admin.path, admin.owner, admin.group, admin.mode);
    say(conf.privsep.user, conf.privsep.group, conf.privsep.chroot);
    say(conf.radius.timeout, conf.radius.retries, conf.radius.message_authenticator);
    for (const auto* servers : {&conf.radius.auth, &conf.radius.acct}) {
      for (const auto& each : *servers) say(each.host, each.port);
      say("");
    }
    const Ldap& ldap = conf.ldap;
    say(ldap.url(), ldap.version, ldap.subtree, ldap.start_tls, ldap.base, ldap.bind_dn, ldap.bind_password.size());
    say(ldap.attr_user, ldap.attr_address, ldap.attr_mask, ldap.attr_group, ldap.attr_member, ldap.timeout);
    const ike::Limits& limits = conf.policy.limits;
    say(limits.counter, limits.interval, limits.phase1, limits.phase2, limits.natt_keepalive);
    add(conf.policy.mode_config);
    for (const ike::Remote& each : conf.policy.remotes) add(each);
    for (const ike::Sainfo& each : conf.policy.sainfos) add(each);
  }
  std::string text() const { return out_.str(); }

 private:
  template <typename... T>
  void say(const T&... values) {
    (put(values), ...);
    out_ << '\n';
  }
  template <typename T>
  void put(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      out_ << static_cast<unsigned>(value) << ' ';
    } else if constexpr (std::is_same_v<T, Duration>) {
      out_ << value.count() << ' ';
    } else {
      out_ << value << ' ';
    }
  }
  void say_endpoints(const std::vector<net::Endpoint>& all) {
    for (const net::Endpoint& each : all) say(each.address.to_string(), each.port);
    say("");
  }
  void say_addresses(const std::vector<net::Address>& all) {
    for (const net::Address& each : all) say(each.to_string());
    say("");
  }
  void say_words(const std::vector<std::string>& all) {
    for (const std::string& each : all) say(each);
    say("");
  }
  void add(const ike::ModeConfig& c) {
    say(c.auth_source, c.group_source, c.conf_source, c.accounting, c.auth_throttle, c.pool_size, c.default_domain,
        c.banner_file);
    say(c.split_is_local, c.pfs_group, c.save_password, c.network4 ? c.network4->to_string() : "",
        c.netmask4 ? c.netmask4->to_string() : "");
    say_words(c.auth_groups);
    say_words(c.split_dns);
    say_addresses(c.dns4);
    say_addresses(c.wins4);
    for (const net::Prefix& each : c.split_network) say(each.to_string());
  }
  void add(const ike::Remote& r) {
    say(r.name, r.address ? r.address->to_string() : "any", r.port, r.proposal_check, r.certificate_file, r.key_file,
        r.ca_file, r.plain_key_file, r.plain_peers_file, r.peers_certificate_file, r.xauth_login);
    say(r.verify_cert, r.send_cert, r.send_cr, r.mode_cfg, r.verify_identifier, r.passive, r.initial_contact, r.dpd,
        r.dpd_delay, r.dpd_retry, r.dpd_maxfail, r.rekey, r.scripts.up, r.scripts.down, r.scripts.dead);
    say(r.nat_traversal, r.ike_frag, r.esp_frag, r.weak_phase1_check, r.generate_policy, r.nonce_size, r.ph1id);
    say(r.my_identifier ? r.my_identifier->to_string() : "address");
    for (const ike::Identity& each : r.peers_identifiers) say(each.to_string());
    for (const auto mode : r.exchange_modes) say(mode);
    for (const ike::Phase1Transform& each : r.proposals) {
      say(each.cipher->name, each.key_bits, each.hash->name, each.authentication, each.xauth, each.group->name,
          each.lifetime);
    }
  }
  void add(const ike::Sainfo& s) {
    say(s.name, s.source.has_value(), s.destination.has_value(), s.client_address, s.from ? s.from->to_string() : "",
        s.remoteid, s.pfs_group != nullptr ? s.pfs_group->name : "none", s.lifetime, s.deflate);
    for (const ike::ChildCipher& each : s.encryption) say(each.row->name, each.key_bits);
    for (const auto* each : s.authentication) say(each->name);
  }

  std::ostringstream out_;
};

/// A file in which each block is, and `statement` in one of them.
std::string file_with(const std::string& block, const std::string& statement) {
  const auto in = [&](const char* name) { return name == block ? " " + statement + "\n" : std::string{}; };
  const auto all = [&](const char* name) {
    return name == block ? std::string{name} + " {" + in(name) + "}\n" : std::string{};
  };
  const std::string radius = block == "radius" ? "radiuscfg {" + in("radius") + "}\n" : "";
  const std::string ldap = block == "ldap" ? "ldapcfg {" + in("ldap") + "}\n" : "";
  return in("top") + all("listen") + all("timer") + all("padding") + all("privsep") + radius + ldap + all("mode_cfg") +
         "remote anonymous { exchange_mode main;" + in("remote") +
         " proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key;"
         " dh_group 14;" +
         in("proposal") +
         "} }\nsainfo anonymous { encryption_algorithm aes; authentication_algorithm hmac_sha1;"
         " compression_algorithm deflate;" +
         in("sainfo") + "}\n";
}

struct Read {
  std::string account, said;
};

Read read(const std::string& text) {
  NoFiles files;
  const Loaded loaded = load_racoon_conf(text, "racoon.conf", files);
  Read result{Account{*loaded.conf}.text(), ""};
  for (const Diagnostic& each : loaded.diagnostics) result.said += to_string(each) + "\n";
  return result;
}

struct WordRow {
  const char *block, *word, *statement;
  const char* said = "";  ///< "": the configuration changes, without a word; else what is said instead of that
};

void PrintTo(const WordRow& row, std::ostream* out) {
  *out << row.block << ": " << row.statement;
}

class EveryWord : public testing::TestWithParam<WordRow> {};

TEST_P(EveryWord, ChangesSomethingOrSaysWhyNot) {
  const WordRow& row = GetParam();
  ASSERT_EQ(std::string{row.statement}.find(row.word), 0U);
  const Read plain = read(file_with(row.block, "")), with = read(file_with(row.block, row.statement));
  EXPECT_EQ(plain.said, std::string{row.block} == "padding" ? plain.said : "");
  if (*row.said == '\0') {
    EXPECT_NE(with.account, plain.account);
    EXPECT_EQ(with.said, plain.said);
  } else {
    EXPECT_THAT(with.said, testing::HasSubstr(row.said));
  }
}

constexpr const char* kNothing = "has no effect here";

INSTANTIATE_TEST_SUITE_P(
    RacoonConf, EveryWord,
    testing::Values(
        WordRow{"top", "path", "path include \"/x\";"}, WordRow{"top", "path", "path pre_shared_key \"/x\";"},
        WordRow{"top", "path", "path certificate \"/x\";"}, WordRow{"top", "path", "path script \"/x\";"},
        WordRow{"top", "path", "path pidfile \"/x\";"},
        WordRow{"top", "path", "path backupsa \"/x\";", "are not kept in a file"}, WordRow{"top", "log", "log debug;"},
        WordRow{"top", "pfkey_buffer", "pfkey_buffer 512;"},
        WordRow{"top", "gss_id_enc", "gss_id_enc utf-16le;", "GSSAPI is not built"},
        WordRow{"top", "ldapcfg", "ldapcfg { port 3890; }"},
        WordRow{"top", "complex_bundle", "complex_bundle on;", kNothing},
        WordRow{"top", "padding", "padding { randomize off; }", kNothing},
        WordRow{"top", "timer", "timer { counter 9; }"}, WordRow{"top", "listen", "listen { strict_address; }"},
        WordRow{"top", "privsep", "privsep { user \"x\"; }"}, WordRow{"top", "radiuscfg", "radiuscfg { timeout 7; }"},
        WordRow{"top", "mode_cfg", "mode_cfg { pool_size 7; }"},
        WordRow{"top", "remote",
                "remote 192.0.2.9 { exchange_mode main; proposal { encryption_algorithm aes; hash_algorithm sha1; "
                "authentication_method pre_shared_key; dh_group 14; } }"},
        WordRow{"top", "remote", "remote \"x\" inherit \"y\" { }", "does not exist"},
        WordRow{"top", "sainfo",
                "sainfo address 10.0.0.0/8 any address 11.0.0.0/8 any { encryption_algorithm aes; "
                "authentication_algorithm hmac_sha1; compression_algorithm deflate; }"},
        WordRow{"top", "sainfo",
                "sainfo anonymous clientaddr { encryption_algorithm aes; authentication_algorithm hmac_sha1; "
                "compression_algorithm deflate; }"},
        WordRow{"top", "sainfo",
                "sainfo anonymous from fqdn \"a\" { encryption_algorithm aes; authentication_algorithm hmac_sha1; "
                "compression_algorithm deflate; }"},
        WordRow{"top", "sainfo",
                "sainfo anonymous group \"wheel\" { encryption_algorithm aes; authentication_algorithm hmac_sha1; "
                "compression_algorithm deflate; }",
                "a group of users cannot be named here"},
        WordRow{"listen", "isakmp", "isakmp 192.0.2.1 [500];"},
        WordRow{"listen", "isakmp_natt", "isakmp_natt 192.0.2.1;"},
        WordRow{"listen", "strict_address", "strict_address;"}, WordRow{"listen", "adminsock", "adminsock disabled;"},
        WordRow{"listen", "adminsock", "adminsock \"/x.sock\" \"root\" \"adm\" 0660;"},
        WordRow{"timer", "counter", "counter 9;"}, WordRow{"timer", "interval", "interval 3 sec;"},
        WordRow{"timer", "phase1", "phase1 3 sec;"}, WordRow{"timer", "phase2", "phase2 3 sec;"},
        WordRow{"timer", "persend", "persend 2;", "expected 1"},
        WordRow{"timer", "natt_keepalive", "natt_keepalive 3 sec;"},
        WordRow{"padding", "randomize", "randomize maybe;", "expected on or off"},
        WordRow{"padding", "randomize_length", "randomize_length maybe;", "expected on or off"},
        WordRow{"padding", "strict_check", "strict_check maybe;", "expected on or off"},
        WordRow{"padding", "exclusive_tail", "exclusive_tail maybe;", "expected on or off"},
        WordRow{"padding", "maximum_length", "maximum_length x;", "syntax error"},
        WordRow{"privsep", "user", "user \"x\";"}, WordRow{"privsep", "group", "group 7;"},
        WordRow{"privsep", "chroot", "chroot \"/x\";"}, WordRow{"radius", "auth", "auth \"h\" \"secret\";"},
        WordRow{"radius", "acct", "acct \"h\" 1900 \"secret\";"}, WordRow{"radius", "timeout", "timeout 7;"},
        WordRow{"radius", "retries", "retries 7;"},
        WordRow{"radius", "message_authenticator", "message_authenticator optional;"},
        WordRow{"ldap", "version", "version 2;"}, WordRow{"ldap", "host", "host \"h\";"},
        WordRow{"ldap", "port", "port 3890;"}, WordRow{"ldap", "uri", "uri \"ldaps://h\";"},
        WordRow{"ldap", "base", "base \"dc=a\";"}, WordRow{"ldap", "subtree", "subtree on;"},
        WordRow{"ldap", "tls", "tls on;"}, WordRow{"ldap", "bind_dn", "bind_dn \"cn=a\";"},
        WordRow{"ldap", "bind_pw", "bind_pw \"x\";"}, WordRow{"ldap", "attr_user", "attr_user \"uid\";"},
        WordRow{"ldap", "attr_addr", "attr_addr \"a\";"}, WordRow{"ldap", "attr_mask", "attr_mask \"a\";"},
        WordRow{"ldap", "attr_group", "attr_group \"a\";"}, WordRow{"ldap", "attr_member", "attr_member \"a\";"},
        WordRow{"ldap", "timeout", "timeout 7;"}, WordRow{"ldap", "debug", "debug 1;", kNothing}));

INSTANTIATE_TEST_SUITE_P(
    RacoonConfModeCfg, EveryWord,
    testing::Values(
        WordRow{"mode_cfg", "auth_source", "auth_source pam;"},
        WordRow{"mode_cfg", "auth_groups", "auth_groups \"x\";"},
        WordRow{"mode_cfg", "auth_throttle", "auth_throttle 7;"},
        WordRow{"mode_cfg", "group_source", "group_source nobody;", "expected system"},
        WordRow{"mode_cfg", "conf_source", "conf_source radius;", "needs auth_source radius"},
        WordRow{"mode_cfg", "accounting", "accounting system;"}, WordRow{"mode_cfg", "network4", "network4 10.0.0.1;"},
        WordRow{"mode_cfg", "netmask4", "netmask4 255.0.0.0;"}, WordRow{"mode_cfg", "dns4", "dns4 10.0.0.1, 10.0.0.2;"},
        WordRow{"mode_cfg", "wins4", "wins4 10.0.0.1;"}, WordRow{"mode_cfg", "nbns4", "nbns4 10.0.0.1;"},
        WordRow{"mode_cfg", "default_domain", "default_domain \"x\";"},
        WordRow{"mode_cfg", "split_network", "split_network include 10.0.0.0/8;"},
        WordRow{"mode_cfg", "split_network", "split_network local_lan 10.0.0.0/8;"},
        WordRow{"mode_cfg", "split_dns", "split_dns \"a\", \"b\";"}, WordRow{"mode_cfg", "banner", "banner \"/x\";"},
        WordRow{"mode_cfg", "pool_size", "pool_size 7;"}, WordRow{"mode_cfg", "pfs_group", "pfs_group 2;"},
        WordRow{"mode_cfg", "save_passwd", "save_passwd on;"}));

INSTANTIATE_TEST_SUITE_P(
    RacoonConfRemote, EveryWord,
    testing::Values(
        WordRow{"remote", "exchange_mode", "exchange_mode base;"},
        WordRow{"remote", "proposal",
                "proposal { encryption_algorithm aes 256; hash_algorithm md5; authentication_method pre_shared_key; "
                "dh_group 14; }"},
        WordRow{"remote", "proposal_check", "proposal_check exact;"},
        WordRow{"remote", "my_identifier", "my_identifier fqdn \"a\";"},
        WordRow{"remote", "peers_identifier", "peers_identifier fqdn \"a\";"},
        WordRow{"remote", "remote_address", "remote_address 192.0.2.1 [501];"},
        WordRow{"remote", "verify_identifier", "verify_identifier on;"}, WordRow{"remote", "passive", "passive on;"},
        WordRow{"remote", "initial_contact", "initial_contact off;"}, WordRow{"remote", "dpd", "dpd off;"},
        WordRow{"remote", "nonce_size", "nonce_size 32;"}, WordRow{"remote", "ph1id", "ph1id 7;"},
        WordRow{"remote", "lifetime", "lifetime time 7 min;"},
        WordRow{"remote", "lifetime", "lifetime byte 7 MB;", "byte lifetime support is deprecated in Phase1"},
        WordRow{"remote", "dh_group", "dh_group 2;", "dh_group cannot be defined here."},
        WordRow{"remote", "doi", "doi other;", "expected ipsec_doi"},
        WordRow{"remote", "situation", "situation secrecy;", "expected identity_only"},
        WordRow{"remote", "support_proxy", "support_proxy on;", kNothing},
        WordRow{"remote", "weak_phase1_check", "weak_phase1_check on;",
                "lets whoever sees the messages of this peer end its SAs"},
        WordRow{"remote", "xauth_login", "xauth_login \"a\";"},
        WordRow{"remote", "certificate_type", "certificate_type x509 \"a\" \"b\";"},
        WordRow{"remote", "certificate_type", "certificate_type plain_rsa \"a\";"},
        WordRow{"remote", "peers_certfile", "peers_certfile plain_rsa \"a\";"},
        WordRow{"remote", "peers_certfile", "peers_certfile x509 \"a\";"},
        WordRow{"remote", "peers_certfile", "peers_certfile \"a\";", "is deprecated without a kind"},
        WordRow{"remote", "peers_certfile", "peers_certfile dnssec;", "certificates are not looked up in the DNS"},
        WordRow{"remote", "ca_type", "ca_type x509 \"a\";"}, WordRow{"remote", "verify_cert", "verify_cert off;"},
        WordRow{"remote", "send_cert", "send_cert off;"}, WordRow{"remote", "send_cr", "send_cr off;"},
        WordRow{"remote", "match_empty_cr", "match_empty_cr on;", "blocks are chosen by address"},
        WordRow{"remote", "ike_frag", "ike_frag force;"}, WordRow{"remote", "esp_frag", "esp_frag 552;"},
        WordRow{"remote", "esp_frag", "esp_frag 100;", "between 256 and 65535"},
        WordRow{"remote", "mode_cfg", "mode_cfg on;"}, WordRow{"remote", "script", "script \"x\" phase1_dead;"},
        WordRow{"remote", "generate_policy", "generate_policy unique;"},
        WordRow{"remote", "nat_traversal", "nat_traversal force;"}, WordRow{"remote", "dpd_delay", "dpd_delay 7;"},
        WordRow{"remote", "dpd_retry", "dpd_retry 7;"}, WordRow{"remote", "dpd_maxfail", "dpd_maxfail 7;"},
        WordRow{"remote", "rekey", "rekey off;"}));

INSTANTIATE_TEST_SUITE_P(
    RacoonConfAlgorithms, EveryWord,
    testing::Values(WordRow{"proposal", "encryption_algorithm", "encryption_algorithm 3des;"},
                    WordRow{"proposal", "hash_algorithm", "hash_algorithm md5;"},
                    WordRow{"proposal", "authentication_method", "authentication_method xauth_psk_server;"},
                    WordRow{"proposal", "authentication_method", "authentication_method gssapi_krb;",
                            "authentication method is not built (GSSAPI is not built"},
                    WordRow{"proposal", "dh_group", "dh_group 15;"},
                    WordRow{"proposal", "lifetime", "lifetime time 7 min;"},
                    WordRow{"proposal", "gss_id", "gss_id \"x\";", "GSSAPI is not built"},
                    WordRow{"proposal", "gssapi_id", "gssapi_id \"x\";", "GSSAPI is not built"},
                    WordRow{"sainfo", "encryption_algorithm", "encryption_algorithm camellia;"},
                    WordRow{"sainfo", "authentication_algorithm", "authentication_algorithm hmac_md5;"},
                    WordRow{"sainfo", "compression_algorithm", "compression_algorithm lzs;", "not supported"},
                    WordRow{"sainfo", "pfs_group", "pfs_group 14;"},
                    WordRow{"sainfo", "lifetime", "lifetime time 7 min;"},
                    WordRow{"sainfo", "remoteid", "remoteid 7;"}));

}  // namespace
}  // namespace testudo::config
