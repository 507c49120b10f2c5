#include "config/plain_rsa_file.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/base64.h"
#include "base/hex.h"

namespace testudo::config {
namespace {

using crypto::ike::RsaNumbers;
using crypto::ike::RsaPrivateKey;
using crypto::ike::RsaPublicKey;
using ike::KeyScope;
using ike::PlainKeys;

using Member = Secret RsaNumbers::*;
struct KeyNumber {
  std::string_view word;
  Member member;
  bool needed = false;
};
constexpr std::array kKeyNumbers{
    KeyNumber{"Modulus", &RsaNumbers::modulus, true},
    KeyNumber{"PublicExponent", &RsaNumbers::public_exponent, true},
    KeyNumber{"PrivateExponent", &RsaNumbers::private_exponent, true},
    KeyNumber{"Prime1", &RsaNumbers::prime1},
    KeyNumber{"Prime2", &RsaNumbers::prime2},
    KeyNumber{"Exponent1", &RsaNumbers::exponent1},
    KeyNumber{"Exponent2", &RsaNumbers::exponent2},
    KeyNumber{"Coefficient", &RsaNumbers::coefficient},
};

/// Words of a file, without comments.  `:`, `{` and `}` are words of their own, but in an address a colon is its part.
class KeyWords {
 public:
  explicit KeyWords(std::string_view text) : rest_(text) { next(); }

  std::string_view word() const { return word_; }  ///< empty at the end
  unsigned line() const { return line_; }
  void next() {
    line_ = next_line_;
    if (held_.empty()) held_ = raw();
    word_ = held_;
    held_ = {};
    if (word_.size() < 2 || net::Prefix::parse(word_)) return;
    const std::size_t colon = word_.starts_with('@') || is_letter(word_[0]) ? word_.find(':') : std::string_view::npos;
    const std::size_t cut = word_.ends_with(':')              ? word_.size() - 1
                            : word_.starts_with(':')          ? 1
                            : colon != std::string_view::npos ? colon
                                                              : word_.size();
    held_ = word_.substr(cut);
    word_ = word_.substr(0, cut);
  }

 private:
  static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

  std::string_view raw() {
    static constexpr std::string_view kBlanks = " \t\r\n", kAlone = "{}";
    while (!rest_.empty()) {
      if (rest_[0] == '#') {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      } else if (kBlanks.find(rest_[0]) != std::string_view::npos) {
        next_line_ += rest_[0] == '\n' ? 1 : 0;
        rest_.remove_prefix(1);
      } else {
        break;
      }
    }
    line_ = next_line_;
    const bool alone = !rest_.empty() && kAlone.find(rest_[0]) != std::string_view::npos;
    const std::size_t length = alone ? 1 : std::min(rest_.find_first_of(" \t\r\n{}#"), rest_.size());
    const std::string_view found = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return found;
  }

  std::string_view rest_, word_, held_;
  unsigned line_ = 1, next_line_ = 1;
};

/// What stands in a message: never a number of a key.
std::string shown(std::string_view word) {
  static constexpr std::size_t kLongest = 24;
  if (word.empty()) return "the end of the file";
  if (word.starts_with("0x") || word.starts_with("0s")) return "a number";
  const bool printable = std::ranges::all_of(word, [](char c) { return c > 0x20 && c < 0x7f; });
  return printable && word.size() <= kLongest ? "\"" + std::string{word} + "\"" : "a word";
}

class PlainRsaReader {
 public:
  PlainRsaReader(std::string_view text, const std::string& file, KeyUse use) : words_(text), file_(file), use_(use) {}

  Result<PlainKeys, std::string> read() {
    while (!words_.word().empty()) TRY_DONE(entry());
    if (use_ == KeyUse::Own && keys_.own.empty()) return fail("there is no private key in it");
    if (use_ == KeyUse::Peers && keys_.peers.empty()) return fail("there is no public key in it");
    return std::move(keys_);
  }

 private:
  Failure<std::string> fail(const std::string& words) const { return fail_at(words_.line(), words); }
  Failure<std::string> fail_at(unsigned line, const std::string& words) const {
    return Failure{file_ + ":" + std::to_string(line) + ": " + words};
  }

  Status<std::string> expect(std::string_view wanted) {
    if (words_.word() != wanted) {
      return fail("expected " + std::string{wanted} + ", and there is " + shown(words_.word()));
    }
    words_.next();
    return Done{};
  }

  Status<std::string> entry() {
    const unsigned line = words_.line();
    TRY(const KeyScope scope, this->scope());
    TRY_DONE(expect(":"));
    if (++entries_[scope.to_string()] > PlainKeys::kMostOfOneScope) {
      return fail_at(line,
                     "more than " + std::to_string(PlainKeys::kMostOfOneScope) + " keys for " + scope.to_string());
    }
    if (words_.word() == "PUB") return public_key(scope);
    if (words_.word() == "RSA") return private_key(scope, line);
    return fail("expected RSA or PUB, and there is " + shown(words_.word()));
  }

