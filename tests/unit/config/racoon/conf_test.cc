#include "config/racoon/conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace testudo::config {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class Memory final : public Files {
 public:
  std::vector<File> matching(const std::string& pattern) override {
    asked = pattern;
    const auto found = texts.find(pattern);
    return found == texts.end() ? std::vector<File>{} : std::vector{File{pattern, found->second, failure}};
  }
  std::uint32_t link(const std::string& name) override { return name == "eth0" ? 7 : 0; }
  std::map<std::string, std::string> texts;
  std::string asked, failure;
};

Loaded load(const std::string& text) {
  Memory files;
  return load_racoon_conf(text, "racoon.conf", files);
}

// The shape of the sample file that distributions ship.
constexpr const char* kSample = R"(
path include "/etc/racoon";
path pre_shared_key "/etc/racoon/psk.txt";
log info;
padding { maximum_length 20; randomize off; strict_check off; exclusive_tail off; }
listen { isakmp 10.1.1.1 [500]; strict_address; }
timer { counter 3; interval 20 sec; persend 1; phase1 1 min; phase2 15 sec; }
remote anonymous
{
  exchange_mode main, aggressive;
  my_identifier address;
  lifetime time 24 hour;   # of phase 1
  proposal_check obey;
  proposal {
    encryption_algorithm aes 256;
    hash_algorithm sha256;
    authentication_method pre_shared_key;
    dh_group modp2048;
  }
}
remote 172.16.1.1 [5000] inherit anonymous { passive on; }
sainfo address 10.1.0.0/16[any] any address 10.2.0.0/16 any from fqdn "b.example.org"
{
  pfs_group 2;
  lifetime time 12 hour;
  encryption_algorithm 3des, aes 192, aes_gcm_16 256;
  authentication_algorithm hmac_sha1, hmac_sha256;
  compression_algorithm deflate;
}
)";

TEST(RacoonConf, SampleMeansWhatTheManualSays) {
  const Loaded loaded = load(kSample);
  for (const Diagnostic& d : loaded.diagnostics) EXPECT_EQ(d.severity, Diagnostic::Severity::Warning) << to_string(d);
  const RacoonConf& c = *loaded.conf;
  EXPECT_EQ(c.pre_shared_key, "/etc/racoon/psk.txt");
  ASSERT_EQ(c.listen.isakmp.size(), 1U);
  EXPECT_EQ(c.listen.isakmp[0].port, 500);
  EXPECT_TRUE(c.listen.strict_address);
  EXPECT_EQ(c.policy.limits.counter, 3U);
  EXPECT_EQ(c.policy.limits.interval, seconds{20});
  EXPECT_EQ(c.policy.limits.phase1, seconds{60});

  ASSERT_EQ(c.policy.remotes.size(), 2U);
  const ike::Remote& any = c.policy.remotes[0];
  EXPECT_FALSE(any.address);
  EXPECT_EQ(any.exchange_modes.size(), 2U);
  EXPECT_EQ(any.proposal_check, ike::Check::Obey);
  ASSERT_EQ(any.proposals.size(), 1U);
  EXPECT_EQ(any.proposals[0].cipher->name, "aes");
  EXPECT_EQ(any.proposals[0].key_bits, 256);
  EXPECT_EQ(any.proposals[0].hash->id, 4);
  EXPECT_EQ(any.proposals[0].group->id, 14);
  EXPECT_EQ(any.proposals[0].lifetime, 86400U);

  const ike::Remote& one = c.policy.remotes[1];
  EXPECT_EQ(one.address->to_string(), "172.16.1.1");
  EXPECT_EQ(one.port, 5000);
  EXPECT_TRUE(one.passive);
  EXPECT_EQ(one.proposals.size(), 1U) << "inherited";

  ASSERT_EQ(c.policy.sainfos.size(), 1U);
  const ike::Sainfo& s = c.policy.sainfos[0];
  EXPECT_EQ(s.pfs_group->id, 2);
  EXPECT_EQ(s.lifetime, 43200U);
  ASSERT_EQ(s.encryption.size(), 3U);
  EXPECT_EQ(s.encryption[1].key_bits, 192);
  EXPECT_EQ(s.encryption[2].row->name, "aes-gcm-16");
  EXPECT_EQ(s.authentication[1]->name, "hmac-sha256");
  ASSERT_TRUE(s.source && s.destination && s.from);
  EXPECT_EQ(s.source->type, wire::ike::v1::IdType::V4Subnet);
  EXPECT_EQ(s.from->to_string(), "b.example.org");
}

