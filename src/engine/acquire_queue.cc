#include "engine/acquire_queue.h"

#include <algorithm>

#include "sad/lifetime.h"

namespace testudo::engine {

std::optional<std::uint32_t> AcquireQueue::want(const sad::SaGroup& group, Time now) {
  const std::lock_guard only{one_at_a_time_};
  const auto lifetime = static_cast<std::uint64_t>(std::max(settings_.blockacq_lifetime, 0));
  while (!entries_.empty() && sad::age_in_seconds(entries_.front().created, now) > lifetime) forget(entries_.begin());

  if (const auto found = by_group_.find(group); found != by_group_.end()) {
    Entry& entry = *found->second;
    if (entry.count <= settings_.blockacq_count) {
      ++entry.count;
      return std::nullopt;
    }
    entry.count = 0;
    return entry.sequence;
  }
  if (entries_.size() == kMaxEntries) forget(entries_.begin());
  const auto entry = entries_.insert(entries_.end(), Entry{group, next_sequence(), now, 0});
  by_group_[group] = entry;
  by_sequence_[entry->sequence] = entry;
  return entry->sequence;
}

void AcquireQueue::answered(std::uint32_t sequence) {
  const std::lock_guard only{one_at_a_time_};
  const auto found = by_sequence_.find(sequence);
  if (found != by_sequence_.end()) forget(found->second);
}

void AcquireQueue::forget_all() {
  const std::lock_guard only{one_at_a_time_};
  by_group_.clear();
  by_sequence_.clear();
  entries_.clear();
}

void AcquireQueue::forget(Entries::iterator entry) {
  by_group_.erase(entry->group);
  by_sequence_.erase(entry->sequence);
  entries_.erase(entry);
}

/// 0 means "no acquire" in a PF_KEY message.
std::uint32_t AcquireQueue::next_sequence() {
  if (++last_sequence_ == 0) ++last_sequence_;
  return last_sequence_;
}

}  // namespace testudo::engine
