#include "cli/setkey/script.h"

#include <algorithm>

namespace testudo::cli {
namespace {

std::string details(const Diagnostic& diagnostic, std::string place) {
  std::string text = std::move(place);
  if (!diagnostic.expected.empty()) text += "; expected " + diagnostic.expected;
  if (!diagnostic.hint.empty()) text += "; " + diagnostic.hint;
  return " (" + text + ")";
}

}  // namespace

bool Script::failed() const {
  return std::ranges::any_of(diagnostics, &Diagnostic::stops);
}

std::optional<std::size_t> command_length(std::string_view text) {
  bool quoted = false;
  bool comment = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // Neither a string nor a comment goes beyond its line.
    if (c == '\n') quoted = comment = false;
    if (comment) continue;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '#') comment = true;
    if (c == ';') return i + 1;
  }
  return std::nullopt;
}

Position advance(Position start, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      ++start.line;
      start.column = 1;
    } else {
      ++start.column;
    }
  }
  return start;
}

std::string describe_in_file(const Diagnostic& diagnostic, std::string_view file) {
  return std::string{file} + "," + std::to_string(diagnostic.where.line) + ": " + diagnostic.message + " at [" +
         diagnostic.token + "]" + details(diagnostic, "column " + std::to_string(diagnostic.where.column));
}

std::string describe_in_session(const Diagnostic& diagnostic) {
  return diagnostic.message + " at [" + diagnostic.token + "]" +
         details(diagnostic, "line " + std::to_string(diagnostic.where.line) + ", column " +
                                 std::to_string(diagnostic.where.column));
}

}  // namespace testudo::cli