TEST(RacoonConf, DefaultsAreThoseOfTheCode) {
  const Loaded loaded = load(R"(remote anonymous { exchange_mode main; proposal { encryption_algorithm aes;
    hash_algorithm sha1; authentication_method pre_shared_key; dh_group 2; } })");
  ASSERT_FALSE(loaded.failed());
  const ike::Remote& r = loaded.conf->policy.remotes[0];
  EXPECT_EQ(r.proposals[0].lifetime, 28800U);
  EXPECT_EQ(r.proposals[0].key_bits, 128);
  EXPECT_EQ(r.proposal_check, ike::Check::Strict);
  EXPECT_EQ(r.nonce_size, 16);
  EXPECT_FALSE(r.verify_identifier);
  EXPECT_FALSE(r.passive);
  EXPECT_TRUE(r.initial_contact);
  EXPECT_TRUE(r.dpd);
  EXPECT_EQ(loaded.conf->policy.limits.counter, 5U);
  EXPECT_EQ(loaded.conf->policy.limits.interval, seconds{10});
  EXPECT_EQ(loaded.conf->policy.limits.phase1, seconds{30}) << "the manual says 15";
  EXPECT_EQ(loaded.conf->policy.limits.phase2, seconds{30}) << "the manual says 10";
  EXPECT_EQ(loaded.conf->log, LogLevel::Info);
}

struct ErrorRow {
  const char *text, *complaint;
};

class Complaint : public testing::TestWithParam<ErrorRow> {};

TEST_P(Complaint, NamesPlaceWordAndRemedy) {
  const auto& [text, complaint] = GetParam();
  const Loaded loaded = load(text);
  EXPECT_TRUE(loaded.failed());
  ASSERT_FALSE(loaded.diagnostics.empty());
  EXPECT_THAT(to_string(loaded.diagnostics[0]), HasSubstr(complaint));
}

