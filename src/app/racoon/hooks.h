#pragma once
// The programs of `script`: started without a shell, with an environment of their own and nothing of ours, and never
// waited for.  Bounded: so many run at a time, so many wait, each for so long.  Only processes started here are reaped
// and killed.  One thread.
#include <sys/types.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "app/racoon/log.h"
#include "base/time.h"
#include "ike/event.h"

namespace testudo::app {

class Hooks {
 public:
  Hooks(Log& log, std::string run_dir) : log_(log), run_dir_(std::move(run_dir)) {}

  /// Directory of names without a leading '/'.
  void set_directory(std::string directory) { directory_ = std::move(directory); }
  void run(const ike::Hook& hook, Time now);
  /// Children may have ended.
  void reap(Time now);
  /// About once a second: what runs for too long is killed.
  void tick(Time now);
  /// The daemon ends: what waits begins now, whatever runs.
  void flush(Time now);

 private:
  static constexpr std::size_t kMostRunning = 16, kMostWaiting = 256;
  static constexpr Duration kLongest = std::chrono::minutes{1};
  struct Job {
    std::string program, event;
    std::vector<std::string> environment;
  };
  struct Running {
    std::string program;
    Time until{};
  };
  void start_waiting(Time now);
  void start(const Job& job, Time now);
  std::vector<std::string> environment_of(const ike::Hook& hook) const;

  Log& log_;
  std::string run_dir_, directory_;
  std::deque<Job> waiting_;
  std::map<pid_t, Running> running_;
};

}  // namespace testudo::app
