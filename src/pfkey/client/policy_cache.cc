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

}  // namespace

void PolicyCache::hear(const Message& m) {
  if (m.error != 0) return;
  if (m.type == Type::SpdFlush) return entries_.clear();
  if (!m.policy) return;
  switch (m.type) {
    case Type::SpdAdd:
    case Type::SpdUpdate:
    case Type::SpdDump:
    case Type::SpdGet:
      if (m.source && m.destination) entries_.insert_or_assign(m.policy->id, Entry{selector_of(m), *m.policy});
      break;
    case Type::SpdDelete:
    case Type::SpdDelete2:
    case Type::SpdExpire:
      entries_.erase(m.policy->id);
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
  const auto found = std::ranges::find_if(entries_, [&](const auto& entry) {
    const Entry& e = entry.second;
    return e.policy.direction == direction && e.policy.type == wire::pfkey::PolicyType::Ipsec &&
           masked(e.selector) == masked(selector);
  });
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace testudo::pfkey::client
