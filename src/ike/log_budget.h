#pragma once
// How many lines strangers may cause in a log: twenty at once, then one a second.  Pure: time comes in.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/time.h"

namespace testudo::ike {

class LogBudget {
 public:
  /// Whether one more may be written: how many were left out since the last one; nothing when it may not.
  std::optional<unsigned> take(Time now) {
    if (now > last_ + kRefill) {
      left_ = std::min<Duration::rep>(kMost, left_ + (now - last_) / kRefill);
      last_ = now;
    }
    if (left_ == 0) {
      ++omitted_;
      return std::nullopt;
    }
    --left_;
    return std::exchange(omitted_, 0U);
  }

 private:
  static constexpr Duration::rep kMost = 20;
  static constexpr Duration kRefill = std::chrono::seconds{1};

  Duration::rep left_ = kMost;
  Time last_{};
  unsigned omitted_ = 0;
};

}  // namespace testudo::ike
