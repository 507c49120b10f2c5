#include "app/racoon/judge_login.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

#include "io/fd.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;

/// What the writer sent until it closed; empty when that is too much.
ByteVector read_input() {
  ByteVector text(kLongestTask + 1);
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(STDIN_FILENO, text.data() + filled, text.size() - filled);
    if (got < 0) return {};
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled == text.size()) return {};
  text.resize(filled);
  return text;
}

/// Where the answer goes: libraries and modules may write to the standard output what they like.
io::Fd take_output() {
  io::Fd output{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
  const io::Fd nothing{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  if (nothing) ::dup2(nothing.get(), STDOUT_FILENO);
  return output;
}

Outcome do_task(const Task& task) {
  const bool judges = task.job == Job::Judge;
  switch (task.source) {
    case Source::System:
      return judges ? judge_by_shadow(task) : account_in_utmp(task);
    case Source::Radius:
      return ask_radius(task);
    case Source::Pam:
      return ask_pam(task);
    case Source::Ldap:
      return ask_ldap(task);
  }
  return {};
}

}  // namespace

int judge_login() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const io::Fd output = take_output();
  ByteVector input = read_input();
  const auto task = parse_task(input);
  wipe(input);
  if (!task || !output) return EXIT_FAILURE;
  Outcome outcome = do_task(*task);
  if (outcome.why.size() > kLongestOutcome / 8) outcome.why.resize(kLongestOutcome / 8);
  const ByteVector answer = compose(outcome);
  const bool whole = ::write(output.get(), answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
  return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace testudo::app