INSTANTIATE_TEST_SUITE_P(
    RacoonConf, Complaint,
    testing::Values(
        ErrorRow{"log info", "racoon.conf:1:9: \"\" syntax error (a block has no `}', or the last statement no `;')"},
        ErrorRow{"timer {\n  countr 5;\n}",
                 "racoon.conf:2:3: \"countr\" syntax error (no word of timer; did you mean counter?)"},
        ErrorRow{"listen { isakmp fe80::1; }", "\"fe80::1\" a link-local address means nothing without its interface"},
        ErrorRow{"listen { isakmp fe80::1%eth1; }", "\"fe80::1%eth1\" there is no interface \"eth1\""},
        ErrorRow{"listen { isakmp 10.0.0.1%eth0; }", "\"10.0.0.1%eth0\" syntax error"},
        ErrorRow{"timer { counter five; }", "racoon.conf:1:17: \"five\" syntax error (expected a decimal number"},
        ErrorRow{"timer { counter 0x5; }", "\"0x5\" syntax error"},
        ErrorRow{"timer { interval 5 day; }", "racoon.conf:1:20: \"day\" syntax error (expected sec, min or hour)"},
        ErrorRow{"log loud;", "\"loud\" syntax error (expected error, warning"},
        ErrorRow{"path \"x;", "the string has no end"}, ErrorRow{"remote anonymous { }", "no exchange mode specified."},
        ErrorRow{"remote anonymous { exchange_mode main; }", "no remote specification found"},
        ErrorRow{"remote anonymous { dh_group 2; }", "dh_group cannot be defined here."},
        ErrorRow{"remote anonymous { lifetime byte 5 MB; }", "byte lifetime support is deprecated in Phase1"},
        ErrorRow{"remote example.org { }", "names are not looked up here"},
        ErrorRow{"remote \"a\" inherit \"b\" { }", "named parent remoteconf \"b\" does not exist."},
        ErrorRow{"remote anonymous { proposal { hash_algorithm sha1; dh_group 14; } }",
                 "encryption algorithm required."},
        ErrorRow{"remote anonymous { proposal { encryption_algorithm 3des 192; } }", "keylen not allowed"},
        ErrorRow{"remote anonymous { proposal { encryption_algorithm aes 129; } }", "invalid keylen 129"},
        ErrorRow{"remote anonymous { proposal { dh_group modp2047; } }", "must be DH group (did you mean modp2048?)"},
        ErrorRow{"sainfo anonymous { encryption_algorithm aes; authentication_algorithm hmac_sha1; }",
                 "no compression algorithm at anonymous"},
        ErrorRow{"sainfo anonymous { encryption_algorithm aess; }", "algorithm aess not supported"},
        ErrorRow{"remote anonymous { nonce_size 7; }", "between 8 and 256"},
        ErrorRow{"remote anonymous { dpd_delay 4000; }", "expected a decimal number up to 3600"},
        ErrorRow{"remote anonymous { dpd_retry 0; }", "expected a decimal number from 1 up to 3600"},
        ErrorRow{"remote anonymous { rekey always; }", "expected on or off"},
        ErrorRow{"remote anonymous { certificate_type plain_rsa; }", "a value is missing behind it"},
        ErrorRow{"remote anonymous { certificate_type plain_rsa \"a\" \"b\"; }", "nothing more may stand behind"},
        ErrorRow{"remote anonymous { certificate_type openpgp \"a\"; }", "expected x509 or plain_rsa"},
        ErrorRow{"remote anonymous { certificate_type plain_rsa \"a\"; certificate_type x509 \"b\" \"c\"; }",
                 "certificate_type already defined"},
        ErrorRow{"remote anonymous { peers_certfile openpgp \"a\"; }", "expected plain_rsa or x509"},
        ErrorRow{"remote anonymous { peers_certfile dnssec; }", "certificates are not looked up in the DNS"},
        ErrorRow{"remote anonymous { peers_certfile x509 \"a\"; peers_certfile \"b\"; }",
                 "peers_certfile already defined"},
        ErrorRow{"remote anonymous { peers_certfile plain_rsa \"a\"; peers_certfile plain_rsa \"b\"; }",
                 "peers_certfile already defined"},
        ErrorRow{"remote anonymous { exchange_mode main; certificate_type plain_rsa \"a\"; proposal { "
                 "encryption_algorithm aes; hash_algorithm sha1; authentication_method rsasig; dh_group 14; } }",
                 "no peers_certfile plain_rsa"},
        ErrorRow{"remote anonymous { exchange_mode main; certificate_type x509 \"a\" \"b\"; peers_certfile plain_rsa "
                 "\"c\"; proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method rsasig; "
                 "dh_group 14; } }",
                 "peers_certfile plain_rsa without certificate_type plain_rsa"},
        ErrorRow{"remote anonymous { certificate_type x509 \"a\"; }", "a value is missing behind it"},
        ErrorRow{"remote anonymous { peers_identifier asn1dn \"nobody\"; }", "expected a name such as"},
        ErrorRow{"remote anonymous { exchange_mode main; proposal { encryption_algorithm aes; hash_algorithm sha1; "
                 "authentication_method rsasig; dh_group 14; } }",
                 "no certificate_type for rsasig"},
        ErrorRow{
            "remote anonymous { exchange_mode main, aggressive; proposal { encryption_algorithm aes; hash_algorithm "
            "sha1; authentication_method pre_shared_key; dh_group 14; } proposal { encryption_algorithm aes; "
            "hash_algorithm sha1; authentication_method pre_shared_key; dh_group 5; } }",
            "DH group must be equal in all proposals when aggressive mode is used."},
        ErrorRow{"remote anonymous { nat_traversal yes; }", "expected on, off or force"},
        ErrorRow{"remote anonymous { ike_frag yes; }", "expected off, on or force"},
        ErrorRow{"remote anonymous { generate_policy yes; }", "expected off, on, require or unique"},
        ErrorRow{"listen { adminsock \"/x\" \"root\" \"root\" 0890; }", "Mode 00890 is invalid"},
        ErrorRow{"listen { adminsock \"/x\" \"root\" \"root\" 0770; }", "Mode 00770 is invalid"},
        ErrorRow{"listen { adminsock \"/x\" \"root\"; }", "a value is missing behind it"},
        ErrorRow{"remote anonymous { script \"/x\" phase2_up; }", "expected phase1_up, phase1_down or phase1_dead"},
        ErrorRow{"remote anonymous { script \"/x\"; }", "a value is missing behind it"},
        ErrorRow{"timer { counter 0; }",
                 "racoon.conf:1:17: \"0\" syntax error (expected a decimal number from 1 up to"},
        ErrorRow{"timer { interval 0 sec; }", "expected a decimal number from 1 up to"},
        ErrorRow{"timer { phase1 2 hour; }", "racoon.conf:1:16: \"2\" is too long (at most 3600 sec)"},
        ErrorRow{"remote anonymous { lifetime time 0 sec; }", "expected a decimal number from 1 up to"},
        ErrorRow{"remote anonymous { lifetime time 9000 hour; }", "is too long"},
        ErrorRow{"sainfo anonymous { lifetime time 1000000 min; }", "is too long"},
        ErrorRow{"log info debug;", "racoon.conf:1:10: \"debug\" syntax error (nothing more may stand behind log)"},
        ErrorRow{"timer { interval 5 sec 6; }", "nothing more may stand behind interval"},
        ErrorRow{"timer counter 5;", "nothing more may stand behind timer"},
        ErrorRow{"timer;", "expected a block { } behind it"}, ErrorRow{"log info { }", "it has no block { }"},
        ErrorRow{"remote anonymous main { }", "\"main\" syntax error (expected inherit"},
        ErrorRow{"sainfo anonymous anonymous twice { }", "\"twice\" syntax error"},
        ErrorRow{"remote anonymous { doi other; }", "expected ipsec_doi"},
        ErrorRow{"a { a { a { a { a { a { a { a { a { ; } } } } } } } } }", "Blocks nested too deeply"}));

TEST(RacoonConf, ModesKeepTheirOrderAndAggressiveWithPreSharedKeysWarns) {
  const Loaded loaded = load(R"(remote anonymous { exchange_mode base, aggressive main; proposal {
    encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; } })");
  ASSERT_FALSE(loaded.failed());
  using wire::ike::v1::Exchange;
  EXPECT_EQ(loaded.conf->policy.remotes[0].exchange_modes,
            (std::vector{Exchange::Base, Exchange::Aggressive, Exchange::Main}));
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_NE(to_string(loaded.diagnostics[0]).find("try pre-shared keys at leisure"), std::string::npos);
}

