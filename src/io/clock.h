#pragma once
// The real clocks.  Only app/ reads them and hands the time on as an argument.
#include <cstdint>

#include "base/time.h"

namespace testudo::io {

/// CLOCK_BOOTTIME: monotonic, and goes on while the machine sleeps.  A lifetime is a limit on how long a key is trusted
/// (RFC 4301 section 4.4.2.1), so the hours of a suspended laptop count.
Time now();

/// Of the wall clock, since 1970.
std::uint64_t wall_microseconds();

/// Pairs now() with the wall clock, for the dates of `setkey -D`.
WallReference wall_reference();

}  // namespace testudo::io
