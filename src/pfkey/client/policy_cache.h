#pragma once
// The SPD as a key daemon remembers it: filled by SADB_X_SPDDUMP, kept by the messages that everybody hears when a
// policy comes or goes.  Pure; one thread.
#include <map>
#include <unordered_map>

#include "wire/pfkey/message.h"

namespace testudo::pfkey::client {

class PolicyCache {
 public:
  struct Entry {
    net::Selector selector;
    wire::pfkey::PolicyExt policy;
  };

  /// Any message; those that do not speak of policies change nothing.
  void hear(const wire::pfkey::Message& message);

  const Entry* find(PolicyId id) const;
  /// Of this direction and of type ipsec, with exactly this selector.
  const Entry* find(wire::pfkey::Direction direction, const net::Selector& selector) const;
  const std::map<PolicyId, Entry>& entries() const { return entries_; }

 private:
  void put(PolicyId id, Entry entry);
  void drop(PolicyId id);

  std::map<PolicyId, Entry> entries_;
  /// By direction and selector: a daemon of thousands of peers looks for one with each quick mode.
  std::unordered_multimap<std::size_t, PolicyId> by_selector_;
};

}  // namespace testudo::pfkey::client
