#include "app/testudod/log.h"

#include <syslog.h>

#include <array>
#include <cstdio>

#include "io/clock.h"

namespace testudo::app {
namespace {

constexpr unsigned kLinesPerSecond = 20;
constexpr std::array kPriorities{LOG_ERR, LOG_WARNING, LOG_INFO};
constexpr std::array kWords{"error: ", "warning: ", ""};

}  // namespace

Log::Log(To to) : to_(to) {
  if (to_ == To::Syslog) ::openlog("testudod", LOG_PID, LOG_DAEMON);
}

void Log::write(Level level, const std::string& text) {
  const std::lock_guard only{one_at_a_time_};
  if (within_budget()) emit(level, text);
}

bool Log::within_budget() {
  const Time now = io::now();
  if (now - second_ >= std::chrono::seconds{1}) {
    if (swallowed_ > 0)
      emit(Level::Warning, std::to_string(swallowed_) + " messages were not written: too many a second");
    second_ = now;
    written_ = 0;
    swallowed_ = 0;
  }
  if (++written_ <= kLinesPerSecond) return true;
  ++swallowed_;
  return false;
}

void Log::emit(Level level, const std::string& text) const {
  const auto i = static_cast<std::size_t>(level);
  if (to_ == To::Syslog) return ::syslog(kPriorities[i], "%s%s", kWords[i], text.c_str());
  std::fprintf(stderr, "testudod: %s%s\n", kWords[i], text.c_str());
}

}  // namespace testudo::app
