#include "app/racoon/pid_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "io/fd.h"

namespace testudo::app {
namespace {

std::string because(const std::string& path) {
  return "pidfile " + path + ": " + std::strerror(errno);
}

}  // namespace

std::string pid_file_name(const std::string& named, const std::string& run_dir, bool foreground) {
  if (named.empty() && foreground) return "";
  if (named.starts_with('/')) return named;
  // Beside racoonctl's socket there would be a directory more to make; scripts look for it here.
  const std::string directory = run_dir == "/run/testudo" ? "/var/run" : run_dir;
  return directory + "/" + (named.empty() ? "racoon.pid" : named);
}

Result<PidFile, std::string> PidFile::write(const std::string& path, pid_t pid) {
  // O_NONBLOCK: a FIFO of that name would hold up the start.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  constexpr mode_t kMode = 0644;
  const io::Fd file{::open(path.c_str(), kFlags, kMode)};
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0) return Failure{because(path)};
  if (!S_ISREG(facts.st_mode)) return Failure{"pidfile " + path + ": is no file"};
  const std::string text = std::to_string(pid) + "\n";
  // The umask is racoon's, 077.
  const bool written = ::fchmod(file.get(), kMode) == 0 && ::ftruncate(file.get(), 0) == 0 &&
                       ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written) return Failure{because(path)};
  return PidFile{path};
}

PidFile::~PidFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace testudo::app
