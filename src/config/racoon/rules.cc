#include "config/racoon/rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "config/racoon/nearest.h"

namespace testudo::config {
namespace {

using wire::ike::v1::Exchange;

constexpr const char* kNoGssapi = "GSSAPI is not built; pre_shared_key, rsasig and those with XAUTH are";

struct NamedNumber {
  std::string_view name;
  std::uint8_t id;
};
constexpr std::array kCipherNames{
    NamedNumber{"des", 2},        NamedNumber{"3des", 3},        NamedNumber{"cast128", 6},
    NamedNumber{"blowfish", 7},   NamedNumber{"null_enc", 11},   NamedNumber{"null", 11},
    NamedNumber{"aes", 12},       NamedNumber{"rijndael", 12},   NamedNumber{"aes_ctr", 13},
    NamedNumber{"aes_ccm_8", 14}, NamedNumber{"aes_ccm_12", 15}, NamedNumber{"aes_ccm_16", 16},
    NamedNumber{"aes_gcm_8", 18}, NamedNumber{"aes_gcm_12", 19}, NamedNumber{"aes_gcm_16", 20},
    NamedNumber{"camellia", 22},  NamedNumber{"aes_gmac", 23},   NamedNumber{"twofish", 253},
};
constexpr std::array kMacNames{
    NamedNumber{"hmac_md5", 2},      NamedNumber{"hmac_sha1", 3},     NamedNumber{"hmac_sha2_256", 5},
    NamedNumber{"hmac_sha256", 5},   NamedNumber{"hmac_sha2_384", 6}, NamedNumber{"hmac_sha384", 6},
    NamedNumber{"hmac_sha2_512", 7}, NamedNumber{"hmac_sha512", 7},   NamedNumber{"hmac_ripemd160", 8},
    NamedNumber{"aes_xcbc_mac", 9},
};

template <typename Names>
std::vector<std::string_view> names_of(const Names& rows) {
  std::vector<std::string_view> words;
  for (const auto& row : rows) words.push_back(row.name);
  return words;
}

template <typename R>
std::vector<std::string_view> row_names(std::span<const R> rows) {
  std::vector<std::string_view> words;
  for (const R& row : rows) words.push_back(row.name);
  return words;
}

}  // namespace

// Rules is a friend of Builder, so its static functions, and the lambdas in them, reach the block being read.
void Rules::apply(Builder& b, const Statement& s, std::span<const Rule> rules, const char* block) {
  const auto rule = std::ranges::find(rules, s.word().text, &Rule::word);
  if (rule == rules.end()) {
    std::vector<std::string_view> words;
    for (const Rule& r : rules) words.push_back(r.word);
    return b.error(s.word(), "syntax error",
                   "no word of " + std::string{block} + "; " + did_you_mean(s.word().text, words));
  }
  if (s.items.size() > rule->most) {
    return b.error(s.items[rule->most], "syntax error", "nothing more may stand behind " + s.word().text);
  }
  if (rule->block == Block::Must && !s.has_block)
    return b.error(s.word(), "syntax error", "expected a block { } behind it");
  if (rule->block == Block::None && s.has_block) return b.error(s.word(), "syntax error", "it has no block { }");
  rule->take(b, s);
}

/// A word with a single value that is what happens anyway.
void Rules::only(Builder& b, const Statement& s, std::string_view word) {
  const Item* item = b.value(s);
  if (item != nullptr && item->text != word) b.error(*item, "syntax error", "expected " + std::string{word});
}

void Rules::no_effect(Builder& b, const Statement& s) {
  b.warn(s.word(), "has no effect here");
}

void Rules::no_gssapi(Builder& b, const Statement& s) {
  if (b.value(s) != nullptr) b.warn(s.word(), "has no effect here", kNoGssapi);
}

/// In kilobytes, as racoon has it.
void Rules::pfkey_buffer(Builder& b, const Statement& s) {
  static constexpr std::uint32_t kMost = 1024 * 1024;
  if (const auto kilobytes = b.number(s, 1, kMost)) b.conf_.pfkey_buffer = std::size_t{*kilobytes} * 1024;
}

const crypto::CipherRow* Rules::child_cipher(std::string_view name) {
  const auto row = std::ranges::find(kCipherNames, name, &NamedNumber::name);
  return row == kCipherNames.end() ? nullptr : crypto::cipher_by_id(row->id);
}
const crypto::MacRow* Rules::child_mac(std::string_view name) {
  const auto row = std::ranges::find(kMacNames, name, &NamedNumber::name);
  return row == kMacNames.end() ? nullptr : crypto::mac_by_id(row->id);
}
std::vector<std::string_view> Rules::child_ciphers() {
  return names_of(kCipherNames);
}
std::vector<std::string_view> Rules::child_macs() {
  return names_of(kMacNames);
}

void Rules::top(Builder& b, const Statement& s) {
  static constexpr std::array kRules{
      Rule{"remote", [](Builder& x, const Statement& t) { x.remote(t); }, kAny, Block::May},
      Rule{"sainfo", [](Builder& x, const Statement& t) { x.sainfo(t); }, kAny, Block::Must},
      Rule{"path", path, 3},
      Rule{"timer", [](Builder& x, const Statement& t) { each(x, t, timer); }, 1, Block::Must},
      Rule{"listen", [](Builder& x, const Statement& t) { each(x, t, listen); }, 1, Block::Must},
      Rule{"log", log},
      Rule{"padding", padding, 1, Block::Must},
      Rule{"complex_bundle", no_effect},
      Rule{"privsep", [](Builder& x, const Statement& t) { each(x, t, privsep); }, 1, Block::Must},
      Rule{"pfkey_buffer", pfkey_buffer},
      Rule{"gss_id_enc", no_gssapi},
      Rule{"ldapcfg", [](Builder& x, const Statement& t) { each(x, t, ldap); }, 1, Block::Must},
      Rule{"radiuscfg", [](Builder& x, const Statement& t) { each(x, t, radius); }, 1, Block::Must},
      Rule{"mode_cfg", [](Builder& x, const Statement& t) { each(x, t, mode_cfg); }, 1, Block::Must},
  };
  apply(b, s, kRules, "racoon.conf");
}

void Rules::each(Builder& b, const Statement& s, void (*take)(Builder&, const Statement&)) {
  for (const Statement& item : s.block) take(b, item);
}

void Rules::path(Builder& b, const Statement& s) {
  const Item* kind = b.value(s);
  const Item* name = kind == nullptr ? nullptr : b.value(s, 2);
  if (name == nullptr) return;
  if (kind->text == "backupsa") {
    return b.warn(*kind, "has no effect here",
                  "SAs, and with them their keys, are not kept in a file; after a restart peers negotiate anew");
  }
  const std::array<std::pair<std::string_view, std::string*>, 5> paths{{{"include", &b.conf_.include},
                                                                        {"pre_shared_key", &b.conf_.pre_shared_key},
                                                                        {"certificate", &b.conf_.certificate},
                                                                        {"script", &b.conf_.script},
                                                                        {"pidfile", &b.conf_.pidfile}}};
  for (const auto& [word, target] : paths) {
    if (word != kind->text) continue;
    *target = name->text;
    return;
  }
  b.error(*kind, "syntax error", "expected include, pre_shared_key, certificate, script, backupsa or pidfile");
}

void Rules::log(Builder& b, const Statement& s) {
  static constexpr std::array<std::string_view, 6> kLevels{"error", "warning", "notify", "info", "debug", "debug2"};
  const Item* level = b.value(s);
  if (level == nullptr) return;
  const auto found = std::ranges::find(kLevels, level->text);
  if (found == kLevels.end())
    return b.error(*level, "syntax error", "expected error, warning, notify, info, debug or debug2");
  b.conf_.log = LogLevel{static_cast<std::uint8_t>(found - kLevels.begin())};
}

void Rules::timer(Builder& b, const Statement& s) {
  static constexpr std::array kRules{
      Rule{"counter",
           [](Builder& x, const Statement& t) { set(x.number(t, 1, 100, 1), x.conf_.policy.limits.counter); }},
      Rule{"interval", [](Builder& x, const Statement& t) { set_time(x, t, x.conf_.policy.limits.interval); }, 3},
      Rule{"phase1", [](Builder& x, const Statement& t) { set_time(x, t, x.conf_.policy.limits.phase1); }, 3},
      Rule{"phase2", [](Builder& x, const Statement& t) { set_time(x, t, x.conf_.policy.limits.phase2); }, 3},
      Rule{"persend", [](Builder& x, const Statement& t) { only(x, t, "1"); }},
      Rule{"natt_keepalive",
           [](Builder& x, const Statement& t) {
             if (t.items.size() > 1 && t.items[1].text == "0") {
               x.conf_.policy.limits.natt_keepalive = {};
             } else {
               set_time(x, t, x.conf_.policy.limits.natt_keepalive);
             }
           },
           3},
  };
  apply(b, s, kRules, "timer");
}

void Rules::set_time(Builder& b, const Statement& s, Duration& target) {
  static constexpr std::uint32_t kLongest = 3600;
  if (const auto n = b.seconds(s, 1, kLongest)) target = std::chrono::seconds{*n};
}

// IKE's messages are padded with zeros to the cipher's block and padding is never judged: nothing here changes that.
void Rules::padding(Builder& b, const Statement& s) {
  static constexpr auto take_switch = [](Builder& x, const Statement& t) { static_cast<void>(x.on_off(t)); };
  static constexpr std::array kRules{
      Rule{"randomize", take_switch},
      Rule{"randomize_length", take_switch},
      Rule{"strict_check", take_switch},
      Rule{"exclusive_tail", take_switch},
      Rule{"maximum_length", [](Builder& x, const Statement& t) { static_cast<void>(x.number(t, 1)); }},
  };
  no_effect(b, s);
  for (const Statement& item : s.block) apply(b, item, kRules, "padding");
}

void Rules::listen(Builder& b, const Statement& s) {
  static constexpr std::array kRules{
      Rule{"isakmp",
           [](Builder& x, const Statement& t) {
             if (const auto at = x.endpoint(t, 1, 500)) x.conf_.listen.isakmp.push_back(*at);
           },
           3},
      Rule{"isakmp_natt",
           [](Builder& x, const Statement& t) {
             // racoon's code took port 500 here and its manual 4500, which is the one that works.
             if (const auto at = x.endpoint(t, 1, 4500)) x.conf_.listen.isakmp_natt.push_back(*at);
           },
           3},
      Rule{"strict_address", [](Builder& x, const Statement&) { x.conf_.listen.strict_address = true; }, 1},
      Rule{"adminsock", adminsock, 5},
  };
  apply(b, s, kRules, "listen");
}

/// adminsock "PATH" ["OWNER" "GROUP" MODE]; or adminsock disabled;
void Rules::adminsock(Builder& b, const Statement& s) {
  AdminSocket& admin = b.conf_.listen.admin;
  const Item* path = b.value(s);
  if (path == nullptr) return;
  admin.enabled = path->kind == Item::Kind::Quoted || path->text != "disabled";
  if (!admin.enabled) return;
  admin.path = path->text;
  if (s.items.size() == 2) return;
  const Item *owner = b.value(s, 2), *group = owner == nullptr ? nullptr : b.value(s, 3);
  const Item* mode = group == nullptr ? nullptr : b.value(s, 4);
  if (mode == nullptr) return;
  admin.owner = owner->text;
  admin.group = group->text;
  unsigned bits = 0;
  const auto [end, code] = std::from_chars(mode->text.data(), mode->text.data() + mode->text.size(), bits, 8);
  if (code != std::errc{} || end != mode->text.data() + mode->text.size() || (bits & ~0666U) != 0) {
    return b.error(*mode, "Mode 0" + mode->text + " is invalid", "expected octal digits such as 0660");
  }
  admin.mode = bits;
}

void Rules::exchange_mode(Builder& b, const Statement& s) {
  for (std::size_t i = 1; i < s.items.size(); ++i) {
    const Item& mode = s.items[i];
    if (mode.text == "main") {
      b.remote_.exchange_modes.push_back(Exchange::Main);
    } else if (mode.text == "aggressive") {
      b.remote_.exchange_modes.push_back(Exchange::Aggressive);
    } else if (mode.text == "base") {
      b.remote_.exchange_modes.push_back(Exchange::Base);
    } else {
      b.error(mode, "syntax error", "expected main, aggressive or base");
    }
  }
}

void Rules::nat_traversal(Builder& b, const Statement& s) {
  static constexpr std::array<std::string_view, 3> kWords{"off", "on", "force"};
  const Item* word = b.value(s);
  if (word == nullptr) return;
  const auto found = std::ranges::find(kWords, word->text);
  if (found == kWords.end()) return b.error(*word, "syntax error", "expected on, off or force");
  b.remote_.nat_traversal = ike::NatTraversal{static_cast<std::uint8_t>(found - kWords.begin())};
}

void Rules::script(Builder& b, const Statement& s) {
  const Item *file = b.value(s), *event = file == nullptr ? nullptr : b.value(s, 2);
  if (event == nullptr) return;
  ike::Remote::Scripts& scripts = b.remote_.scripts;
  if (event->text == "phase1_up") {
    scripts.up = file->text;
  } else if (event->text == "phase1_down") {
    scripts.down = file->text;
  } else if (event->text == "phase1_dead") {
    scripts.dead = file->text;
  } else {
    b.error(*event, "syntax error", "expected phase1_up, phase1_down or phase1_dead");
  }
}

/// Plain numbers, as racoon has them.
void Rules::set_seconds(Builder& b, const Statement& s, Duration& target, std::uint32_t least) {
  static constexpr std::uint32_t kLongest = 3600;
  if (const auto n = b.number(s, 1, kLongest, least)) target = std::chrono::seconds{*n};
}

void Rules::rekey(Builder& b, const Statement& s) {
  const Item* word = b.value(s);
  if (word == nullptr) return;
  if (word->text == "force") {
    b.remote_.rekey = true;
    return;
  }
  set(b.on_off(s), b.remote_.rekey);
}

void Rules::ca_type(Builder& b, const Statement& s) {
  const Item* kind = b.value(s);
  const Item* file = kind == nullptr ? nullptr : b.value(s, 2);
  if (file == nullptr) return;
  if (kind->text != "x509") return b.error(*kind, "syntax error", "expected x509");
  b.remote_.ca_file = file->text;
}

void Rules::proposal_check(Builder& b, const Statement& s) {
  static constexpr std::array<std::string_view, 4> kWords{"obey", "strict", "claim", "exact"};
  const Item* word = b.value(s);
  if (word == nullptr) return;
  const auto found = std::ranges::find(kWords, word->text);
  if (found == kWords.end()) return b.error(*word, "syntax error", "expected obey, strict, claim or exact");
  b.remote_.proposal_check = ike::Check{static_cast<std::uint8_t>(found - kWords.begin())};
}

void Rules::my_identifier(Builder& b, const Statement& s) {
  // `address` alone is the address that the packets have.
  if (s.items.size() == 2 && s.items[1].text == "address") return b.remote_.my_identifier.reset();
  if (s.items.size() == 2 && s.items[1].text == "asn1dn") {  // the subject of the certificate
    b.remote_.my_identifier = ike::Identity{wire::ike::v1::IdType::DerDn, {}};
    return;
  }
  b.remote_.my_identifier = b.identity(s, 1);
}

void Rules::remote_lifetime(Builder& b, const Statement& s) {
  const Item* kind = b.value(s);
  if (kind == nullptr) return;
  if (kind->text == "byte") return b.error(*kind, "byte lifetime support is deprecated in Phase1");
  if (kind->text != "time") return b.error(*kind, "syntax error", "expected time");
  set(b.lifetime(s), b.remote_lifetime_);
}

void Rules::remote(Builder& b, const Statement& s) {
  static constexpr std::array kRules{
      Rule{"exchange_mode", exchange_mode, kAny},
      Rule{"proposal", [](Builder& x, const Statement& t) { x.proposal(t); }, 1, Block::Must},
      Rule{"proposal_check", proposal_check},
      Rule{"my_identifier", my_identifier, 4},
      Rule{"peers_identifier",
           [](Builder& x, const Statement& t) {
             if (auto id = x.identity(t, 1)) x.remote_.peers_identifiers.push_back(*std::move(id));
           },
           4},
      Rule{"remote_address",
           [](Builder& x, const Statement& t) {
             const auto at = x.endpoint(t, 1, 500);
             if (!at) return;
             if (x.remote_.address) return x.error(t.word(), "remote_address already specified");
             x.remote_.address = at->address;
             x.remote_.port = at->port;
           },
           3},
      Rule{"verify_identifier", [](Builder& x, const Statement& t) { set(x.on_off(t), x.remote_.verify_identifier); }},
      Rule{"passive", [](Builder& x, const Statement& t) { set(x.on_off(t), x.remote_.passive); }},
      Rule{"initial_contact", [](Builder& x, const Statement& t) { set(x.on_off(t), x.remote_.initial_contact); }},
      Rule{"dpd", [](Builder& x, const Statement& t) { set(x.on_off(t), x.remote_.dpd); }},
      Rule{"nonce_size",
           [](Builder& x, const Statement& t) {
             const auto n = x.number(t, 1, 256);
             if (n && *n < 8) return x.error(t.items[1], "nonce_size must be between 8 and 256");
             if (n) x.remote_.nonce_size = static_cast<std::uint16_t>(*n);
           }},
      Rule{"ph1id", [](Builder& x, const Statement& t) { set(x.number(t, 1), x.remote_.ph1id); }},
      Rule{"lifetime", remote_lifetime, 4},
      Rule{"dh_group", [](Builder& x, const Statement& t) { x.error(t.word(), "dh_group cannot be defined here."); }},
      Rule{"doi", [](Builder& x, const Statement& t) { only(x, t, "ipsec_doi"); }},
      Rule{"situation", [](Builder& x, const Statement& t) { only(x, t, "identity_only"); }},
      Rule{"support_proxy", no_effect},
      Rule{"weak_phase1_check", weak_phase1_check},
      Rule{"xauth_login",
           [](Builder& x, const Statement& t) {
             if (const Item* name = x.value(t)) x.remote_.xauth_login = name->text;
           }},
      Rule{"certificate_type", certificate_type, 4},
      Rule{"peers_certfile", peers_certfile, 3},
      Rule{"ca_type", ca_type, 3},
      Rule{"verify_cert", [](Builder& x, const Statement& t) { set(x.on_off(t), x.remote_.verify_cert); }},
      Rule{"send_cert", [](Builder& x, const Statement& t) { set(x.on_off(t), x.remote_.send_cert); }},
      Rule{"send_cr", [](Builder& x, const Statement& t) { set(x.on_off(t), x.remote_.send_cr); }},
      Rule{"match_empty_cr", match_empty_cr},
      Rule{"ike_frag", ike_frag},
      Rule{"esp_frag", esp_frag},
      Rule{"mode_cfg", [](Builder& x, const Statement& t) { set(x.on_off(t), x.remote_.mode_cfg); }},
      Rule{"script", script, 3},
      Rule{"generate_policy", generate_policy},
      Rule{"nat_traversal", nat_traversal},
      Rule{"dpd_delay", [](Builder& x, const Statement& t) { set_seconds(x, t, x.remote_.dpd_delay); }},
      Rule{"dpd_retry", [](Builder& x, const Statement& t) { set_seconds(x, t, x.remote_.dpd_retry, 1); }},
      Rule{"dpd_maxfail", [](Builder& x, const Statement& t) { set(x.number(t, 1, 100, 1), x.remote_.dpd_maxfail); }},
      Rule{"rekey", rekey},
  };
  apply(b, s, kRules, "remote");
}

void Rules::proposal_cipher(Builder& b, const Statement& s) {
  const Item* name = b.value(s);
  if (name == nullptr) return;
  const auto* row = crypto::ike::cipher_by_name(name->text);
  if (row == nullptr) {
    return b.error(*name, "algorithm " + name->text + " not supported",
                   did_you_mean(name->text, row_names(crypto::ike::ciphers())));
  }
  std::uint32_t bits = row->default_key * 8U;
  if (s.items.size() > 2) {
    const auto given = b.number(s, 2, 2048);
    if (!given) return;
    if (!row->has_variable_key()) return b.error(s.items[2], "keylen not allowed");
    bits = *given;
  }
  if (bits % 8 != 0 || !row->cipher().key.allows(bits / 8))
    return b.error(s.items[2], "invalid keylen " + std::to_string(bits));
  if (row->advice == crypto::Advice::Broken) b.warn(*name, "this cipher is broken", "use aes");
  b.proposal_.cipher = row;
  b.proposal_.key_bits = static_cast<std::uint16_t>(bits);
}

void Rules::proposal_hash(Builder& b, const Statement& s) {
  const Item* name = b.value(s);
  if (name == nullptr) return;
  b.proposal_.hash = crypto::ike::hash_by_name(name->text);
  if (b.proposal_.hash == nullptr) {
    b.error(*name, "algorithm " + name->text + " not supported",
            did_you_mean(name->text, row_names(crypto::ike::hashes())));
  }
}

const crypto::ike::GroupRow* Rules::group(Builder& b, const Statement& s) {
  const Item* name = b.value(s);
  if (name == nullptr) return nullptr;
  const auto* row = crypto::ike::group_by_name(name->text);
  if (row == nullptr) b.error(*name, "must be DH group", did_you_mean(name->text, row_names(crypto::ike::groups())));
  if (row != nullptr && row->advice == crypto::Advice::Broken) {
    b.warn(*name, "this group can be broken", "use modp2048 or better, or curve25519");
  }
  return row;
}

void Rules::authentication_method(Builder& b, const Statement& s) {
  struct Method {
    std::string_view name;
    std::uint16_t hosts;
    ike::Xauth xauth = ike::Xauth::None;
  };
  using namespace wire::ike::v1::oakley;
  static constexpr std::array kMethods{
      Method{"pre_shared_key", kPreSharedKey},
      Method{"rsasig", kRsaSignature},
      Method{"xauth_psk_client", kPreSharedKey, ike::Xauth::Client},
      Method{"xauth_psk_server", kPreSharedKey, ike::Xauth::Server},
      Method{"xauth_rsa_client", kRsaSignature, ike::Xauth::Client},
      Method{"xauth_rsa_server", kRsaSignature, ike::Xauth::Server},
      Method{"hybrid_rsa_client", kHybridInitiatorRsa, ike::Xauth::Client},
      Method{"hybrid_rsa_server", kHybridInitiatorRsa, ike::Xauth::Server},
  };
  static constexpr std::array<std::string_view, 5> kOthers{"dsssig", "rsaenc", "rsarev", "hybrid_dss_server",
                                                           "hybrid_dss_client"};
  const Item* name = b.value(s);
  if (name == nullptr) return;
  const auto method = std::ranges::find(kMethods, name->text, &Method::name);
  if (method != kMethods.end()) {
    b.proposal_.authentication = method->hosts;
    b.proposal_.xauth = method->xauth;
    return;
  }
  if (name->text == "gssapi_krb") return b.error(*name, "authentication method is not built", kNoGssapi);
  const bool known = std::ranges::find(kOthers, name->text) != kOthers.end();
  b.error(*name, known ? "authentication method is not built" : "syntax error",
          known ? "pre_shared_key, rsasig, and {xauth_psk,xauth_rsa,hybrid_rsa}_{client,server} are"
                : did_you_mean(name->text, names_of(kMethods)));
}

void Rules::proposal(Builder& b, const Statement& s) {
  static constexpr std::array kRules{
      Rule{"encryption_algorithm", proposal_cipher, 3},
      Rule{"hash_algorithm", proposal_hash},
      Rule{"authentication_method", authentication_method},
      Rule{"dh_group", [](Builder& x, const Statement& t) { x.proposal_.group = group(x, t); }},
      Rule{"lifetime",
           [](Builder& x, const Statement& t) {
             const Item* kind = x.value(t);
             if (kind == nullptr) return;
             if (kind->text == "byte") return x.error(*kind, "byte lifetime support is deprecated in Phase1");
             set(x.lifetime(t), x.proposal_.lifetime);
           },
           4},
      Rule{"gss_id", no_gssapi},
      Rule{"gssapi_id", no_gssapi},
  };
  apply(b, s, kRules, "proposal");
}

void Rules::sainfo(Builder& b, const Statement& s) {
  static constexpr std::array kRules{
      Rule{"encryption_algorithm", [](Builder& x, const Statement& t) { x.encryption(t); }, kAny},
      Rule{"authentication_algorithm", [](Builder& x, const Statement& t) { x.authentication(t); }, kAny},
      Rule{"compression_algorithm",
           [](Builder& x, const Statement& t) {
             const Item* name = x.value(t);
             if (name != nullptr && name->text != "deflate") {
               return x.error(*name, "algorithm " + name->text + " not supported", "deflate is");
             }
             x.sainfo_.deflate = name != nullptr;
           }},
      Rule{"pfs_group", [](Builder& x, const Statement& t) { x.sainfo_.pfs_group = group(x, t); }},
      Rule{"lifetime",
           [](Builder& x, const Statement& t) {
             const Item* kind = x.value(t);
             if (kind == nullptr) return;
             if (kind->text == "byte") return x.error(*kind, "byte lifetime support is deprecated in Phase2");
             set(x.lifetime(t), x.sainfo_.lifetime);
           },
           4},
      Rule{"remoteid", [](Builder& x, const Statement& t) { set(x.number(t, 1), x.sainfo_.remoteid); }},
  };
  apply(b, s, kRules, "sainfo");
}

}  // namespace testudo::config
