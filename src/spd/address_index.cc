#include "spd/address_index.h"

namespace testudo::spd {
namespace {

net::Selector addresses_of(const net::Selector& s) {
  return {{s.source.masked(), s.source.length}, {s.destination.masked(), s.destination.length}};
}

}  // namespace

void AddressIndex::add(const net::Selector& selector, std::uint64_t order, const Policy* policy) {
  const net::Selector addresses = addresses_of(selector);
  Group& group = groups_[addresses];
  const bool had_first = !group.empty();
  const std::uint64_t before = had_first ? group.begin()->first : 0;
  group.emplace(order, policy);
  if (had_first && before < order) return;
  if (had_first) firsts_.remove(addresses, before);
  firsts_.add(addresses, order, policy);
}

void AddressIndex::remove(const net::Selector& selector, std::uint64_t order) {
  const net::Selector addresses = addresses_of(selector);
  const auto found = groups_.find(addresses);
  if (found == groups_.end()) return;
  Group& group = found->second;
  const bool was_first = group.begin()->first == order;
  group.erase(order);
  if (was_first) firsts_.remove(addresses, order);
  if (group.empty()) {
    groups_.erase(found);
  } else if (was_first) {
    firsts_.add(addresses, group.begin()->first, group.begin()->second);
  }
}

const Policy* AddressIndex::lookup(const net::Address& source, const net::Address& destination) const {
  return firsts_.lookup({source, destination});
}

}  // namespace testudo::spd
