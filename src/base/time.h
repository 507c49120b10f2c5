#pragma once
// Time as the pure parts see it: an argument.  Monotonic, so that lifetimes survive a clock that is set.
#include <chrono>
#include <cstdint>

namespace testudo {

/// A clock type without now(): only app/ and io/ read the real one.
struct MonotonicClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

using Time = MonotonicClock::time_point;
using Duration = MonotonicClock::duration;

/// Pairs a monotonic instant with wall-clock seconds since 1970, so that PF_KEY can show dates.
struct WallReference {
  Time at{};
  std::int64_t unix_seconds = 0;

  std::int64_t to_unix(Time t) const { return unix_seconds + std::chrono::floor<std::chrono::seconds>(t - at).count(); }
};

}  // namespace testudo