TEST(RacoonConf, BlocksOfAnyDepthAreRefusedNotFollowed) {
  std::string deep;
  for (int i = 0; i < 300'000; ++i) deep += "a{";
  EXPECT_TRUE(load(deep).failed());
}

TEST(RacoonConf, LifetimeIsForProposalsWithoutOneWhereverItStands) {
  const Loaded loaded = load(R"(
    remote "a" { exchange_mode main;
      proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; }
      proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 2;
                 lifetime time 5 min; }
      lifetime time 2 hour; }
    remote "b" inherit "a" { }
    remote "c" inherit "a" { lifetime time 3 hour; })");
  ASSERT_FALSE(loaded.failed());
  const auto& remotes = loaded.conf->policy.remotes;
  ASSERT_EQ(remotes.size(), 3U);
  const std::uint32_t wanted[] = {7200, 7200, 10800};
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(remotes[i].proposals.size(), 2U);
    EXPECT_EQ(remotes[i].proposals[0].lifetime, wanted[i]) << i;
    EXPECT_EQ(remotes[i].proposals[1].lifetime, 300U) << i;
  }
}

TEST(RacoonConf, FragmentsAreOffUnlessTheFileAsksForThem) {
  static const std::string kProposal =
      "proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; }";
  const std::pair<const char*, ike::Fragmentation> rows[] = {{"", ike::Fragmentation::Off},
                                                             {"ike_frag off;", ike::Fragmentation::Off},
                                                             {"ike_frag on;", ike::Fragmentation::On},
                                                             {"ike_frag force;", ike::Fragmentation::Force}};
  for (const auto& [word, wanted] : rows) {
    const Loaded loaded = load("remote anonymous { exchange_mode main; " + std::string{word} + kProposal + "}");
    ASSERT_FALSE(loaded.failed()) << word;
    EXPECT_TRUE(loaded.diagnostics.empty()) << word;
    EXPECT_EQ(loaded.conf->policy.remotes.at(0).ike_frag, wanted) << word;
  }
}

TEST(RacoonConf, PoliciesAreGeneratedOnlyWhereTheFileAsksForThem) {
  static const std::string kProposal =
      "proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; }";
  using Level = ike::GeneratePolicy;
  const std::pair<const char*, Level> rows[] = {{"", Level::Off},
                                                {"generate_policy off;", Level::Off},
                                                {"generate_policy on;", Level::Require},
                                                {"generate_policy require;", Level::Require},
                                                {"generate_policy unique;", Level::Unique}};
  for (const auto& [word, wanted] : rows) {
    const Loaded loaded = load("remote anonymous { exchange_mode main; " + std::string{word} + kProposal + "}");
    ASSERT_FALSE(loaded.failed()) << word;
    EXPECT_TRUE(loaded.diagnostics.empty()) << word;
    EXPECT_EQ(loaded.conf->policy.remotes.at(0).generate_policy, wanted) << word;
  }
}

TEST(RacoonConf, NatTraversalIsOffUnlessTheFileAsksForIt) {
  static const std::string kProposal =
      "proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; }";
  const std::pair<const char*, ike::NatTraversal> rows[] = {{"", ike::NatTraversal::Off},
                                                            {"nat_traversal off;", ike::NatTraversal::Off},
                                                            {"nat_traversal on;", ike::NatTraversal::On},
                                                            {"nat_traversal force;", ike::NatTraversal::Force}};
  for (const auto& [word, wanted] : rows) {
    const Loaded loaded = load("remote anonymous { exchange_mode main; " + std::string{word} + kProposal + "}");
    ASSERT_FALSE(loaded.failed()) << word;
    EXPECT_EQ(loaded.conf->policy.remotes.at(0).nat_traversal, wanted) << word;
  }
  EXPECT_EQ(load("").conf->policy.limits.natt_keepalive, std::chrono::seconds{20});
  EXPECT_EQ(load("timer { natt_keepalive 0; }").conf->policy.limits.natt_keepalive, Duration{});
  EXPECT_EQ(load("timer { natt_keepalive 7 sec; }").conf->policy.limits.natt_keepalive, std::chrono::seconds{7});
}

TEST(RacoonConf, CertificatesAreNamedAndNothingIsRead) {
  const Loaded loaded = load(R"(path certificate "/etc/racoon/certs";
    remote anonymous { exchange_mode main; certificate_type x509 "own.pem" "own.key"; ca_type x509 "ca.pem";
      verify_cert off; send_cr off; my_identifier asn1dn; peers_identifier asn1dn "C=NL, O=Example, CN=host";
      proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method rsasig; dh_group 14; } })");
  ASSERT_FALSE(loaded.failed());
  EXPECT_EQ(loaded.conf->certificate, "/etc/racoon/certs");
  const ike::Remote& remote = loaded.conf->policy.remotes.at(0);
  EXPECT_EQ(remote.certificate_file, "own.pem");
  EXPECT_EQ(remote.key_file, "own.key");
  EXPECT_EQ(remote.ca_file, "ca.pem");
  EXPECT_FALSE(remote.verify_cert);
  EXPECT_TRUE(remote.send_cert);
  EXPECT_FALSE(remote.send_cr);
  EXPECT_TRUE(remote.uses_signatures());
  EXPECT_EQ(remote.peers_identifiers.at(0).to_string(), "C = NL, O = Example, CN = host");
}

