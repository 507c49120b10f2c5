#pragma once
// The SPD as a key daemon remembers it: filled by SADB_X_SPDDUMP, kept by the messages that everybody hears when a
// policy comes or goes.  Pure; one thread.
#include <map>

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
  std::map<PolicyId, Entry> entries_;
};

}  // namespace testudo::pfkey::client
