#include "io/clock.h"

#include <ctime>

namespace testudo::io {

Time now() {
  timespec t{};
  ::clock_gettime(CLOCK_BOOTTIME, &t);
  return Time{std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec}};
}

WallReference wall_reference() {
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  return {now(), wall.tv_sec};
}

}  // namespace testudo::io
