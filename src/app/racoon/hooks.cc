#include "app/racoon/hooks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstring>

namespace testudo::app {
namespace {

using Level = Log::Level;

/// What posix_spawn(3) wants, from strings that live on.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (std::string& text : strings) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// A group of its own, so that what it starts ends with it; nothing open but /dev/null; signals as a program expects
/// them.
class Form {
 public:
  Form() {
    ::posix_spawn_file_actions_init(&actions_);
    for (const int descriptor : {0, 1, 2}) {
      ::posix_spawn_file_actions_addopen(&actions_, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY, 0);
    }
    ::posix_spawnattr_init(&attributes_);
    sigset_t none{}, all{};
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;
  ~Form() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::string word_of(ike::Hook::Event event) {
  using enum ike::Hook::Event;
  return event == Phase1Up ? "phase1_up" : event == Phase1Down ? "phase1_down" : "phase1_dead";
}

}  // namespace

std::vector<std::string> Hooks::environment_of(const ike::Hook& hook) const {
  std::vector<std::string> all{
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "TESTUDO_RUN=" + run_dir_,
      "LOCAL_ADDR=" + hook.local.address.to_string(),
      "LOCAL_PORT=" + std::to_string(hook.local.port),
      "REMOTE_ADDR=" + hook.remote.address.to_string(),
      "REMOTE_PORT=" + std::to_string(hook.remote.port),
      "REMOTE_ID=" + hook.peer,
      fmt::format("IKE_COOKIE={:016x}:{:016x}", hook.initiator_cookie, hook.responder_cookie),
  };
  return all;
}

void Hooks::run(const ike::Hook& hook, Time now) {
  if (waiting_.size() >= kMostWaiting) {
    log_.write(Level::Error, hook.script + " " + word_of(hook.event) + " is left out: too many scripts wait");
    return;
  }
  const bool relative = !hook.script.starts_with('/') && !directory_.empty();
  waiting_.push_back(
      {relative ? directory_ + "/" + hook.script : hook.script, word_of(hook.event), environment_of(hook)});
  start_waiting(now);
}

void Hooks::start_waiting(Time now) {
  while (!waiting_.empty() && running_.size() < kMostRunning) {
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    start(job, now);
  }
}

void Hooks::start(const Job& job, Time now) {
  static const Form kForm;
  std::vector<std::string> words{job.program, job.event}, environment = job.environment;
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, job.program.c_str(), kForm.actions(), kForm.attributes(),
                                  pointers(words).data(), pointers(environment).data());
  if (error != 0) return log_.write(Level::Error, job.program + " " + job.event + ": " + std::strerror(error));
  running_.emplace(pid, Running{job.program + " " + job.event, now + kLongest});
}

void Hooks::reap(Time now) {
  for (auto entry = running_.begin(); entry != running_.end();) {
    int status = 0;
    if (::waitpid(entry->first, &status, WNOHANG) == 0) {
      ++entry;
      continue;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
      log_.write(Level::Warning, fmt::format("{} ended with status {}", entry->second.program, WEXITSTATUS(status)));
    } else if (WIFSIGNALED(status)) {
      log_.write(Level::Warning, fmt::format("{} was ended by signal {}", entry->second.program, WTERMSIG(status)));
    }
    entry = running_.erase(entry);
  }
  start_waiting(now);
}

void Hooks::tick(Time now) {
  for (const auto& [pid, running] : running_) {
    if (now < running.until) continue;
    log_.write(Level::Error, running.program + " takes too long and is killed");
    ::kill(-pid, SIGKILL);
  }
  reap(now);
}

void Hooks::flush(Time now) {
  for (const Job& job : waiting_) start(job, now);
  waiting_.clear();
}

}  // namespace testudo::app
