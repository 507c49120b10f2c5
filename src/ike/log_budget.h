#pragma once
// How many lines strangers may cause in a log: twenty at once, then one a second.  Pure: time comes in.
#include <optional>
#include <utility>

#include "ike/budget.h"

namespace testudo::ike {

class LogBudget {
 public:
  /// Whether one more may be written: how many were left out since the last one; nothing when it may not.
  std::optional<unsigned> take(Time now) {
    if (budget_.take(now)) return std::exchange(omitted_, 0U);
    ++omitted_;
    return std::nullopt;
  }

 private:
  Budget budget_{20, std::chrono::seconds{1}};
  unsigned omitted_ = 0;
};

}  // namespace testudo::ike
