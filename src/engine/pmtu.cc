#include "engine/pmtu.h"

#include <algorithm>
#include <array>

namespace testudo::engine {

bool PathMtu::lower(const net::Address& destination, std::size_t mtu, Time now) {
  const std::lock_guard only{one_at_a_time_};
  const std::size_t floor = destination.is_v4() ? kFloorV4 : kFloorV6;
  const std::size_t wanted = std::max(mtu, floor);
  const auto known = entries_.find(destination);
  if (known != entries_.end() && known->second.expires > now) {
    Entry& entry = known->second;
    if (wanted > entry.mtu) return false;
    const bool lowered = wanted < entry.mtu;
    entry = {wanted, now + kLifetime};
    return lowered;
  }
  if (known == entries_.end() && entries_.size() >= most_entries_) {
    // Rare enough to search for: it takes as many SAs with as many destinations.
    const auto oldest = std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      return a.second.expires < b.second.expires;
    });
    if (oldest == entries_.end()) return false;
    entries_.erase(oldest);
  }
  entries_.insert_or_assign(destination, Entry{wanted, now + kLifetime});
  size_ = entries_.size();
  return true;
}

std::size_t PathMtu::towards(const net::Address& destination, std::size_t link_mtu, Time now) const {
  if (size() == 0) return link_mtu;
  const std::lock_guard only{one_at_a_time_};
  const auto known = entries_.find(destination);
  if (known == entries_.end() || known->second.expires <= now) return link_mtu;
  return std::min(known->second.mtu, link_mtu);
}

void PathMtu::tick(Time now) {
  const std::lock_guard only{one_at_a_time_};
  std::erase_if(entries_, [now](const auto& entry) { return entry.second.expires <= now; });
  size_ = entries_.size();
}

std::size_t plateau_below(std::size_t length) {
  // Table 7-1.
  constexpr std::array<std::size_t, 11> kPlateaus{65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
  const auto* const below = std::ranges::find_if(kPlateaus, [length](std::size_t p) { return p < length; });
  return below == kPlateaus.end() ? kPlateaus.back() : *below;
}

}  // namespace testudo::engine
