#pragma once
// So much at once and then one more each `refill`: for what strangers can make us do.  Pure: time comes in.
#include <algorithm>

#include "base/time.h"

namespace testudo::ike {

class Budget {
 public:
  constexpr Budget(Duration::rep most, Duration refill) : most_(most), refill_(refill), left_(most) {}

  /// False when nothing is left.
  bool take(Time now) {
    if (now > last_ + refill_) {
      left_ = std::min<Duration::rep>(most_, left_ + (now - last_) / refill_);
      last_ = now;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  Duration::rep most_;
  Duration refill_;
  Duration::rep left_;
  Time last_{};
};

}  // namespace testudo::ike
