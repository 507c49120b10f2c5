#include "ike/explanations.h"

#include <algorithm>
#include <utility>

namespace testudo::ike {
namespace {

/// Ports change from try to try.
bool is_same(const Refusal& a, const Refusal& b) {
  return a.remote.address == b.remote.address && a.role == b.role && a.phase == b.phase && a.message == b.message &&
         a.hearsay == b.hearsay && a.networks == b.networks && a.why.attribute == b.why.attribute &&
         a.why.ours == b.why.ours && a.why.theirs == b.why.theirs;
}

template <typename Which>
void drop_oldest_over(std::deque<Explanations::Entry>& entries, std::size_t most, Which which) {
  if (std::cmp_less_equal(std::ranges::count_if(entries, which), most)) return;
  entries.erase(std::ranges::find_if(entries, which));
}

}  // namespace

void Explanations::add(const Refusal& refusal, std::int64_t unix_seconds) {
  Entry entry{next_, unix_seconds, unix_seconds, 1, refusal};
  const auto known = std::ranges::find_if(entries_, [&](const Entry& e) { return is_same(e.refusal, refusal); });
  if (known == entries_.end()) {
    ++next_;
  } else {
    entry.id = known->id;
    entry.first = known->first;
    entry.times = known->times + 1;
    entries_.erase(known);
  }
  entries_.push_back(std::move(entry));
  drop_oldest_over(entries_, kMostOfPeer,
                   [address = refusal.remote.address](const Entry& e) { return e.refusal.remote.address == address; });
  drop_oldest_over(entries_, kMostOfStrangers, [](const Entry& e) { return e.refusal.by_stranger(); });
  drop_oldest_over(entries_, kMost, [](const Entry&) { return true; });
}

}  // namespace testudo::ike
