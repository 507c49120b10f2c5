#include "app/racoon/logins.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "app/racoon/judge_login.h"
#include "app/racoon/spawn.h"
#include "io/fd.h"

namespace testudo::app {
namespace {

/// As much as a pipe holds at once is more than any name and password: so writing never waits.
ByteVector input_of(const ike::CheckLogin& question) {
  ByteVector text;
  text.reserve(question.user.size() + question.password.size() + 8192);
  const auto add = [&](Bytes word) {
    text.insert(text.end(), word.begin(), word.end());
    text.push_back(0);
  };
  add(as_bytes(question.user));
  add(question.password.expose());
  for (const std::string& group : question.groups) add(as_bytes(group));
  return text;
}

ike::LoginJudged judgement(ike::LoginId login, int status) {
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kLoginBroken;
  switch (code) {
    case kLoginRight:
      return {login, true, ""};
    case kLoginWrong:
      return {login, false, "unknown, or not with this password"};
    case kLoginExpired:
      return {login, false, "the account has expired"};
    case kLoginOutside:
      return {login, false, "in none of auth_groups"};
    default:
      return {login, false, "the password could not be judged"};
  }
}

}  // namespace

Logins::~Logins() {
  for (const auto& [pid, running] : running_) ::kill(-pid, SIGKILL);
}

void Logins::check(ike::CheckLogin question, Time now) {
  if (waiting_.size() >= kMostWaiting) return judged_({question.login, false, "too many logins at once"});
  waiting_.push_back(std::move(question));
  start_waiting(now);
}

void Logins::start_waiting(Time now) {
  while (!waiting_.empty() && running_.size() < kMostRunning) {
    const ike::CheckLogin question = std::move(waiting_.front());
    waiting_.pop_front();
    start(question, now);
  }
}

void Logins::start(const ike::CheckLogin& question, Time now) {
  const auto fail = [&] { judged_({question.login, false, "the password could not be judged"}); };
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail();
  const io::Fd reading{ends[0]};
  const io::Fd writing{ends[1]};
  const Program program{"/proc/self/exe", {"racoon", kJudgeLogin}, {}, reading.get()};
  const auto started = spawn(program);
  if (!started) return fail();
  running_.emplace(*started, Running{question.login, now + kLongest});
  ByteVector text = input_of(question);
  const WipeAtEnd wiped{text};
  // The pipe is empty and takes all of it at once; of a part the other side could make nothing.
  ::fcntl(writing.get(), F_SETFL, O_NONBLOCK);
  ssize_t written = 0;
  do {
    written = ::write(writing.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
}

void Logins::reap(Time now) {
  for (auto entry = running_.begin(); entry != running_.end();) {
    int status = 0;
    if (::waitpid(entry->first, &status, WNOHANG) == 0) {
      ++entry;
      continue;
    }
    const ike::LoginId login = entry->second.login;
    entry = running_.erase(entry);
    judged_(judgement(login, status));
  }
  start_waiting(now);
}

void Logins::tick(Time now) {
  for (const auto& [pid, running] : running_) {
    if (now >= running.until) ::kill(-pid, SIGKILL);
  }
  reap(now);
}

}  // namespace testudo::app
