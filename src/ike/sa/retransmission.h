#pragma once
// When to say a message again: after one second, then twice as long each time up to the configured interval, until
// `counter` x `interval` have passed.  So nobody waits longer than with racoon's constant interval, and one lost
// datagram costs a second instead of ten.  Pure: time comes in.
#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "ike/policy.h"

namespace testudo::ike {

class Retransmission {
 public:
  void start(ByteVector message, Time now, const Limits& limits) {
    message_ = std::move(message);
    delay_ = std::min<Duration>(std::chrono::seconds{1}, limits.interval);
    next_ = now + delay_;
    end_ = now + limits.interval * limits.counter;
  }
  /// A message that nobody must answer; it is said again only when the peer repeats its own.
  void keep(ByteVector message) {
    message_ = std::move(message);
    next_.reset();
  }
  /// The answer came; the message stays, to be repeated when the peer asks again.
  void stop() { next_.reset(); }

  bool active() const { return next_.has_value(); }
  std::optional<Time> deadline() const { return next_; }
  const ByteVector& message() const { return message_; }

  enum class Due : std::uint8_t { No, Again, Dead };
  Due check(Time now, const Limits& limits) {
    if (!next_ || now < *next_) return Due::No;
    if (now >= end_) return Due::Dead;
    delay_ = std::min<Duration>(delay_ * 2, limits.interval);
    next_ = std::min(now + delay_, end_);
    return Due::Again;
  }

 private:
  ByteVector message_;
  Duration delay_{};
  std::optional<Time> next_;
  Time end_{};
};

}  // namespace testudo::ike
