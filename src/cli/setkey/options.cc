#include "cli/setkey/options.h"

#include <optional>
#include <string_view>

namespace testudo::cli {
namespace {

using Mode = SetkeyOptions::Mode;

class Parser {
 public:
  explicit Parser(std::span<const char* const> arguments) : rest_(arguments) {}

  SetkeyOptions run() {
    while (!stopped_ && !rest_.empty()) {
      const std::string_view word = rest_.front();
      if (word == "--") {
        rest_ = rest_.subspan(1);
        break;
      }
      if (word.size() < 2 || word.front() != '-') break;
      rest_ = rest_.subspan(1);
      word.starts_with("--") ? long_option(word.substr(2)) : letters(word.substr(1));
    }
    if (stopped_) return options_;
    for (const char* operand : rest_) options_.operands.emplace_back(operand);
    if (!options_.operands.empty()) options_.mode = Mode::Files;
    return options_;
  }

 private:
  void stop(Mode mode, std::string complaint = "") {
    options_.mode = mode;
    options_.complaint = std::move(complaint);
    stopped_ = true;
  }

  std::optional<std::string> argument() {
    if (rest_.empty()) return std::nullopt;
    std::string text = rest_.front();
    rest_ = rest_.subspan(1);
    return text;
  }

  void long_option(std::string_view word);
  void letters(std::string_view word);
  void letter(char c);
  bool switch_letter(char c);

  std::span<const char* const> rest_;
  SetkeyOptions options_;
  bool stopped_ = false;
};

void Parser::long_option(std::string_view word) {
  const auto equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  if (name != "run-dir" && name != "restore") return stop(Mode::Usage, "unknown option --" + std::string{name});
  const auto value = equals == std::string_view::npos ? argument() : std::string{word.substr(equals + 1)};
  if (!value) return stop(Mode::Usage, "--" + std::string{name} + " needs an argument");
  if (name == "run-dir") {
    options_.run_dir = *value;
  } else {
    options_.mode = Mode::Restore;
    options_.file = *value;
  }
}

void Parser::letters(std::string_view word) {
  for (std::size_t i = 0; i < word.size() && !stopped_; ++i) {
    if (word[i] != 'f') {
      letter(word[i]);
      continue;
    }
    // The rest of the word, or the next one.
    const auto file = i + 1 < word.size() ? std::string{word.substr(i + 1)} : argument();
    if (!file) return stop(Mode::Usage, "option requires an argument -- f");
    options_.mode = Mode::Script;
    options_.file = *file;
    return;
  }
}

void Parser::letter(char c) {
  switch (c) {
    case 'c':
      options_.mode = Mode::Session;
      break;
    case 'D':
      options_.mode = Mode::Dump;
      break;
    case 'F':
      options_.mode = Mode::Flush;
      break;
    case 'x':
      options_.unix_stamp = options_.mode == Mode::Monitor;
      options_.mode = Mode::Monitor;
      break;
    case 'V':
      stop(Mode::Version);
      break;
    case '?':
    case 'd':
      stop(Mode::Usage);
      break;
    default:
      if (!switch_letter(c)) stop(Mode::Usage, std::string{"unknown option -- "} + c);
  }
}

bool Parser::switch_letter(char c) {
  switch (c) {
    case 'a':
      return options_.all = true;
    case 'l':
      return options_.forever = true;
    case 'n':
      return options_.dry = true;
    case 'h':
    case 'H':
      return options_.hex = true;
    case 'P':
      return options_.policies = true;
    case 'p':
      return options_.ports = true;
    case 'v':
      return options_.verbose = true;
    case 'r':
    case 'k':
      return options_.rfc_or_kernel_mode = true;
    default:
      return false;
  }
}

}  // namespace

SetkeyOptions parse_setkey_options(std::span<const char* const> arguments) {
  return Parser{arguments}.run();
}

std::string setkey_version() {
  return "setkey @(#) testudo " TESTUDO_VERSION "\n";
}

std::string setkey_usage() {
  return setkey_version() +
         "usage: setkey [-v] file ...\n"
         "       setkey [-nv] -c\n"
         "       setkey [-nv] -f filename\n"
         "       setkey [-Palpv] -D\n"
         "       setkey [-Pv] -F\n"
         "       setkey [-H] -x\n"
         "       setkey [-nv] --restore filename\n"
         "       setkey [-V] [-h]\n"
         "       (all: --run-dir DIR, the directory of testudod's sockets)\n";
}

}  // namespace testudo::cli
