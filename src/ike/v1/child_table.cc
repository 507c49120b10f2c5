#include "ike/v1/child_table.h"

#include <algorithm>

namespace testudo::ike::v1 {

bool Child::has(ChildProtocol protocol, const net::Address& destination, Spi spi) const {
  return std::ranges::any_of(pairs, [&](const Pair& pair) {
    const bool comes_in = destination == request.local && (spi == Spi{} || pair.in == spi);
    const bool goes_out = destination == request.remote && (spi == Spi{} || pair.out == spi);
    return pair.protocol == protocol && (comes_in || goes_out);
  });
}

ChildTable::Networks ChildTable::networks_of(const net::Selector& s) {
  return {s.source.address, s.source.length, s.destination.address, s.destination.length,
          s.protocol,       s.source_port,   s.destination_port};
}

void ChildTable::add(Child child) {
  erase(child.id);
  const ChildId id = child.id;
  all_.push_back(std::move(child));
  const Child& added = all_.back();
  places_.emplace(id, Place{next_number_++, std::prev(all_.end())});
  for (const Child::Pair& pair : added.pairs) {
    by_spi_.emplace(pair.protocol, pair.in, id);
    by_spi_.emplace(pair.protocol, pair.out, id);
  }
  by_peer_.emplace(added.request.remote, id);
  by_networks_.emplace(networks_of(added.request.outbound), id);
  if (added.behind_nat) behind_nat_.insert(id);
  if (added.last_chance) last_chances_.emplace(*added.last_chance, id);
}

void ChildTable::erase(ChildId id) {
  const auto place = places_.find(id);
  if (place == places_.end()) return;
  const Child& child = *place->second.where;
  for (const Child::Pair& pair : child.pairs) {
    by_spi_.erase({pair.protocol, pair.in, id});
    by_spi_.erase({pair.protocol, pair.out, id});
  }
  by_peer_.erase({child.request.remote, id});
  by_networks_.erase({networks_of(child.request.outbound), id});
  behind_nat_.erase(id);
  if (child.last_chance) last_chances_.erase({*child.last_chance, id});
  all_.erase(place->second.where);
  places_.erase(place);
}

void ChildTable::clear() {
  all_.clear();
  places_.clear();
  by_spi_.clear();
  by_peer_.clear();
  by_networks_.clear();
  behind_nat_.clear();
  last_chances_.clear();
}

Child* ChildTable::find(ChildId id) const {
  const auto place = places_.find(id);
  return place == places_.end() ? nullptr : &*place->second.where;
}

std::vector<Child*> ChildTable::in_order(std::vector<ChildId> ids) const {
  std::ranges::sort(ids, {}, [&](ChildId id) { return places_.at(id).number; });
  std::vector<Child*> all;
  for (const ChildId id : ids) all.push_back(find(id));
  return all;
}

std::vector<Child*> ChildTable::with(ChildProtocol protocol, Spi spi) const {
  std::vector<ChildId> ids;
  for (auto each = by_spi_.lower_bound({protocol, spi, ChildId{}}); each != by_spi_.end(); ++each) {
    const auto& [its_protocol, its_spi, id] = *each;
    if (its_protocol != protocol || its_spi != spi) break;
    ids.push_back(id);
  }
  return in_order(std::move(ids));
}

std::vector<Child*> ChildTable::with(const net::Address& peer) const {
  std::vector<ChildId> ids;
  for (auto each = by_peer_.lower_bound({peer, ChildId{}}); each != by_peer_.end() && each->first == peer; ++each) {
    ids.push_back(each->second);
  }
  return in_order(std::move(ids));
}

std::vector<Child*> ChildTable::with(const net::Selector& outbound) const {
  const Networks networks = networks_of(outbound);
  std::vector<ChildId> ids;
  auto each = by_networks_.lower_bound({networks, ChildId{}});
  for (; each != by_networks_.end() && each->first == networks; ++each) ids.push_back(each->second);
  return in_order(std::move(ids));
}

void ChildTable::set_last_chance(Child& child, std::optional<Time> when) {
  if (child.last_chance) last_chances_.erase({*child.last_chance, child.id});
  child.last_chance = when;
  if (when) last_chances_.emplace(*when, child.id);
}

std::optional<Time> ChildTable::next_last_chance() const {
  if (last_chances_.empty()) return std::nullopt;
  return last_chances_.begin()->first;
}

std::vector<Child*> ChildTable::at_last_chance(Time now) const {
  std::vector<ChildId> ids;
  for (auto each = last_chances_.begin(); each != last_chances_.end() && each->first <= now; ++each) {
    ids.push_back(each->second);
  }
  return in_order(std::move(ids));
}

}  // namespace testudo::ike::v1
