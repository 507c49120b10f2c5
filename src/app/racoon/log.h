#pragma once
// racoon's log: "2026-01-31 12:00:00: INFO: text" on stdout or in a file, the text alone in syslog.  And the words for
// what the machine tells: those that people know from racoon, with the new facts behind them.
#include <cstdio>
#include <memory>
#include <string>

#include "config/racoon/conf.h"
#include "ike/event.h"

namespace testudo::app {

class Log {
 public:
  using Level = config::LogLevel;
  /// foreground: stdout; else the file; else syslog.
  Log(bool foreground, const std::string& file);

  void set_level(Level level) { level_ = level; }
  void write(Level level, const std::string& text);

  void told(const ike::Told& told);
  void refused(const ike::Refusal& refusal);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  bool foreground_;
  Level level_ = Level::Info;
};

}  // namespace testudo::app
