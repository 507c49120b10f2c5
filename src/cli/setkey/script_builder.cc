#include "cli/setkey/script_builder.h"

#include <utility>

namespace testudo::cli {
namespace {

std::uint8_t nibble(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  return static_cast<std::uint8_t>((c | 0x20) - 'a' + 10);
}

Key make_key(ByteVector bytes, Position where) {
  Key key{std::make_shared<const Secret>(Bytes{bytes}), where};
  wipe(bytes);
  return key;
}

}  // namespace

void ScriptBuilder::step(std::string_view text) {
  start_ = next_;
  next_ = advance(next_, text);
  // A key does not belong into messages.
  const bool secret = text.starts_with('"') || (text.size() > 10 && text.starts_with("0x"));
  last_ = secret ? std::string{text.front() == '"' ? "\"...\"" : "0x..."} : std::string{text};
}

void ScriptBuilder::complain_syntax(Position where, std::string token, std::string expected, std::string hint) {
  if (!script_.diagnostics.empty() && script_.diagnostics.back().severity == Diagnostic::Severity::Fatal) return;
  complain({.severity = Diagnostic::Severity::Error,
            .where = where,
            .message = "syntax error",
            .token = std::move(token),
            .expected = std::move(expected),
            .hint = std::move(hint),
            .key_length = std::nullopt});
}

Key ScriptBuilder::hex_key(std::string_view text, Position where) {
  std::string_view digits = text.substr(2);
  ByteVector bytes;
  bytes.reserve(digits.size() / 2 + 1);
  if (digits.size() % 2 == 1) {
    bytes.push_back(nibble(digits.front()));
    digits.remove_prefix(1);
  }
  for (; !digits.empty(); digits.remove_prefix(2)) {
    bytes.push_back(static_cast<std::uint8_t>((nibble(digits[0]) << 4) | nibble(digits[1])));
  }
  return make_key(std::move(bytes), where);
}

Key ScriptBuilder::text_key(std::string_view text, Position where) {
  const Bytes bytes = as_bytes(text);
  return make_key(ByteVector{bytes.begin(), bytes.end()}, where);
}

}  // namespace testudo::cli
