#include "io/replace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "io/fd.h"

namespace testudo::io {
namespace {

bool write_all(const Fd& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(file.get(), text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Status<SystemError> replace_file(const std::string& path, std::string_view text, mode_t mode) {
  const std::string temporary = path + ".new";
  // What is left of an earlier try, or was put there, must not lend its owner and mode to the new one.
  ::unlink(temporary.c_str());
  const Fd file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
  if (!file) return last_error("open " + temporary);
  if (!write_all(file, text) || ::fsync(file.get()) != 0) return last_error("write " + temporary);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return last_error("rename " + temporary);
  return Done{};
}

}  // namespace testudo::io
