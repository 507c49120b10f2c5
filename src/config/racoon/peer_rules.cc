// Words of a remote block that choose among a few: rules.h has their rows.
#include <algorithm>
#include <array>

#include "config/racoon/rules.h"

namespace testudo::config {

void Rules::ike_frag(Builder& b, const Statement& s) {
  static constexpr std::array<std::string_view, 3> kWords{"off", "on", "force"};
  const Item* word = b.value(s);
  if (word == nullptr) return;
  const auto found = std::ranges::find(kWords, word->text);
  if (found == kWords.end()) return b.error(*word, "syntax error", "expected off, on or force");
  b.remote_.ike_frag = ike::Fragmentation{static_cast<std::uint8_t>(found - kWords.begin())};
}

void Rules::esp_frag(Builder& b, const Statement& s) {
  static constexpr std::uint32_t kMost = 65535, kLeast = 256;
  const auto size = b.number(s, 1, kMost);
  if (!size) return;
  // Of what is shorter, headers would be the most.
  if (*size != 0 && *size < kLeast) {
    return b.error(s.items[1], "esp_frag must be between 256 and 65535", "0 and 65535 cut nothing");
  }
  b.remote_.esp_frag = static_cast<std::uint16_t>(*size == 0 ? kMost : *size);
}

void Rules::weak_phase1_check(Builder& b, const Statement& s) {
  const auto on = b.on_off(s);
  if (!on) return;
  b.remote_.weak_phase1_check = *on;
  if (*on) {
    b.warn(s.word(), "lets whoever sees the messages of this peer end its SAs", "leave it off; no peer needs it");
  }
}

void Rules::match_empty_cr(Builder& b, const Statement& s) {
  if (!b.on_off(s)) return;
  b.warn(s.word(), "has no effect here", "blocks are chosen by address, exchange mode and proposals alone");
}

void Rules::generate_policy(Builder& b, const Statement& s) {
  using Level = ike::GeneratePolicy;
  static constexpr std::array<std::pair<std::string_view, Level>, 4> kWords{
      {{"off", Level::Off}, {"on", Level::Require}, {"require", Level::Require}, {"unique", Level::Unique}}};
  const Item* word = b.value(s);
  if (word == nullptr) return;
  const auto found = std::ranges::find(kWords, word->text, &std::pair<std::string_view, Level>::first);
  if (found == kWords.end()) return b.error(*word, "syntax error", "expected off, on, require or unique");
  b.remote_.generate_policy = found->second;
}

void Rules::certificate_type(Builder& b, const Statement& s) {
  const Item* kind = b.value(s);
  const Item* first = kind == nullptr ? nullptr : b.value(s, 2);
  if (first == nullptr) return;
  ike::Remote& remote = b.remote_;
  const bool defined = !remote.certificate_file.empty() || !remote.plain_key_file.empty();
  if (defined) return b.error(s.word(), "certificate_type already defined");
  if (kind->text == "plain_rsa") {
    if (s.items.size() > 3)
      return b.error(s.items[3], "syntax error", "nothing more may stand behind the file of keys");
    remote.plain_key_file = first->text;
    return;
  }
  if (kind->text != "x509") return b.error(*kind, "syntax error", "expected x509 or plain_rsa");
  const Item* key = b.value(s, 3);
  if (key == nullptr) return;
  remote.certificate_file = first->text;
  remote.key_file = key->text;
}

void Rules::peers_certfile(Builder& b, const Statement& s) {
  const Item* kind = b.value(s);
  if (kind == nullptr) return;
  ike::Remote& remote = b.remote_;
  const bool defined = !remote.plain_peers_file.empty() || !remote.peers_certificate_file.empty();
  if (defined) return b.error(s.word(), "peers_certfile already defined");
  if (kind->kind == Item::Kind::Quoted) {
    b.warn(s.word(), "is deprecated without a kind", "write peers_certfile x509 \"" + kind->text + "\";");
    remote.peers_certificate_file = kind->text;
    return;
  }
  if (kind->text == "dnssec") {
    return b.error(*kind, "certificates are not looked up in the DNS",
                   "peers_certfile x509 \"FILE\"; takes them from a file");
  }
  const bool plain = kind->text == "plain_rsa";
  if (!plain && kind->text != "x509") return b.error(*kind, "syntax error", "expected plain_rsa or x509");
  const Item* file = b.value(s, 2);
  if (file != nullptr) (plain ? remote.plain_peers_file : remote.peers_certificate_file) = file->text;
}

}  // namespace testudo::config
