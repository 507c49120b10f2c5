#pragma once
// The outer form of racoon.conf(5): statements of words that end in `;` or in a block.  What the words mean is
// build.h's. The same form holds for every statement, so a file with a wrong word is still read to its end and every
// complaint has its place.  Pure; positions count from 1.
#include <string>
#include <string_view>
#include <vector>

namespace testudo::config {

struct Position {
  std::string file;
  unsigned line = 1, column = 1;
};

/// Named as racoon names them in its log.
struct Diagnostic {
  enum class Severity { Warning, Error };
  Severity severity = Severity::Error;
  Position where;
  std::string token;    ///< what stands there
  std::string message;  ///< racoon's words where it has some
  std::string hint;     ///< "" or a sentence that helps
};

/// file:line:column: "token" message (hint)
std::string to_string(const Diagnostic& diagnostic);

struct Item {
  enum class Kind { Word, Quoted, Port };
  Kind kind = Kind::Word;
  std::string text;  ///< without quotes, without brackets
  Position where;
};

struct Statement {
  std::vector<Item> items;  ///< never empty
  bool has_block = false;
  std::vector<Statement> block;
  Position end;  ///< of the `;` or the `}`

  const Item& word() const { return items.front(); }
};

struct Syntax {
  std::vector<Statement> statements;
  std::vector<Diagnostic> diagnostics;
};

Syntax parse_syntax(std::string_view text, const std::string& file);

}  // namespace testudo::config
