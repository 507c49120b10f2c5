#pragma once
// racoon's log: "2026-01-31 12:00:00: INFO: text" on stdout or in a file, the text alone in syslog.  And the words for
// what the machine tells: those that people know from racoon, with the new facts behind them.
#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/racoon/conf.h"
#include "ike/event.h"
#include "ike/log_budget.h"

namespace testudo::app {

class Log {
 public:
  using Level = config::LogLevel;
  /// foreground: stdout, and the file when there is one; else the file; else syslog.  Failure: the file cannot be
  /// written.
  static Result<Log, std::string> open(bool foreground, const std::string& file);

  void set_level(Level level) { level_ = level; }
  void write(Level level, const std::string& text);
  /// The same for what strangers can cause: of many lines only some.
  void write_some(Level level, const std::string& text);

  void told(const ike::Told& told);
  void refused(const ike::Refusal& refusal);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  Log(bool foreground, std::unique_ptr<std::FILE, Close> file) : file_(std::move(file)), foreground_(foreground) {}

  std::unique_ptr<std::FILE, Close> file_;
  bool foreground_;
  ike::LogBudget budget_;
  Level level_ = Level::Info;
};

}  // namespace testudo::app
