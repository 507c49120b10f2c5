#pragma once
// The words of each block of racoon.conf(5), one row each: rules.cc.  Pure.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/racoon/build.h"
#include "crypto/algorithms.h"

namespace testudo::config {

struct Rules {
  static void top(Builder& b, const Statement& s);
  static void remote(Builder& b, const Statement& s);
  static void proposal(Builder& b, const Statement& s);
  static void mode_cfg(Builder& b, const Statement& s);
  static void sainfo(Builder& b, const Statement& s);

  /// racoon's names of ESP's ciphers and of the MACs, with ours for what racoon never had; null for another word.
  static const crypto::CipherRow* child_cipher(std::string_view name);
  static const crypto::MacRow* child_mac(std::string_view name);
  static std::vector<std::string_view> child_ciphers();
  static std::vector<std::string_view> child_macs();

 private:
  enum class Block : std::uint8_t { None, Must, May };
  static constexpr std::size_t kAny = 0xffff;
  struct Rule {
    std::string_view word;
    void (*take)(Builder&, const Statement&);  ///< null: read past with a warning
    std::size_t most = 2;                      ///< items, the word itself with them
    Block block = Block::None;
  };
  static void apply(Builder& b, const Statement& s, std::span<const Rule> rules, const char* block);
  static void each(Builder& b, const Statement& s, void (*take)(Builder&, const Statement&));
  template <typename T>
  static void set(std::optional<T> value, T& target) {
    if (value) target = *value;
  }
  static void set_time(Builder& b, const Statement& s, Duration& target);
  static void only(Builder& b, const Statement& s, std::string_view word);
  static void no_effect(Builder& b, const Statement& s);
  static void no_gssapi(Builder& b, const Statement& s);
  static void pfkey_buffer(Builder& b, const Statement& s);

  static void path(Builder& b, const Statement& s);
  static void log(Builder& b, const Statement& s);
  static void timer(Builder& b, const Statement& s);
  static void padding(Builder& b, const Statement& s);
  static void listen(Builder& b, const Statement& s);
  static void adminsock(Builder& b, const Statement& s);
  static void privsep(Builder& b, const Statement& s);
  static void radius(Builder& b, const Statement& s);
  static void radius_server(Builder& b, const Statement& s, std::vector<Radius::Server>& target, std::uint16_t port);
  static void ldap(Builder& b, const Statement& s);
  static void ldap_version(Builder& b, const Statement& s);
  static void ldap_uri(Builder& b, const Statement& s);
  static void ldap_password(Builder& b, const Statement& s);
  /// One word of several.
  template <typename Enum>
  static void choose(Builder& b, const Statement& s, std::span<const std::pair<std::string_view, Enum>> words,
                     Enum& target) {
    const Item* name = b.value(s);
    if (name == nullptr) return;
    std::string expected;
    for (const auto& [word, value] : words) {
      if (word == name->text) return void(target = value);
      expected += (expected.empty() ? "" : ", ") + std::string{word};
    }
    b.error(*name, "syntax error", "expected " + expected);
  }
  static void auth_source(Builder& b, const Statement& s);
  static void group_source(Builder& b, const Statement& s);
  static void conf_source(Builder& b, const Statement& s);
  static void accounting(Builder& b, const Statement& s);
  static void split_network(Builder& b, const Statement& s);
  static void set_v4(Builder& b, const Statement& s, std::optional<net::Address>& target);
  static void add_v4(Builder& b, const Statement& s, std::vector<net::Address>& target);
  static void script(Builder& b, const Statement& s);
  static void nat_traversal(Builder& b, const Statement& s);
  static void ike_frag(Builder& b, const Statement& s);
  static void esp_frag(Builder& b, const Statement& s);
  static void weak_phase1_check(Builder& b, const Statement& s);
  static void match_empty_cr(Builder& b, const Statement& s);
  static void generate_policy(Builder& b, const Statement& s);
  static void set_seconds(Builder& b, const Statement& s, Duration& target, std::uint32_t least = 0);
  static void rekey(Builder& b, const Statement& s);
  static void certificate_type(Builder& b, const Statement& s);
  static void peers_certfile(Builder& b, const Statement& s);
  static void ca_type(Builder& b, const Statement& s);
  static void exchange_mode(Builder& b, const Statement& s);
  static void proposal_check(Builder& b, const Statement& s);
  static void my_identifier(Builder& b, const Statement& s);
  static void remote_lifetime(Builder& b, const Statement& s);
  static void proposal_cipher(Builder& b, const Statement& s);
  static void proposal_hash(Builder& b, const Statement& s);
  static void authentication_method(Builder& b, const Statement& s);
  static const crypto::ike::GroupRow* group(Builder& b, const Statement& s);
};

}  // namespace testudo::config
