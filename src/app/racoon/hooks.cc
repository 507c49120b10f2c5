#include "app/racoon/hooks.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>

#include "app/racoon/spawn.h"
#include "io/socket_address.h"

namespace testudo::app {
namespace {

using Level = Log::Level;

std::string word_of(ike::Hook::Event event) {
  using enum ike::Hook::Event;
  return event == Phase1Up ? "phase1_up" : event == Phase1Down ? "phase1_down" : "phase1_dead";
}

}  // namespace

std::vector<std::string> Hooks::environment_of(const ike::Hook& hook) const {
  std::vector<std::string> all{
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "TESTUDO_RUN=" + run_dir_,
      "LOCAL_ADDR=" + io::with_link_name(hook.local.address),
      "LOCAL_PORT=" + std::to_string(hook.local.port),
      "REMOTE_ADDR=" + io::with_link_name(hook.remote.address),
      "REMOTE_PORT=" + std::to_string(hook.remote.port),
      "REMOTE_ID=" + hook.peer,
      fmt::format("IKE_COOKIE={:016x}:{:016x}", hook.initiator_cookie, hook.responder_cookie),
  };
  for (const auto& [name, value] : hook.variables) all.push_back(name + "=" + value);
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
  const auto started = spawn({job.program, {job.program, job.event}, job.environment});
  if (!started) return log_.write(Level::Error, job.program + " " + job.event + ": " + started.error());
  running_.emplace(*started, Running{job.program + " " + job.event, now + kLongest});
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
