#pragma once
// Whether looking again and again instead of sleeping pays: on a busy path the next packet comes before a wake-up
// would, and where two programs take turns it never does, and looking only takes the processor from the other.  Learns
// from whether something came meanwhile.  Pure; one thread.
#include "base/time.h"

namespace testudo::io {

class SpinBudget {
 public:
  explicit SpinBudget(Duration most) : most_(most) {}

  /// How long to look this time; zero: sleep at once.
  Duration next() {
    if (credit_ > 0 || ++slept_ % kTryEvery == 0) return most_;
    return {};
  }
  /// What became of it, when it was not zero.
  void ended(bool something_came) {
    if (something_came) {
      credit_ = credit_ + 2 < kMostCredit ? credit_ + 2 : kMostCredit;
    } else if (credit_ > 0) {
      --credit_;
    }
  }

 private:
  static constexpr unsigned kMostCredit = 8, kTryEvery = 32;
  Duration most_;
  unsigned credit_ = kMostCredit, slept_ = 0;
};

}  // namespace testudo::io
