#pragma once
// What a daemon may do as a process: Linux capabilities.  See capabilities(7).
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/result.h"
#include "io/system_error.h"

namespace testudo::io {

enum class Capability : std::uint8_t { NetAdmin, NetRaw, NetBindService, Kill };
/// "CAP_NET_ADMIN"
std::string_view name_of(Capability capability);

bool has(Capability capability);

/// Gives up all others for good, also what a program that is started could bring back (no_new_privs).  Programs that it
/// starts have `kept` if they are root's, but never `own`.
Status<SystemError> keep_only(std::initializer_list<Capability> kept, std::initializer_list<Capability> own = {});

}  // namespace testudo::io
