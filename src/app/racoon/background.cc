#include "app/racoon/background.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace testudo::app {
namespace {

[[noreturn]] void wait_and_end(int starter) {
  std::uint8_t word = 0;
  ssize_t got = 0;
  do {
    got = ::read(starter, &word, 1);
  } while (got < 0 && errno == EINTR);
  ::_exit(got == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

}  // namespace

Result<Background, io::SystemError> Background::enter() {
  Background made;
  made.nothing_ = io::Fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!made.nothing_) return io::last_error("open /dev/null");
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return io::last_error("socketpair");
  io::Fd reading{ends[0]};
  made.starter_ = io::Fd{ends[1]};
  const pid_t pid = ::fork();
  if (pid < 0) return io::last_error("fork");
  if (pid > 0) {
    made.starter_.reset();
    wait_and_end(reading.get());
  }
  if (::setsid() < 0) return io::last_error("setsid");
  return made;
}

void Background::up() {
  if (!nothing_) return;
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(nothing_.get(), descriptor) < 0) return;
  }
  nothing_.reset();
  constexpr std::uint8_t kWord = 1;
  // A starter that was killed hears nothing.
  if (starter_) static_cast<void>(::send(starter_.get(), &kWord, 1, MSG_NOSIGNAL) < 0);
  starter_.reset();
}

}  // namespace testudo::app
