#pragma once
// The last negotiations that failed, for who asks afterwards: `racoonctl explain`.  Bounded: so many in all, so many of
// one peer; and what strangers can cause takes at most half, so that no flood drives out what is known about real
// peers. The same failure again is counted, not kept twice.  Values only; one thread.
#include <cstdint>
#include <deque>

#include "ike/refusal.h"

namespace testudo::ike {

class Explanations {
 public:
  static constexpr std::size_t kMost = 256, kMostOfStrangers = kMost / 2, kMostOfPeer = 16;

  struct Entry {
    std::uint64_t id = 0;              ///< counts up, from 1
    std::int64_t first = 0, last = 0;  ///< seconds since 1970
    unsigned times = 1;
    Refusal refusal;
  };

  void add(const Refusal& refusal, std::int64_t unix_seconds);

  /// The oldest first.
  const std::deque<Entry>& entries() const { return entries_; }

 private:
  std::deque<Entry> entries_;
  std::uint64_t next_ = 1;
};

}  // namespace testudo::ike
