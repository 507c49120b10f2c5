#pragma once
// A password from who sits at the terminal, without showing it; from a pipe or file its first line.
#include <optional>
#include <string>

#include "base/secret.h"

namespace testudo::app {

/// Nothing when none could be read, or who sits there pressed the key that interrupts (usually Ctrl-C).
std::optional<Secret> ask_password(const std::string& prompt);

}  // namespace testudo::app