TEST(RacoonConf, PlainKeysAreFilesOfBothSides) {
  const Loaded loaded = load(R"(
    remote anonymous { exchange_mode main; certificate_type plain_rsa "own.key"; peers_certfile plain_rsa "peers";
      proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method rsasig; dh_group 14; } })");
  ASSERT_FALSE(loaded.failed());
  const ike::Remote& remote = loaded.conf->policy.remotes.at(0);
  EXPECT_EQ(remote.plain_key_file, "own.key");
  EXPECT_EQ(remote.plain_peers_file, "peers");
  EXPECT_TRUE(loaded.diagnostics.empty());
}

TEST(RacoonConf, MethodsWithXauthSayWhoLogsIn) {
  namespace oakley = wire::ike::v1::oakley;
  struct Row {
    const char* word;
    std::uint16_t hosts;
    ike::Xauth xauth;
  };
  const Row rows[] = {{"xauth_psk_client", oakley::kPreSharedKey, ike::Xauth::Client},
                      {"xauth_psk_server", oakley::kPreSharedKey, ike::Xauth::Server},
                      {"xauth_rsa_client", oakley::kRsaSignature, ike::Xauth::Client},
                      {"xauth_rsa_server", oakley::kRsaSignature, ike::Xauth::Server},
                      {"hybrid_rsa_client", oakley::kHybridInitiatorRsa, ike::Xauth::Client},
                      {"hybrid_rsa_server", oakley::kHybridInitiatorRsa, ike::Xauth::Server},
                      {"pre_shared_key", oakley::kPreSharedKey, ike::Xauth::None}};
  for (const Row& row : rows) {
    const Loaded loaded = load(
        "remote anonymous { exchange_mode main; mode_cfg on; xauth_login \"anna\"; "
        "certificate_type x509 \"a\" \"b\"; proposal { encryption_algorithm aes; hash_algorithm "
        "sha1; dh_group 14; authentication_method " +
        std::string{row.word} + "; } }");
    ASSERT_FALSE(loaded.failed()) << row.word;
    const ike::Remote& remote = loaded.conf->policy.remotes.at(0);
    EXPECT_EQ(remote.proposals[0].authentication, row.hosts) << row.word;
    EXPECT_EQ(remote.proposals[0].xauth, row.xauth) << row.word;
    EXPECT_EQ(remote.xauth_login, "anna");
    EXPECT_TRUE(remote.mode_cfg);
  }
}

TEST(RacoonConf, ModeCfgSaysWhatClientsAreGiven) {
  const Loaded loaded =
      load(R"(mode_cfg { auth_source system; auth_groups "vpn", "admins"; auth_throttle 3; network4 10.77.0.1;
    netmask4 255.255.255.0; pool_size 20; dns4 10.0.0.1, 10.0.0.2; wins4 10.0.0.3; nbns4 10.0.0.4; default_domain "example.org";
    split_network local_lan 10.0.0.0/8, 192.168.0.0/16; split_dns "a.example", "b.example"; banner "/etc/motd"; pfs_group 2;
    save_passwd on; conf_source local; group_source system; accounting none; })");
  ASSERT_FALSE(loaded.failed());
  const ike::ModeConfig& given = loaded.conf->policy.mode_config;
  EXPECT_EQ(given.auth_groups, (std::vector<std::string>{"vpn", "admins"}));
  EXPECT_EQ(given.auth_throttle, std::chrono::seconds{3});
  EXPECT_EQ(given.network4->to_string(), "10.77.0.1");
  EXPECT_EQ(given.netmask4->to_string(), "255.255.255.0");
  EXPECT_EQ(given.pool_size, 20U);
  EXPECT_EQ(given.dns4.size(), 2U);
  EXPECT_EQ(given.wins4.size(), 2U);
  EXPECT_EQ(given.default_domain, "example.org");
  EXPECT_TRUE(given.split_is_local);
  EXPECT_EQ(given.split_network.size(), 2U);
  EXPECT_EQ(given.split_dns.size(), 2U);
  EXPECT_EQ(given.banner_file, "/etc/motd");
  EXPECT_EQ(given.pfs_group, 2U);
  EXPECT_TRUE(given.save_password);
}

