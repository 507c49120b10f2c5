#include "pfkey/client/policy_cache.h"

#include <algorithm>

namespace testudo::pfkey::client {
namespace {

using wire::pfkey::Message;
using wire::pfkey::Type;

net::Selector selector_of(const Message& m) {
  return {m.source->prefix(), m.destination->prefix(), m.source->protocol, m.source->endpoint.port,
          m.destination->endpoint.port};
}

/// 10.1.2.3/16 and 10.1.0.0/16 select the same packets.
net::Selector masked(net::Selector s) {
  s.source.address = s.source.masked();
  s.destination.address = s.destination.masked();
  return s;
}

/// Equal for what find() takes for equal.
std::size_t hash_of(wire::pfkey::Direction direction, const net::Selector& selector) {
  const net::Selector s = masked(selector);
  std::size_t hash = static_cast<std::size_t>(direction);
  const auto mix = [&hash](std::size_t value) { hash = (hash ^ value) * 0x9e3779b97f4a7c15 + (hash >> 29); };
  for (const net::Prefix& prefix : {s.source, s.destination}) {
    mix(std::hash<net::Address>{}(prefix.address));
    mix(prefix.length);
  }
  mix(s.protocol);
  mix(std::size_t{s.source_port} << 16 | s.destination_port);
  return hash;
}

}  // namespace

void PolicyCache::put(PolicyId id, Entry entry) {
  drop(id);
  by_selector_.emplace(hash_of(entry.policy.direction, entry.selector), id);
  entries_.emplace(id, std::move(entry));
}

void PolicyCache::drop(PolicyId id) {
  const auto known = entries_.find(id);
  if (known == entries_.end()) return;
  const auto [first, last] = by_selector_.equal_range(hash_of(known->second.policy.direction, known->second.selector));
  const auto place = std::find_if(first, last, [id](const auto& each) { return each.second == id; });
  if (place != last) by_selector_.erase(place);
  entries_.erase(known);
}

void PolicyCache::hear(const Message& m) {
  if (m.error != 0) return;
  if (m.type == Type::SpdFlush) {
    by_selector_.clear();
    return entries_.clear();
  }
  if (!m.policy) return;
  switch (m.type) {
    case Type::SpdAdd:
    case Type::SpdUpdate:
    case Type::SpdDump:
    case Type::SpdGet:
      if (m.source && m.destination) put(m.policy->id, Entry{selector_of(m), *m.policy});
      break;
    case Type::SpdDelete:
    case Type::SpdDelete2:
    case Type::SpdExpire:
      drop(m.policy->id);
      break;
    default:
      break;
  }
}

const PolicyCache::Entry* PolicyCache::find(PolicyId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

const PolicyCache::Entry* PolicyCache::find(wire::pfkey::Direction direction, const net::Selector& selector) const {
  const Entry* first = nullptr;
  const auto [begin, end] = by_selector_.equal_range(hash_of(direction, selector));
  for (auto each = begin; each != end; ++each) {
    const Entry* const e = find(each->second);
    const bool fits = e != nullptr && e->policy.direction == direction &&
                      e->policy.type == wire::pfkey::PolicyType::Ipsec && masked(e->selector) == masked(selector);
    if (fits && (first == nullptr || e->policy.id < first->policy.id)) first = e;
  }
  return first;
}

}  // namespace testudo::pfkey::client
