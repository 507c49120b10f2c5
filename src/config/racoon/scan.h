#pragma once
// What scanner and parser of racoon.conf share during one run.  One value per run on the caller's stack; no globals.
#include <utility>

#include "config/racoon/syntax.h"

namespace testudo::config {

class Scan {
 public:
  explicit Scan(const std::string& file) { next_.file = file; }

  /// The scanner took `text`.
  void step(std::string_view text) {
    start_ = next_;
    last_ = text;
    for (const char c : text) {
      next_.column = c == '\n' ? 1 : next_.column + 1;
      if (c == '\n') ++next_.line;
    }
  }
  const Position& start() const { return start_; }
  Item item(Item::Kind kind, std::string_view text) const { return {kind, std::string{text}, start_}; }

  /// False when a block is nested deeper than any that means something.
  bool deeper() { return ++depth_ <= kDeepest; }
  void shallower() { depth_ -= depth_ > 0 ? 1 : 0; }

  void complain(std::string message, std::string hint) {
    syntax_.diagnostics.push_back({Diagnostic::Severity::Error, start_, last_, std::move(message), std::move(hint)});
  }
  void add(Statement statement) { syntax_.statements.push_back(std::move(statement)); }
  Syntax take() { return std::move(syntax_); }

 private:
  Position start_, next_;
  std::string last_;
  Syntax syntax_;
  static constexpr unsigned kDeepest = 8;
  unsigned depth_ = 0;
};

}  // namespace testudo::config