TEST(RacoonConf, ModeCfgRefusesWhatCannotBeDone) {
  for (const char* bad :
       {"auth_source radius;", "auth_source ldap;", "auth_source sytem;", "group_source ldap;", "network4 fd00::1;",
        "network4 host;", "dns4 1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5;", "split_network 10.0.0.0/8;",
        "split_network include fd00::/8;", "pool_size 0;", "pool_size 65536;", "accounting radius;",
        "conf_source ldap;", "conf_source radius;", "nosuchword 1;"}) {
    EXPECT_TRUE(load("mode_cfg { " + std::string{bad} + " }").failed()) << bad;
  }
  const Loaded ldap = load("mode_cfg { auth_source ldap; }");
  EXPECT_EQ(ldap.diagnostics.at(0).message, "no directory is known");
  EXPECT_EQ(ldap.diagnostics.at(0).token, "ldap");
  const Loaded radius = load("mode_cfg { auth_source radius; }");
  EXPECT_EQ(radius.diagnostics.at(0).message, "no RADIUS server is known");
  EXPECT_EQ(radius.diagnostics.at(0).token, "radius");
}

TEST(RacoonConf, LoginsAreJudgedAndAccountedForByWhomTheFileNames) {
  using Given = ike::ModeConfig;
  const Loaded usual = load("mode_cfg { }");
  EXPECT_EQ(usual.conf->policy.mode_config.auth_source, Given::AuthSource::System);
  EXPECT_EQ(usual.conf->policy.mode_config.conf_source, Given::ConfSource::Local);
  EXPECT_EQ(usual.conf->policy.mode_config.accounting, Given::Accounting::None);
  const Loaded pam = load("mode_cfg { auth_source pam; accounting system; }");
  ASSERT_FALSE(pam.failed());
  EXPECT_EQ(pam.conf->policy.mode_config.auth_source, Given::AuthSource::Pam);
  EXPECT_EQ(pam.conf->policy.mode_config.accounting, Given::Accounting::System);
  const Loaded radius = load(R"(mode_cfg { auth_source radius; conf_source radius; accounting radius; }
    radiuscfg { auth "radius.example.org" "xyzzy5461"; auth "192.0.2.1" 1645 "other"; acct "::1" "third"; timeout 5;
      retries 2; message_authenticator optional; })");
  ASSERT_FALSE(radius.failed());
  EXPECT_EQ(radius.conf->policy.mode_config.auth_source, Given::AuthSource::Radius);
  EXPECT_EQ(radius.conf->policy.mode_config.conf_source, Given::ConfSource::Radius);
  EXPECT_EQ(radius.conf->policy.mode_config.accounting, Given::Accounting::Radius);
  const Radius& servers = radius.conf->radius;
  ASSERT_EQ(servers.auth.size(), 2U);
  EXPECT_EQ(servers.auth[0].host, "radius.example.org");
  EXPECT_EQ(servers.auth[0].port, 1812);
  EXPECT_TRUE(equal_constant_time(servers.auth[0].secret.expose(), as_bytes("xyzzy5461")));
  EXPECT_EQ(servers.auth[1].port, 1645);
  EXPECT_TRUE(equal_constant_time(servers.auth[1].secret.expose(), as_bytes("other")));
  ASSERT_EQ(servers.acct.size(), 1U);
  EXPECT_EQ(servers.acct[0].port, 1813);
  EXPECT_EQ(servers.timeout, 5U);
  EXPECT_EQ(servers.retries, 2U);
  EXPECT_EQ(servers.message_authenticator, Radius::Proof::Optional);
  EXPECT_EQ(usual.conf->radius.timeout, 3U);
  EXPECT_EQ(usual.conf->radius.retries, 3U);
  EXPECT_EQ(usual.conf->radius.message_authenticator, Radius::Proof::Required);
}

TEST(RacoonConf, ADirectoryIsAsRacoonHadIt) {
  using Given = ike::ModeConfig;
  const Loaded usual = load(R"(ldapcfg { } mode_cfg { })");
  const Ldap& without = usual.conf->ldap;
  EXPECT_EQ(without.url(), "ldap://localhost:389");
  EXPECT_EQ(without.version, 3U);
  EXPECT_EQ(without.timeout, 15U);
  EXPECT_EQ(without.attr_user + " " + without.attr_address + " " + without.attr_mask + " " + without.attr_group + " " +
                without.attr_member,
            "cn racoon-address racoon-netmask cn member");
  EXPECT_FALSE(without.subtree);
  const Loaded loaded = load(R"(mode_cfg { auth_source ldap; group_source ldap; conf_source ldap; }
    ldapcfg { version 2; host "::1"; port 3890; base "dc=example"; subtree on; tls on; bind_dn "cn=a"; bind_pw "swordfish"; })");
  ASSERT_TRUE(loaded.diagnostics.empty()) << to_string(loaded.diagnostics.front());
  EXPECT_EQ(loaded.conf->policy.mode_config.auth_source, Given::AuthSource::Ldap);
  EXPECT_EQ(loaded.conf->policy.mode_config.group_source, Given::GroupSource::Ldap);
  EXPECT_EQ(loaded.conf->policy.mode_config.conf_source, Given::ConfSource::Ldap);
  EXPECT_EQ(loaded.conf->ldap.url(), "ldap://[::1]:3890");
  EXPECT_TRUE(equal_constant_time(loaded.conf->ldap.bind_password.expose(), as_bytes("swordfish")));
  const std::string ask = "mode_cfg { auth_source ldap; } ldapcfg { base \"dc=example\"; ";
  EXPECT_EQ(load(ask + "host \"192.0.2.1\"; }").diagnostics.at(0).message, "passwords go to the directory in clear");
  EXPECT_TRUE(load(ask + "uri \"ldaps://a\"; }").diagnostics.empty());
}

