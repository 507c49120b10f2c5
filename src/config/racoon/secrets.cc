// What of a racoon.conf is for the privileged process alone: conf.h says of which blocks.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/racoon/conf.h"
#include "config/racoon/syntax.h"

namespace testudo::config {
namespace {

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

}  // namespace testudo::config
