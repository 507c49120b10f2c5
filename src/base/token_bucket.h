#pragma once
// So many a second and no more, and so many at once after a pause: the token bucket that RFC 4443 section 2.4 (f) names
// for ICMP errors, kept as the one moment at which it is full again (GCRA, ITU-T I.371).  Pure; several threads.
#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace testudo {

class TokenBucket {
 public:
  struct Rate {
    std::uint32_t a_second = 1;  ///< at least one
    std::uint32_t burst = 1;     ///< at least one
  };
  explicit TokenBucket(const Rate& rate)
      : each_(std::chrono::nanoseconds{std::chrono::seconds{1}} / rate.a_second), most_(each_ * rate.burst) {}

  /// True when one more may go now.  Moments that lie a little behind others, as threads see them, do no harm.
  bool take(Time now) {
    Duration::rep full = full_at_.load(std::memory_order_relaxed);
    for (;;) {
      const Duration next = std::max(Duration{full}, now.time_since_epoch()) + each_;
      if (next > now.time_since_epoch() + most_) return false;
      if (full_at_.compare_exchange_weak(full, next.count(), std::memory_order_relaxed)) return true;
    }
  }

 private:
  Duration each_, most_;
  std::atomic<Duration::rep> full_at_{0};
};

}  // namespace testudo
