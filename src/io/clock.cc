#include "io/clock.h"

#include <ctime>

namespace testudo::io {

Time now() {
  timespec t{};
  ::clock_gettime(CLOCK_BOOTTIME, &t);
  return Time{std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec}};
}

std::uint64_t wall_microseconds() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1000000 + static_cast<std::uint64_t>(t.tv_nsec) / 1000;
}

WallReference wall_reference() {
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  return {now(), wall.tv_sec};
}

}  // namespace testudo::io