TEST(RacoonConf, ComplaintsAboutADirectoryDoNotSayItsPassword) {
  for (const char* bad :
       {"version 4;", "port 0;", "uri \"http://a\";", "host \"\";", "bind_pw \"\";", "bind_pw \"swordfish\" \"more\";",
        "bind_pw swordfish swordfish;", "bind_pw;", "timeout 0;", "bind_password \"swordfish\";"}) {
    const Loaded loaded = load("ldapcfg { " + std::string{bad} + " }");
    EXPECT_TRUE(loaded.failed()) << bad;
    for (const Diagnostic& each : loaded.diagnostics) {
      EXPECT_EQ(to_string(each).find("swordfish"), std::string::npos) << to_string(each);
    }
  }
  EXPECT_TRUE(load("mode_cfg { conf_source ldap; }").failed());
  EXPECT_TRUE(load("mode_cfg { group_source ldap; }").failed());
  const std::string ask = "mode_cfg { auth_source ldap; } ldapcfg { base \"dc=example\"; ";
  EXPECT_EQ(load(ask + "bind_dn \"cn=a\"; }").diagnostics.at(0).message, "bind_dn without bind_pw in ldapcfg");
  EXPECT_TRUE(load(ask + "uri \"ldaps://a\"; tls on; }").failed());
  const std::string kept = without_secrets(ask + "bind_dn \"cn=a\"; bind_pw \"sword fish\"; }");
  EXPECT_EQ(kept.find("sword"), std::string::npos) << kept;
  EXPECT_FALSE(load(kept).failed());
}

TEST(RacoonConf, ComplaintsAboutRadiusDoNotSayTheSecret) {
  for (const char* bad :
       {R"(auth "h";)", R"(auth "h" "";)", R"(auth "h" "swordfish" 1812;)", R"(auth "h" 0 "swordfish";)",
        R"(auth "h" 65536 "swordfish";)", R"(auth "" "swordfish";)", R"(auth "h" swordfish 1812;)", "timeout 0;",
        "retries 11;", "message_authenticator maybe;",
        R"(acct "a" "s"; acct "b" "s"; acct "c" "s"; acct "d" "s"; acct "e" "s"; acct "f" "swordfish";)"}) {
    const Loaded loaded = load("radiuscfg { " + std::string{bad} + " }");
    EXPECT_TRUE(loaded.failed()) << bad;
    for (const Diagnostic& each : loaded.diagnostics) {
      EXPECT_EQ(to_string(each).find("swordfish"), std::string::npos) << to_string(each);
    }
  }
  EXPECT_EQ(load(R"(radiuscfg { acct "a" "s"; acct "b" "s"; acct "c" "s"; acct "d" "s"; acct "e" "s"; acct "f" "s"; })")
                .diagnostics.at(0)
                .message,
            "maximum radius acct servers exceeded");
}

TEST(RacoonConf, WithoutSecretsAFileMeansTheSame) {
  const std::string text = R"(# radiuscfg { auth "no" "comment"; }
log debug; radiuscfg { auth "one" "two words"; acct
  "three" 1813
  "fo{ur"; timeout 5; auth "h" bare; }
mode_cfg { auth_source radius; })";
  const std::string kept = without_secrets(text);
  for (const char* secret : {"two words", "fo{ur", "bare"}) EXPECT_EQ(kept.find(secret), std::string::npos) << kept;
  const Loaded loaded = load(kept);
  ASSERT_FALSE(loaded.failed());
  EXPECT_EQ(loaded.conf->radius.auth.size(), 2U);
  EXPECT_EQ(loaded.conf->radius.acct.at(0).port, 1813);
  EXPECT_EQ(loaded.conf->radius.timeout, 5U);
  const std::string other = "log debug; sainfo anonymous { }";
  EXPECT_EQ(without_secrets(other), other);
}

TEST(RacoonConf, LinkLocalAddressesNameTheirInterface) {
  const Loaded loaded = load(
      "listen { isakmp fe80::1%eth0 [500]; isakmp_natt fe80::1%3; }"
      "remote fe80::2%eth0 [600] { exchange_mode main; proposal { encryption_algorithm aes; hash_algorithm sha1;"
      " authentication_method pre_shared_key; dh_group 14; } }");
  ASSERT_FALSE(loaded.failed()) << to_string(loaded.diagnostics.front());
  EXPECT_EQ(loaded.conf->listen.isakmp.at(0), (net::Endpoint{*net::Address::parse("fe80::1%7"), 500}));
  EXPECT_EQ(loaded.conf->listen.isakmp_natt.at(0).address.scope(), 3U);
  EXPECT_EQ(loaded.conf->policy.remotes.at(0).address, net::Address::parse("fe80::2%7"));
  EXPECT_EQ(loaded.conf->policy.remotes.at(0).port, 600);
}

