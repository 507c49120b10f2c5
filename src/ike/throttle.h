#pragma once
// How long an address has to wait after wrong passwords: each one adds the same time, up to a minute.  racoon's
// auth_throttle, of which no RFC speaks.  Bounded: of too many addresses the one that waits least is forgotten.  Pure:
// time comes in.
#include <algorithm>
#include <map>

#include "base/time.h"
#include "net/address.h"

namespace testudo::ike {

class Throttle {
 public:
  static constexpr std::size_t kMost = 4096;
  static constexpr Duration kLongest = std::chrono::minutes{1};

  void failed(const net::Address& address, Time now, Duration each) {
    if (each == Duration{}) return;
    if (!until_.contains(address) && until_.size() >= kMost) {
      until_.erase(std::ranges::min_element(until_, {}, [](const auto& entry) { return entry.second; }));
    }
    Time& until = until_[address];
    until = std::min(std::max(until, now) + each, now + kLongest);
  }

  /// When it may try again; not after `now` when at once.
  Time until(const net::Address& address, Time now) const {
    const auto found = until_.find(address);
    return found == until_.end() ? now : std::max(found->second, now);
  }

 private:
  std::map<net::Address, Time> until_;
};

}  // namespace testudo::ike
