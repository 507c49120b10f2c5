#include "host/next_hops.h"

namespace testudo::host {

const Hop* NextHops::find(const net::Address& destination, Time now) {
  auto found = entries_.find(destination);
  if (found == entries_.end()) {
    if (entries_.size() >= kMost) entries_.clear();
    found = entries_.emplace(destination, Entry{std::nullopt, now}).first;
  }
  Entry& entry = found->second;
  if (entry.until <= now) {
    entry.hop = ask_(destination);
    entry.until = now + (entry.hop ? kKnown : kUnknown);
  }
  return entry.hop ? &*entry.hop : nullptr;
}

}  // namespace testudo::host