  Result<KeyScope, std::string> scope() {
    KeyScope made;
    if (words_.word().starts_with('@') && words_.word().size() > 1) {
      made.name = words_.word().substr(1);
      words_.next();
      return made;
    }
    if (words_.word() == ":") return made;
    TRY(made.peer, host());
    if (words_.word() == ":") return made;
    made.local = made.peer;
    TRY(made.peer, host());
    return made;
  }

  Result<std::optional<net::Prefix>, std::string> host() {
    const std::string_view word = words_.word();
    auto prefix = net::Prefix::parse(word);
    if (!prefix && word != "any") {
      return fail("expected an address, a network, any, @NAME or a colon, and there is " + shown(word));
    }
    words_.next();
    if (prefix && prefix->length == 0) prefix.reset();
    return prefix;
  }

  Status<std::string> public_key(const KeyScope& scope) {
    words_.next();
    const std::string_view word = words_.word();
    if (use_ == KeyUse::Own)
      return fail("a public key where only private ones may be: in the file of certificate_type");
    const auto blob = word.starts_with("0s")   ? from_base64(word.substr(2))
                      : word.starts_with("0x") ? from_hex(word.substr(2))
                                               : std::nullopt;
    if (!blob) return fail("expected 0s and base64, or 0x and hexadecimal digits");
    auto key = RsaPublicKey::parse(*blob);
    if (!key) return fail(key.error());
    words_.next();
    keys_.peers.push_back({scope, *std::move(key)});
    return Done{};
  }

  Status<std::string> private_key(const KeyScope& scope, unsigned line) {
    words_.next();
    TRY_DONE(expect("{"));
    RsaNumbers numbers;
    while (words_.word() != "}") TRY_DONE(number(numbers));
    words_.next();
    for (const KeyNumber& each : kKeyNumbers) {
      const bool optional = !each.needed || (use_ == KeyUse::Peers && each.member == &RsaNumbers::private_exponent);
      if (!optional && (numbers.*each.member).empty()) return fail_at(line, "has no " + std::string{each.word});
    }
    if (use_ == KeyUse::Peers) {
      auto key = RsaPublicKey::of(numbers.modulus.expose(), numbers.public_exponent.expose());
      if (!key) return fail_at(line, key.error());
      keys_.peers.push_back({scope, *std::move(key)});
      return Done{};
    }
    if (!scope.name.empty()) return fail_at(line, "a private key is this host's: @NAME says whose a public one is");
    auto key = RsaPrivateKey::of(numbers);
    if (!key) return fail_at(line, key.error());
    keys_.own.push_back({scope, *std::move(key)});
    return Done{};
  }

  Status<std::string> number(RsaNumbers& numbers) {
    const auto row = std::ranges::find(kKeyNumbers, words_.word(), &KeyNumber::word);
    if (row == kKeyNumbers.end()) return fail("expected Modulus and the like, and there is " + shown(words_.word()));
    words_.next();
    TRY_DONE(expect(":"));
    Secret& target = numbers.*row->member;
    if (!target.empty()) return fail(std::string{row->word} + " already defined");
    const std::string_view word = words_.word();
    if (!word.starts_with("0x")) return fail(std::string{row->word} + ": expected 0x and hexadecimal digits");
    std::string digits{word.substr(2)};
    if (digits.size() % 2 != 0) digits.insert(0, 1, '0');
    auto bytes = from_hex(digits);
    wipe(as_mutable_bytes(digits));
    if (!bytes || bytes->empty()) return fail(std::string{row->word} + ": expected 0x and hexadecimal digits");
    const WipeAtEnd wiped{*bytes};
    target = Secret{*bytes};
    words_.next();
    return Done{};
  }

  KeyWords words_;
  std::string file_;
  KeyUse use_;
  PlainKeys keys_;
  std::map<std::string, std::size_t> entries_;
};

}  // namespace

Result<PlainKeys, std::string> parse_plain_rsa(std::string_view text, const std::string& file, KeyUse use) {
  return PlainRsaReader{text, file, use}.read();
}

std::string plain_rsa_text(const RsaPublicKey& key) {
  return ": PUB 0s" + to_base64(key.blob());
}

std::string plain_rsa_text(const RsaPrivateKey& key) {
  const RsaNumbers numbers = key.numbers();
  const RsaPublicKey shown_key = key.public_key();
  // Never moves in memory, so that the caller can wipe all of it.
  std::string text;
  text.reserve(std::size_t{4096} + 16 * std::size_t{shown_key.bits()});
  text += "# " + plain_rsa_text(shown_key) + "\n: RSA\t{\n\t# RSA " + std::to_string(shown_key.bits()) + " bits\n";
  for (const KeyNumber& each : kKeyNumbers) {
    std::string digits = to_hex((numbers.*each.member).expose());
    text.append("\t").append(each.word).append(": 0x").append(digits).append("\n");
    wipe(as_mutable_bytes(digits));
  }
  text += "\t}\n";
  return text;
}

}  // namespace testudo::config
