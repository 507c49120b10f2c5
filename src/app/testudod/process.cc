#include "app/testudod/process.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace testudo::app {
namespace {

// The child's stderr stays until it is ready, so its sentence has been read when the parent ends.
[[noreturn]] void wait_as_parent(int from_child, pid_t child) {
  char ready = 0;
  if (::read(from_child, &ready, 1) == 1) ::_exit(EXIT_SUCCESS);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::_exit(EXIT_FAILURE);
}

std::string who_holds(int lock) {
  std::array<char, 32> text{};
  const ssize_t n = ::pread(lock, text.data(), text.size() - 1, 0);
  std::string pid{text.data(), static_cast<std::size_t>(n > 0 ? n : 0)};
  pid.resize(std::min(pid.size(), pid.find('\n')));
  return pid;
}

}  // namespace

Result<Background, io::SystemError> Background::enter() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return io::last_error("pipe");
  io::Fd from_child{ends[0]};
  io::Fd to_parent{ends[1]};
  const pid_t child = ::fork();
  if (child < 0) return io::last_error("fork");
  if (child > 0) {
    to_parent.reset();
    wait_as_parent(from_child.get(), child);
  }
  ::setsid();
  return Background{std::move(to_parent)};
}

void Background::ready() {
  const io::Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), standard);
  const char byte = 1;
  static_cast<void>(::write(to_parent_.get(), &byte, 1) == 1);
  to_parent_.reset();
  static_cast<void>(::chdir("/") == 0);
}

Result<RunDirectory, std::string> RunDirectory::claim(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Failure{"cannot make " + path + ": " + error.message()};
  const std::string pid_file = path + "/testudod.pid";
  io::Fd lock{::open(pid_file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!lock) return Failure{io::last_error(pid_file).error.to_string()};
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return Failure{"another testudod (pid " + who_holds(lock.get()) + ") has " + path +
                   "; give this one a directory of its own with --run-dir"};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.get(), 0) != 0 || ::pwrite(lock.get(), pid.data(), pid.size(), 0) < 0) {
    return Failure{io::last_error(pid_file).error.to_string()};
  }
  return RunDirectory{std::move(lock), pid_file};
}

RunDirectory::~RunDirectory() {
  if (lock_) ::unlink(pid_file_.c_str());
}

}  // namespace testudo::app
