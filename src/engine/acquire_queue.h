#pragma once
// Which missing SAs have been announced to the key daemon, so that a stream of packets does not become a stream of
// SADB_ACQUIREs (net.key.blockacq_count and blockacq_lifetime; netipsec's rule).  One entry for each kind of SA that is
// wanted: while it is young, needs are counted and not announced; when the count passes blockacq_count the same ACQUIRE
// is sent once more.  Holds no packets.  For any thread.
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/time.h"
#include "sad/group_hash.h"
#include "sad/sa.h"
#include "sad/settings.h"

namespace testudo::engine {

class AcquireQueue {
 public:
  static constexpr std::size_t kMaxEntries = 4096;

  explicit AcquireQueue(const sad::KeySettings& settings) : settings_(settings) {}

  /// An SA of this group is needed.  The sequence number of the ACQUIRE to send now, or nothing while it is held back.
  std::optional<std::uint32_t> want(const sad::SaGroup& group, Time now);
  /// The key daemon took this ACQUIRE up, or gave it up: the next need is announced at once.
  void answered(std::uint32_t sequence);
  /// A key daemon came, which has heard of none of them: each next need is announced at once.
  void forget_all();

  std::size_t size() const {
    const std::lock_guard only{one_at_a_time_};
    return entries_.size();
  }

 private:
  struct Entry {
    sad::SaGroup group;
    std::uint32_t sequence = 0;
    Time created{};
    std::int64_t count = 0;  ///< needs held back since the last ACQUIRE
  };
  using Entries = std::list<Entry>;

  void forget(Entries::iterator entry);
  std::uint32_t next_sequence();

  const sad::KeySettings& settings_;
  mutable std::mutex one_at_a_time_;
  std::uint32_t last_sequence_ = 0;
  Entries entries_;  ///< oldest first
  std::unordered_map<sad::SaGroup, Entries::iterator, sad::SaGroupHash> by_group_;
  std::unordered_map<std::uint32_t, Entries::iterator> by_sequence_;
};

}  // namespace testudo::engine
