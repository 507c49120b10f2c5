#include "app/racoonctl/password.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>

namespace testudo::app {
namespace {

/// No echo as long as it lives.  The key that interrupts ends the line instead of the program, which could not put the
/// terminal back.
class Quiet {
 public:
  Quiet() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    silent.c_cc[VEOL] = before_.c_cc[VINTR];
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() {
    if (!is_terminal_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);
  }
  bool is_terminal() const { return is_terminal_; }
  bool interrupts(char c) const {
    return is_terminal_ && before_.c_cc[VINTR] != _POSIX_VDISABLE && static_cast<cc_t>(c) == before_.c_cc[VINTR];
  }

 private:
  termios before_{};
  bool is_terminal_;
};

}  // namespace

std::optional<Secret> ask_password(const std::string& prompt) {
  static constexpr std::size_t kLongest = 1024;
  const Quiet quiet;
  if (quiet.is_terminal()) std::fputs(prompt.c_str(), stderr);
  ByteVector typed;
  const WipeAtEnd wiped{typed};
  typed.reserve(kLongest);  // so that it never moves in memory
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1;) {
    if (c == '\n') return Secret{typed};
    if (quiet.interrupts(c) || typed.size() == kLongest) return std::nullopt;
    typed.push_back(static_cast<std::uint8_t>(c));
  }
  if (typed.empty()) return std::nullopt;
  return Secret{typed};
}

}  // namespace testudo::app
