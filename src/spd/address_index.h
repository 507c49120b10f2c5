#pragma once
// The first policy of a list whose addresses match, whatever protocol and ports it names: what decides about a packet
// that shows neither (RFC 4301 section 7).  Policies for the same addresses form a group, and only the first of a group
// is looked up, so that thousands of ports between two hosts cost as much as one.  One writing thread.
#include <cstdint>
#include <map>
#include <unordered_map>

#include "spd/selector_hash.h"
#include "spd/selector_index.h"

namespace testudo::spd {

class AddressIndex {
 public:
  /// `order` is unlike that of every other entry.
  void add(const net::Selector& selector, std::uint64_t order, const Policy* policy);
  /// Of an entry that was added with this selector and order.
  void remove(const net::Selector& selector, std::uint64_t order);
  const Policy* lookup(const net::Address& source, const net::Address& destination) const;

 private:
  using Others = std::map<std::uint64_t, const Policy*>;

  SelectorIndex firsts_;
  std::unordered_map<net::Selector, Others, SelectorHash> others_;  ///< only of groups of several: most are of one
};

}  // namespace testudo::spd
