#pragma once
// What is known of the path MTU towards the outer destinations of our SAs.  RFC 1191, RFC 8201; which messages may be
// believed is RFC 4301 section 8.2.1: the caller lowers only for an ICMP error that quotes an SA of ours.  Only ever
// below the link's own MTU, never below what every path carries, forgotten after ten minutes, so that a path may get
// better. Bounded; for any thread.
#include <atomic>
#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "base/time.h"
#include "net/address.h"

namespace testudo::engine {

class PathMtu {
 public:
  static constexpr std::size_t kFloorV4 = 576, kFloorV6 = 1280;
  static constexpr Duration kLifetime = std::chrono::minutes{10};

  explicit PathMtu(std::size_t most_entries = 4096) : most_entries_(most_entries) {}

  /// An ICMP error says that the path takes at most `mtu`.  True when that is less than what was known.
  bool lower(const net::Address& destination, std::size_t mtu, Time now);
  /// What a packet to this destination may measure, at most `link_mtu`.
  std::size_t towards(const net::Address& destination, std::size_t link_mtu, Time now) const;
  /// About once a second: forgets what is too old.
  void tick(Time now);
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    std::size_t mtu = 0;
    Time expires{};
  };
  std::size_t most_entries_;
  mutable std::mutex one_at_a_time_;
  std::atomic<std::size_t> size_{0};  ///< of entries_: most hosts never learn anything, and lock nothing
  std::unordered_map<net::Address, Entry> entries_;
};

/// RFC 1191 section 7.1: the MTU to try when a router says 0: the next of the common ones below the length of the
/// packet that did not fit.
std::size_t plateau_below(std::size_t length);

}  // namespace testudo::engine
