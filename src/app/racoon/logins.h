#pragma once
// Whether a password is right for a user of this system (XAUTH): asked of a process of its own, racoon itself started
// as `racoon --judge-login`, which looks into the shadow file.  So a slow hash or directory holds nothing up, and what
// goes wrong in it ends there.  Name and password go by its standard input, never by its arguments.  Bounded: so many
// run at a time, so many wait, each for so long.  One thread.
#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "base/time.h"
#include "ike/event.h"

namespace testudo::app {

class Logins {
 public:
  using Judged = std::function<void(const ike::LoginJudged&)>;
  explicit Logins(Judged judged) : judged_(std::move(judged)) {}
  Logins(const Logins&) = delete;
  Logins& operator=(const Logins&) = delete;
  /// Those under way are ended.
  ~Logins();

  void check(ike::CheckLogin question, Time now);
  /// Children may have ended.
  void reap(Time now);
  /// About once a second: what runs for too long is killed.
  void tick(Time now);

 private:
  static constexpr std::size_t kMostRunning = 4, kMostWaiting = 256;
  static constexpr Duration kLongest = std::chrono::seconds{20};
  struct Running {
    ike::LoginId login;
    Time until{};
  };
  void start_waiting(Time now);
  void start(const ike::CheckLogin& question, Time now);

  Judged judged_;
  std::deque<ike::CheckLogin> waiting_;
  std::map<pid_t, Running> running_;
};

}  // namespace testudo::app