TEST(RacoonConf, AdminSocketIsRootsAloneUnlessTheFileSaysOtherwise) {
  const AdminSocket usual = load("").conf->listen.admin;
  EXPECT_TRUE(usual.enabled);
  EXPECT_EQ(usual.path, "");
  EXPECT_EQ(usual.mode, 0600U);
  const Loaded shared = load("listen { adminsock \"/run/r.sock\" \"root\" \"operator\" 0660; }");
  ASSERT_FALSE(shared.failed());
  EXPECT_EQ(shared.conf->listen.admin, (AdminSocket{true, "/run/r.sock", "root", "operator", 0660}));
  EXPECT_FALSE(load("listen { adminsock disabled; }").conf->listen.admin.enabled);
  EXPECT_TRUE(load("listen { adminsock \"disabled\"; }").conf->listen.admin.enabled);
}

TEST(RacoonConf, ScriptsHaveOneFileForEachEvent) {
  const Loaded loaded = load(R"(path script "/etc/racoon/scripts";
    remote anonymous { exchange_mode main; script "up.sh" phase1_up; script "/x/down" phase1_down;
      proposal { encryption_algorithm aes; hash_algorithm sha1; authentication_method pre_shared_key; dh_group 14; } })");
  ASSERT_FALSE(loaded.failed());
  EXPECT_TRUE(loaded.diagnostics.empty());
  EXPECT_EQ(loaded.conf->script, "/etc/racoon/scripts");
  const auto& scripts = loaded.conf->policy.remotes.at(0).scripts;
  EXPECT_EQ(scripts.up, "up.sh");
  EXPECT_EQ(scripts.down, "/x/down");
  EXPECT_EQ(scripts.dead, "");
}

TEST(RacoonConf, WordsWithoutEffectSaySo) {
  const Loaded loaded = load("complex_bundle on; padding { randomize off; } path backupsa \"/run/x\";");
  EXPECT_FALSE(loaded.failed());
  ASSERT_EQ(loaded.diagnostics.size(), 3U);
  EXPECT_THAT(to_string(loaded.diagnostics[0]), HasSubstr("\"complex_bundle\" has no effect here"));
  EXPECT_THAT(to_string(loaded.diagnostics[1]), HasSubstr("\"padding\" has no effect here"));
  EXPECT_THAT(to_string(loaded.diagnostics[2]), HasSubstr("\"backupsa\" has no effect here (SAs, and with them"));
}

TEST(RacoonConf, OneErrorDoesNotHideTheNext) {
  const Loaded loaded = load("log loud;\ntimer { ; }\nlog quiet;\n");
  ASSERT_EQ(loaded.diagnostics.size(), 3U);
  EXPECT_EQ(loaded.diagnostics[0].where.line + loaded.diagnostics[1].where.line + loaded.diagnostics[2].where.line, 6U);
}

TEST(RacoonConf, IncludeOfAFileThatCannotBeReadIsAnError) {
  Memory files;
  files.texts["/secret"] = "";
  files.failure = "failed to open file /secret (Permission denied)";
  const Loaded loaded = load_racoon_conf("\ninclude \"/secret\";", "racoon.conf", files);
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_EQ(loaded.diagnostics[0].severity, Diagnostic::Severity::Error);
  EXPECT_EQ(to_string(loaded.diagnostics[0]),
            "racoon.conf:2:9: \"/secret\" failed to open file /secret (Permission denied)");
}

TEST(RacoonConf, IncludeIsRelativeToItsPathAndEndsAtTen) {
  Memory files;
  files.texts["/etc/racoon/x.conf"] = "log debug;";
  const Loaded loaded =
      load_racoon_conf("path include \"/etc/racoon\"; include \"x.conf\"; include \"none\";", "racoon.conf", files);
  EXPECT_FALSE(loaded.failed());
  EXPECT_EQ(loaded.conf->log, LogLevel::Debug);
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_THAT(loaded.diagnostics[0].message, HasSubstr("glob found no matches for path \"/etc/racoon/none\""));

  files.texts["/loop"] = "include \"/loop\";";
  const Loaded loop = load_racoon_conf("include \"/loop\";", "racoon.conf", files);
  ASSERT_TRUE(loop.failed());
  EXPECT_EQ(loop.diagnostics[0].message, "Includes nested too deeply");
  EXPECT_EQ(loop.diagnostics[0].where.file, "/loop");
}

TEST(RacoonConf, WeakAlgorithmsWorkAndWarn) {
  const Loaded loaded = load(R"(remote anonymous { exchange_mode main; proposal { encryption_algorithm des;
    hash_algorithm md5; authentication_method pre_shared_key; dh_group modp768; } })");
  EXPECT_FALSE(loaded.failed());
  EXPECT_EQ(loaded.diagnostics.size(), 2U);
  EXPECT_EQ(loaded.conf->policy.remotes.size(), 1U);
}

}  // namespace
}  // namespace testudo::config
