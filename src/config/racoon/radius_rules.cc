// The block `radiuscfg`: rules.h has its words.
#include <algorithm>
#include <array>
#include <charconv>

#include "config/racoon/rules.h"

namespace testudo::config {
namespace {

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

/// Where a position is in its text; the end when there is no such place.
std::size_t offset_of(std::string_view text, const Position& where) {
  std::size_t line = 0;
  for (unsigned i = 1; i < where.line; ++i) {
    const auto end = text.find('\n', line);
    if (end == text.npos) return text.size();
    line = end + 1;
  }
  return std::min(line + where.column - 1, text.size());
}

bool holds_secret(const std::string& block, const Statement& s) {
  const std::string& word = s.word().text;
  if (block == "ldapcfg") return word == "bind_pw" && s.items.size() > 1;
  return block == "radiuscfg" && (word == "auth" || word == "acct") && s.items.size() > 2;
}

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string kept{text};
  // Most texts are not worth reading.
  if (kept.find("radiuscfg") == kept.npos && kept.find("ldapcfg") == kept.npos) return kept;
  std::vector<Item> secrets;
  for (const Statement& block : parse_syntax(text, "").statements) {
    for (const Statement& s : block.block) {
      if (holds_secret(block.word().text, s)) secrets.push_back(s.items.back());
    }
  }
  // From the end on, so that the places of those before stay.
  for (auto each = secrets.rbegin(); each != secrets.rend(); ++each) {
    const std::size_t quotes = each->kind == Item::Kind::Word ? 0 : 2;
    kept.replace(offset_of(kept, each->where), each->text.size() + quotes, "\"-\"");
  }
  return kept;
}

void Rules::radius(Builder& b, const Statement& s) {
  static constexpr std::array kRules{
      Rule{"auth", [](Builder& x, const Statement& t) { radius_server(x, t, x.conf_.radius.auth, Radius::kAuthPort); },
           4},
      Rule{"acct", [](Builder& x, const Statement& t) { radius_server(x, t, x.conf_.radius.acct, Radius::kAcctPort); },
           4},
      Rule{"timeout", [](Builder& x, const Statement& t) { set(x.number(t, 1, 60, 1), x.conf_.radius.timeout); }},
      Rule{"retries", [](Builder& x, const Statement& t) { set(x.number(t, 1, 10, 1), x.conf_.radius.retries); }},
      Rule{"message_authenticator",
           [](Builder& x, const Statement& t) {
             static constexpr std::array<std::pair<std::string_view, Radius::Proof>, 2> kWords{
                 {{"required", Radius::Proof::Required}, {"optional", Radius::Proof::Optional}}};
             choose<Radius::Proof>(x, t, kWords, x.conf_.radius.message_authenticator);
           }},
  };
  apply(b, s, kRules, "radiuscfg");
}

/// auth "HOST" [PORT] "SECRET";
void Rules::radius_server(Builder& b, const Statement& s, std::vector<Radius::Server>& target, std::uint16_t port) {
  static constexpr std::size_t kMost = 5, kLongestHost = 255, kLongestSecret = 1024;
  const Item* host = b.value(s);
  const Item* secret = host == nullptr ? nullptr : b.value(s, s.items.size() > 3 ? 3 : 2);
  if (secret == nullptr) return;
  // A diagnostic shows the text of its item, and where words are in disorder any of them may be the secret.
  if (s.items.size() > 3) {
    const auto given = port_of(s.items[2].text);
    if (!given) return b.error(s.word(), "syntax error", "expected " + s.word().text + " \"HOST\" [PORT] \"SECRET\";");
    port = *given;
  }
  const std::string servers = s.word().text;
  if (target.size() == kMost) return b.error(s.word(), "maximum radius " + servers + " servers exceeded");
  if (host->text.empty() || host->text.size() > kLongestHost) return b.error(*host, "syntax error", "expected a host");
  if (secret->text.empty() || secret->text.size() > kLongestSecret) {
    return b.error(s.word(), "syntax error", "the secret of a server has 1 to 1024 characters");
  }
  target.push_back({host->text, port, Secret{as_bytes(secret->text)}});
}

}  // namespace testudo::config
