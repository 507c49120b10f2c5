#include "spd/address_index.h"

namespace testudo::spd {
namespace {

net::Selector addresses_of(const net::Selector& s) {
  return {{s.source.masked(), s.source.length}, {s.destination.masked(), s.destination.length}};
}

}  // namespace

void AddressIndex::add(const net::Selector& selector, std::uint64_t order, const Policy* policy) {
  const net::Selector addresses = addresses_of(selector);
  const SelectorIndex::Entry first = firsts_.find(addresses);
  if (first.policy == nullptr) return firsts_.add(addresses, order, policy);
  if (first.order < order) {
    others_[addresses].emplace(order, policy);
    return;
  }
  firsts_.remove(addresses, first.order);
  firsts_.add(addresses, order, policy);
  others_[addresses].emplace(first.order, first.policy);
}

void AddressIndex::remove(const net::Selector& selector, std::uint64_t order) {
  const net::Selector addresses = addresses_of(selector);
  const bool was_first = firsts_.remove(addresses, order);
  if (others_.empty()) return;
  const auto found = others_.find(addresses);
  if (found == others_.end()) return;
  Others& others = found->second;
  if (was_first) {
    const auto [next, policy] = *others.begin();
    firsts_.add(addresses, next, policy);
    others.erase(next);
  } else {
    others.erase(order);
  }
  if (others.empty()) others_.erase(found);
}

const Policy* AddressIndex::lookup(const net::Address& source, const net::Address& destination) const {
  return firsts_.lookup({source, destination});
}

}  // namespace testudo::spd
