// The block `radiuscfg`: rules.h has its words.
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

}  // namespace

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
