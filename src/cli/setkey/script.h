#pragma once
// What the grammar of setkey(8) makes of a script: commands as values, words with their places, complaints as values.
// Nothing here is sent or looked up; compile.h turns a Command into PF_KEY messages.
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/secret.h"

namespace testudo::cli {

/// Line and column of a byte, both from 1; a tab is one column.
struct Position {
  unsigned line = 1, column = 1;

  friend auto operator<=>(const Position&, const Position&) = default;
};

/// `len` bytes are `given`, but the algorithm takes `min` to `max` (bits, as libipsec prints them).
struct KeyLengthComplaint {
  std::size_t given = 0, min = 0, max = 0;
};

struct Diagnostic {
  enum class Severity : std::uint8_t {
    Warning,
    Error,
    Fatal,  ///< a character that starts no token: setkey gives up even in -c mode
  };

  Severity severity = Severity::Error;
  Position where;
  std::string message;   ///< NetBSD's words
  std::string token;     ///< what stands there; never a key
  std::string expected;  ///< "" or what could stand there
  std::string hint;      ///< "" or a sentence that helps
  std::optional<KeyLengthComplaint> key_length;

  bool stops() const { return severity != Severity::Warning; }
};

struct Word {
  std::string text;
  Position where;
};

/// A key as bytes.  Shared, because the parser's stack copies values.
struct Key {
  std::shared_ptr<const Secret> bytes;
  Position where;
};

struct HostAndPort {
  Word host;
  std::optional<Word> port;  ///< a number, a service, or "any"
};

struct HostRange {
  Word host;
  std::optional<Word> prefix;
  std::optional<Word> port;
};

struct AlgorithmChoice {
  Word name;
  std::optional<Key> key;
};

/// "esp", "esp-udp", "ah-old", …; esp-udp may carry the peer's original address.
struct SaProtocolChoice {
  Word name;
  std::optional<Word> original_address;
};

struct Extension {
  enum class Kind : std::uint8_t {
    Mode,
    Replay,
    ReqId,
    Flag,
    HardTime,
    SoftTime,
    HardBytes,
    SoftBytes,
    Fragment,
    SecurityContext,
  };
  Kind kind = Kind::Mode;
  Word value;
};

struct SaCommand {
  enum class Verb : std::uint8_t { Add, Update, GetSpi, Delete, Get, DeleteAll };
  Verb verb = Verb::Add;
  std::vector<Word> address_options;
  HostAndPort source, destination;
  SaProtocolChoice protocol;
  Word spi;
  std::vector<Extension> extensions;
  std::optional<AlgorithmChoice> cipher, mac, compression;
  bool raw_cpi = false;
};

struct SaTableCommand {
  enum class Verb : std::uint8_t { Flush, Dump };
  Verb verb = Verb::Dump;
  std::optional<SaProtocolChoice> protocol;
};

struct PolicyCommand {
  enum class Verb : std::uint8_t { Add, Update, Delete };
  Verb verb = Verb::Add;
  std::vector<Word> address_options;
  HostRange source, destination;
  Word upper;
  std::optional<Word> misc;  ///< "8,0", a GRE key
  std::optional<Word> tag;   ///< `spdadd tagged "…"`: then there are no addresses
  Word policy;
};

struct PolicyTableCommand {
  enum class Verb : std::uint8_t { Flush, Dump };
  Verb verb = Verb::Dump;
};

struct Command {
  std::variant<SaCommand, SaTableCommand, PolicyCommand, PolicyTableCommand> what;
  Position start, end;  ///< the verb and the `;`
};

struct Script {
  std::vector<Command> commands;
  std::vector<Diagnostic> diagnostics;  ///< in the order of the text
  bool ended = false;                   ///< `exit`, `quit` or `bye` was read; what follows it was not looked at

  bool failed() const;
};

/// Reads a whole script.  After an error it goes on behind the next `;`, so that one run names every error.
Script parse_script(std::string_view text, Position start = {});

/// Length of the first command of `text`, its `;` included, if there is one: `;` in quotes and comments do not count.
std::optional<std::size_t> command_length(std::string_view text);

/// The place that follows `text`, if `text` starts at `start`.
Position advance(Position start, std::string_view text);

/// "FILE,LINE: syntax error at [foo] (column 14; expected an IP address)" without a line end.
std::string describe_in_file(const Diagnostic& diagnostic, std::string_view file);
/// "syntax error at [foo] (line 3, column 14; expected an IP address)" without a line end.
std::string describe_in_session(const Diagnostic& diagnostic);

}  // namespace testudo::cli
