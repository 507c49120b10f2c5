#include "app/racoon/logins.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "app/racoon/judge_login.h"
#include "app/racoon/spawn.h"
#include "io/clock.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;

constexpr const char* kNotJudged = "the password could not be judged";

/// RADIUS says itself when it gives up; it may ask many servers many times.  So does LDAP, with five questions.
Duration patience_with(const Task& task) {
  static constexpr Duration kUsual = std::chrono::seconds{20}, kMost = std::chrono::minutes{3};
  static constexpr int kQuestions = 5;
  if (task.source == Source::Ldap) {
    return std::min<Duration>(kUsual + std::chrono::seconds{task.directory.timeout} * kQuestions, kMost);
  }
  if (task.source != Source::Radius) return kUsual;
  const auto all = std::chrono::seconds{task.timeout} * task.tries * std::max(task.servers.size(), std::size_t{1});
  return std::min<Duration>(kUsual + all, kMost);
}

/// What a process that has ended left in its pipe.
Outcome read_outcome(const io::Fd& answer) {
  std::array<std::uint8_t, kLongestOutcome> buffer{};
  const ssize_t got = ::read(answer.get(), buffer.data(), buffer.size());
  if (got < 0) return {false, kNotJudged};
  auto outcome = parse_outcome(Bytes{buffer}.first(static_cast<std::size_t>(got)));
  return outcome ? *std::move(outcome) : Outcome{false, kNotJudged};
}

struct Pipe {
  io::Fd reading, writing;
};

Pipe make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  return {io::Fd{ends[0]}, io::Fd{ends[1]}};
}

}  // namespace

Logins::~Logins() {
  for (const auto& [pid, running] : running_) ::kill(-pid, SIGKILL);
}

void Logins::start(Task task, Done done, Time now) {
  if (waiting_.size() >= kMostWaiting) return done({false, "too many logins at once"});
  waiting_.push_back({std::move(task), std::move(done)});
  start_waiting(now);
}

/// A hash costs a processor, an answer of others only patience.
void Logins::start_waiting(Time now) {
  const auto most = [](const Task& task) { return task.source == Source::System ? kMostComputing : kMostAsking; };
  while (!waiting_.empty() && running_.size() < most(waiting_.front().task)) {
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    begin(std::move(job), now);
  }
}

void Logins::begin(Job job, Time now) {
  Pipe question = make_pipe(), answer = make_pipe();
  ByteVector text = compose(job.task);
  const WipeAtEnd wiped{text};
  const bool fits = text.size() <= kLongestTask && question.writing && answer.writing;
  const auto started =
      fits ? spawn({program_, {"racoon", kJudgeLogin}, {}, question.reading.get(), answer.writing.get()})
           : Result<pid_t, std::string>{Failure{std::string{}}};
  if (!started) return job.done({false, kNotJudged});
  // Some descendant of a module may keep its end open.
  ::fcntl(answer.reading.get(), F_SETFL, O_NONBLOCK);
  running_.emplace(
      *started, Running{std::move(job.done), now + patience_with(job.task), std::move(answer.reading), job.task.job});
  // The pipe is empty and takes all of it at once; of a part the other side could make nothing.
  ::fcntl(question.writing.get(), F_SETFL, O_NONBLOCK);
  ssize_t written = 0;
  do {
    written = ::write(question.writing.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
}

void Logins::reap(Time now) {
  for (auto entry = running_.begin(); entry != running_.end();) {
    int status = 0;
    if (::waitpid(entry->first, &status, WNOHANG) == 0) {
      ++entry;
      continue;
    }
    const Running over = std::move(entry->second);
    entry = running_.erase(entry);
    const bool good = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    over.done(good ? read_outcome(over.answer) : Outcome{false, kNotJudged});
  }
  start_waiting(now);
}

void Logins::tick(Time now) {
  for (const auto& [pid, running] : running_) {
    if (now >= running.until) ::kill(-pid, SIGKILL);
  }
  reap(now);
}

void Logins::finish(Time until) {
  std::erase_if(waiting_, [](const Job& job) { return job.task.job == wire::racoon::Job::Judge; });
  for (const auto& [pid, running] : running_) {
    if (running.job == wire::racoon::Job::Judge) ::kill(-pid, SIGKILL);
  }
  for (Time now = io::now(); now < until; now = io::now()) {
    reap(now);
    if (running_.empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

}  // namespace testudo::app
