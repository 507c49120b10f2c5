#pragma once
// How long others may keep the packet thread busy with requests: each user a little of each second, and all of them
// together not much more.  Who has used it up is heard later.  Pure; one thread.
#include <cstdint>
#include <unordered_map>

#include "base/time.h"

namespace testudo {

class TimeBudget {
 public:
  /// Whether a user's next request may be looked at now.
  bool allows(std::uint32_t uid, Time now);
  /// It took this long.  May go below nothing, which is waited for.
  void charge(std::uint32_t uid, Duration spent, Time now);

 private:
  static constexpr std::size_t kMostUsers = 4096;
  struct Share {
    Duration left{};
    Time at{};
  };
  struct Rate {
    int percent = 0;
    Duration most{};
  };
  static constexpr Rate kEach{5, std::chrono::milliseconds{500}};
  static constexpr Rate kTogether{10, std::chrono::milliseconds{1000}};
  static void refill(Share& share, const Rate& rate, Time now);
  Share& share_of(std::uint32_t uid, Time now);

  std::unordered_map<std::uint32_t, Share> users_;
  Share all_{kTogether.most, Time{}};
};

}  // namespace testudo
