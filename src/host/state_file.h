#pragma once
// What a crash would leave on the host, by name and number, for the next start to find: the file RUN_DIR/attached.
#include <optional>
#include <string>

#include "host/settings.h"
#include "io/system_error.h"

namespace testudo::host {

/// Either the file holds all of it afterwards, also when the machine loses power, or what it held before.
Status<io::SystemError> write_state(const std::string& path, const Settings& settings);

/// Nothing when there is none or it cannot be read.  Only what names places of the host is set.
std::optional<Settings> read_state(const std::string& path);

/// Whether both mean the same places of the host.
bool same_places(const Settings& a, const Settings& b);

}  // namespace testudo::host
