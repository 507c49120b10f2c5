#pragma once
// psk.txt: one "identifier key" a line.  Files of keys are read by the daemon; what their owner and mode must be is
// judged here.  Pure.
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace testudo::config {

/// The key of the first line with this identifier.  The key is the rest of the line, blanks included; 0x… are bytes.
std::optional<Secret> find_pre_shared_key(std::string_view text, std::string_view identifier);

enum class KeyKind : std::uint8_t { PreShared, Certificate };

struct FileFacts {
  bool regular = false;
  unsigned owner = 0, mode = 0;
};
/// "" when such a file may hold keys for a daemon that runs as `uid`; else why not, in racoon's words.  What
/// certificates are signed with may be read by a group, as that of Debian's ssl-cert is.
std::string complaint_about(const std::string& file, const FileFacts& facts, unsigned uid,
                            KeyKind kind = KeyKind::PreShared);

}  // namespace testudo::config
