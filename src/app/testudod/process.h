#pragma once
// The daemon as a process: in the background once it is ready, alone in its run directory.
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "io/fd.h"
#include "io/system_error.h"

namespace testudo::app {

/// Forks; the parent waits and exits 0 once the child is ready, or 1 with the child's sentence on stderr.
class Background {
 public:
  static Result<Background, io::SystemError> enter();
  /// Says that all is set up; the parent goes.
  void ready();

 private:
  explicit Background(io::Fd fd) : to_parent_(std::move(fd)) {}
  io::Fd to_parent_;
};

/// Makes the run directory and holds its pid file; a second daemon is told who has it.  Gone again at the end.
class RunDirectory {
 public:
  static Result<RunDirectory, std::string> claim(const std::string& path);
  RunDirectory(RunDirectory&&) = default;
  RunDirectory& operator=(RunDirectory&&) = delete;
  ~RunDirectory();

 private:
  RunDirectory(io::Fd lock, std::string pid_file) : lock_(std::move(lock)), pid_file_(std::move(pid_file)) {}
  io::Fd lock_;
  std::string pid_file_;
};

}  // namespace testudo::app
