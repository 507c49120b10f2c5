#pragma once
// The daemon's words: to stderr in the foreground, to syslog otherwise.  At most a handful a second, so that a stranger
// who sends packets cannot fill the disk; how many were swallowed is said afterwards.  Any thread.
#include <cstdint>
#include <mutex>
#include <string>

#include "base/time.h"

namespace testudo::app {

class Log {
 public:
  enum class Level : std::uint8_t { Error, Warning, Info };
  enum class To : std::uint8_t { Stderr, Syslog };

  explicit Log(To to);
  void error(const std::string& text) { write(Level::Error, text); }
  void warning(const std::string& text) { write(Level::Warning, text); }
  void info(const std::string& text) { write(Level::Info, text); }

 private:
  void write(Level level, const std::string& text);
  bool within_budget();
  void emit(Level level, const std::string& text) const;

  To to_;
  std::mutex one_at_a_time_;
  Time second_{};
  unsigned written_ = 0;
  std::uint64_t swallowed_ = 0;
};

}  // namespace testudo::app
