#include "host/state_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "io/fd.h"

namespace testudo::host {

Status<io::SystemError> write_state(const std::string& path, const Settings& s) {
  const std::string temporary = path + ".new";
  const std::string text =
      s.device + ' ' + std::to_string(s.mark) + ' ' + std::to_string(s.table) + ' ' + std::to_string(s.rule) + '\n';
  const io::Fd file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!file) return io::last_error("open " + temporary);
  const bool written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written || ::fsync(file.get()) != 0) return io::last_error("write " + temporary);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return io::last_error("rename " + temporary);
  return Done{};
}

std::optional<Settings> read_state(const std::string& path) {
  std::ifstream file{path};
  Settings s;
  if (!(file >> s.device >> s.mark >> s.table >> s.rule)) return std::nullopt;
  return s;
}

bool same_places(const Settings& a, const Settings& b) {
  return a.device == b.device && a.mark == b.mark && a.table == b.table && a.rule == b.rule;
}

}  // namespace testudo::host
