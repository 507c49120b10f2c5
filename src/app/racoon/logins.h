#pragma once
// Whether a password is right for a user (XAUTH), and the accounts of who is logged in: asked of a process of its own,
// racoon itself started as `racoon --judge-login` (judge_login.h), which asks the system, PAM or RADIUS.  So a slow
// hash, directory or server holds nothing up, and what goes wrong in it ends there.  What it is to know goes by its
// standard input, never by its arguments.  Bounded: so many run at a time, so many wait, each for so long.  One thread.
#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/time.h"
#include "io/fd.h"
#include "wire/racoon_task.h"

namespace testudo::app {

class Logins {
 public:
  /// Called once for each task, later or at once.
  using Done = std::function<void(const wire::racoon::Outcome&)>;
  /// program: what judges, with kJudgeLogin as its argument.
  explicit Logins(std::string program = "/proc/self/exe") : program_(std::move(program)) {}
  Logins(const Logins&) = delete;
  Logins& operator=(const Logins&) = delete;
  /// Those under way are ended.
  ~Logins();

  void start(wire::racoon::Task task, Done done, Time now);
  /// Children may have ended.
  void reap(Time now);
  /// About once a second: what runs for too long is killed.
  void tick(Time now);
  /// At the end of racoon: gives what is under way, and what waits, a moment; passwords matter to nobody any more.
  void finish(Time until);

 private:
  static constexpr std::size_t kMostComputing = 4, kMostAsking = 32, kMostWaiting = 256;
  struct Job {
    wire::racoon::Task task;
    Done done;
  };
  struct Running {
    Done done;
    Time until{};
    io::Fd answer;
    wire::racoon::Job job{};
  };
  void start_waiting(Time now);
  void begin(Job job, Time now);

  std::string program_;
  std::deque<Job> waiting_;
  std::map<pid_t, Running> running_;
};

}  // namespace testudo::app
