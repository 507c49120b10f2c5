#include "host/state_file.h"

#include <fstream>

#include "io/replace_file.h"

namespace testudo::host {

Status<io::SystemError> write_state(const std::string& path, const Settings& s) {
  const std::string text =
      s.device + ' ' + std::to_string(s.mark) + ' ' + std::to_string(s.table) + ' ' + std::to_string(s.rule) + '\n';
  return io::replace_file(path, text, 0644);
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
