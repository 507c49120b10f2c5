#pragma once
// What scanner and parser of setkey's language share during one run: the script under construction and the place in
// the text.  One value per run on the caller's stack; no globals.
#include <string>
#include <string_view>

#include "cli/setkey/script.h"

namespace testudo::cli {

class ScriptBuilder {
 public:
  explicit ScriptBuilder(Position start) : next_(start) {}

  /// The scanner took `text`.
  void step(std::string_view text);
  /// Where the last step started.
  Position start() const { return start_; }

  void add(Command command) { script_.commands.push_back(std::move(command)); }
  void end() { script_.ended = true; }
  void complain(Diagnostic diagnostic) { script_.diagnostics.push_back(std::move(diagnostic)); }
  /// A syntax error; silent behind a fatal complaint, which has ended the text.
  void complain_syntax(Position where, std::string token, std::string expected, std::string hint = "");

  /// The bytes of 0x…: an odd first digit is a byte of its own.
  static Key hex_key(std::string_view text, Position where);
  static Key text_key(std::string_view text, Position where);

  /// What the scanner took last, for messages; "end of file" is empty.
  const std::string& last_token() const { return last_; }
  Script take() { return std::move(script_); }

 private:
  Position start_, next_;
  std::string last_;
  Script script_;
};

}  // namespace testudo::cli
