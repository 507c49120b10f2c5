#include "sad/database.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/secret.h"
#include "sad/lifetime.h"

namespace testudo::sad {
namespace {

std::size_t slot(State state) {
  return static_cast<std::size_t>(state);
}

/// The order of a dump.
constexpr std::array kDumpOrder{State::Mature, State::Dying, State::Larval, State::Dead};

bool same_keys(const SaParameters& a, const SaParameters& b) {
  return equal_constant_time(a.cipher_key.expose(), b.cipher_key.expose()) &&
         equal_constant_time(a.mac_key.expose(), b.mac_key.expose());
}

/// How well an SA fits the way that a packet came: the same mapping, the same kind, or only the same SPI.
int nearness(const Sa& sa, const std::optional<UdpWay>& by) {
  const auto& nat = sa.parameters().nat;
  if (nat.has_value() != by.has_value()) return 0;
  return by && sa.group().source.without_scope() == by->source && sa.group().ports == by->ports ? 2 : 1;
}

}  // namespace

Database::~Database() {
  while (Group* const group = groups_.front()) {
    for (Members& members : group->by_state) {
      while (Listing* const listing = members.front()) {
        members.erase(*listing);
        const std::unique_ptr<Listing> end{listing};
      }
    }
    groups_.erase(*group);
    const std::unique_ptr<Group> end{group};
  }
}

/// Makes the SA a member of its group, and the group when it is the first.
void Database::join_group(Listing& listing) {
  Group* const there = by_group_.find(listing.sa->group());
  Group& group = there != nullptr ? *there : *std::make_unique<Group>().release();  // groups_ owns it
  if (there == nullptr) group.serial = next_serial_++;
  listing.group = &group;
  listing.serial = next_serial_++ & 0xff'ffff'ffff'ffffU;
  listing.listed = listing.sa->state();
  group.by_state[slot(listing.listed)].push_front(listing);
  if (there != nullptr) return;
  groups_.push_front(group);
  by_group_.put(group);
  by_pair_.add(group);
  if (group.key().reqid.value != 0) by_request_.add(group);
}

/// And takes the group away when it was the last.
void Database::leave_group(Listing& listing) {
  Group& group = *listing.group;
  Members& members = group.by_state[slot(listing.listed)];
  members.erase(listing);
  if (!group.empty()) return;
  members.push_front(listing);  // whose key the tables ask for
  if (group.key().reqid.value != 0) by_request_.remove(group);
  by_pair_.remove(group);
  by_group_.remove(group.key());
  groups_.erase(group);
  const std::unique_ptr<Group> end{&group};
}

Listing* Database::newest(const Name& name) const {
  const Sa* const sa = index_.find(name).one;
  return sa == nullptr ? nullptr : sa->listing_;
}

void Database::list_by_name(Listing& listing) {
  const Name name = name_of(*listing.sa);
  listing.older = newest(name);
  index_.put(name, {listing.sa.get(), listing.older != nullptr});
}

void Database::unlist_by_name(Listing& listing) {
  const Name name = name_of(*listing.sa);
  Listing* first = newest(name);
  if (first == &listing) {
    first = listing.older;
  } else {
    Listing* newer = first;
    while (newer->older != &listing) newer = newer->older;
    newer->older = listing.older;
  }
  if (first == nullptr) return index_.remove(name);
  index_.put(name, {first->sa.get(), first->older != nullptr});
}

Sa* Database::insert(std::unique_ptr<Sa> sa) {
  Listing& listing = *std::make_unique<Listing>().release();  // the group owns it
  listing.sa = std::move(sa);
  listing.sa->listing_ = &listing;
  join_group(listing);
  ++size_;
  list_by_name(listing);
  watch(listing);
  return listing.sa.get();
}

/// Takes the SA out of every list, and its group away when that was the last.
std::unique_ptr<Sa> Database::erase(Listing& listing) {
  unwatch(listing);
  unlist_by_name(listing);
  leave_group(listing);
  --size_;
  const std::unique_ptr<Listing> end{&listing};
  listing.sa->listing_ = nullptr;
  return std::move(listing.sa);
}

std::size_t Database::erase_members(Group& group, Which which, const Breathe& breathe) {
  std::vector<Listing*> doomed;
  for (const State state : kDumpOrder) {
    if (which == Which::NotLarval && state == State::Larval) continue;
    for (Listing* l = group.by_state[slot(state)].front(); l != nullptr; l = Members::after(*l)) doomed.push_back(l);
  }
  for (Listing* listing : doomed) {
    erase(*listing);
    if (breathe) breathe();
  }
  return doomed.size();
}

/// The SA of this very group.
Listing* Database::find_listing(const SaGroup& group, Spi spi) const {
  Listing* listing = newest(name_of(group, spi));
  while (listing != nullptr && (listing->sa->spi() != spi || listing->sa->group() != group)) listing = listing->older;
  return listing;
}

/// Whose place this SA takes: that of its very group; else, of those with its SPI, protocol and addresses, the
/// newest of its ports; else the one with its keys, for with new ports only they tell apart the peers behind one NAT
/// that chose the same SPI; else the one that waits for its keys; else the only one.  Null when that leaves a choice.
Listing* Database::replaced_by(const Sa& sa) const {
  if (Listing* same = find_listing(sa.group(), sa.spi())) return same;
  Listing *of_ports = nullptr, *of_keys = nullptr, *waiting = nullptr, *any = nullptr;
  const auto note = [](Listing*& newest, Listing* listing, bool fits) {
    if (newest == nullptr && fits) newest = listing;
  };
  std::size_t count = 0;
  for (Listing* listing = newest(name_of(sa)); listing != nullptr; listing = listing->older) {
    const SaGroup& key = listing->sa->group();
    const bool between_them = key.source == sa.group().source && key.destination == sa.group().destination;
    if (listing->sa->spi() != sa.spi() || !between_them) continue;
    ++count;
    any = listing;
    note(of_ports, listing, key.ports == sa.group().ports);
    note(of_keys, listing, same_keys(listing->sa->parameters(), sa.parameters()));
    note(waiting, listing, listing->sa->state() == State::Larval);
  }
  for (Listing* chosen : {of_ports, of_keys, waiting}) {
    if (chosen != nullptr) return chosen;
  }
  return count == 1 ? any : nullptr;
}

Result<Sa*, DatabaseError> Database::add(std::unique_ptr<Sa> sa) {
  if (find_listing(sa->group(), sa->spi()) != nullptr) return Failure{DatabaseError::Exists};
  return insert(std::move(sa));
}

Result<Sa*, DatabaseError> Database::update(std::unique_ptr<Sa> sa) {
  Listing* old = replaced_by(*sa);
  if (old == nullptr) return Failure{DatabaseError::NotFound};
  sa->continue_from(*old->sa);
  // The new one first: so its group, if it is the same, is not taken away and made again at another place of the order.
  Sa* installed = insert(std::move(sa));
  erase(*old);
  return installed;
}

bool Database::remove(SaProtocol protocol, const net::Address& source, const net::Address& destination, Spi spi,
                      Ports ports) {
  bool removed = false;
  while (const Sa* sa = find(protocol, source, destination, spi, ports)) {
    erase(*sa->listing_);
    removed = true;
  }
  return removed;
}

std::size_t Database::remove_all(SaProtocol protocol, const net::Address& source, const net::Address& destination,
                                 Ports ports) {
  std::size_t count = 0;
  for (Group* group = by_pair_.first({protocol, source, destination}); group != nullptr;) {
    Group* const next = by_pair_.after(*group);  // this one may go with its last SA
    if (fits(ports, group->key().ports)) count += erase_members(*group, Which::NotLarval);
    group = next;
  }
  return count;
}

std::size_t Database::flush(std::optional<SaProtocol> protocol, const Breathe& breathe) {
  std::size_t count = 0;
  for (Group* group = groups_.front(); group != nullptr;) {
    Group* const next = groups_.after(*group);  // this one goes with its last SA
    if (!protocol || group->key().protocol == *protocol) count += erase_members(*group, Which::All, breathe);
    group = next;
  }
  return count;
}

Sa* Database::find(SaProtocol protocol, const net::Address& source, const net::Address& destination, Spi spi,
                   Ports ports) {
  Listing* listing = newest({destination.without_scope(), protocol, spi});
  const auto is_it = [&](const Listing& l) {
    const SaGroup& key = l.sa->group();
    return l.sa->spi() == spi && key.source == source && key.destination == destination && fits(ports, key.ports);
  };
  while (listing != nullptr && !is_it(*listing)) listing = listing->older;
  return listing == nullptr ? nullptr : listing->sa.get();
}

const Sa* Database::find(const SaGroup& group, Spi spi) const {
  const Listing* listing = find_listing(group, spi);
  return listing == nullptr ? nullptr : listing->sa.get();
}

Sa* Database::inbound(SaProtocol protocol, const net::Address& destination, Spi spi,
                      const std::optional<UdpWay>& by) const {
  const SpiIndex::Found found = index_.find(Name{destination, protocol, spi});
  return found.several ? best_of_several(*found.one, by) : found.one;
}

Sa* Database::best_of_several(Sa& newest, const std::optional<UdpWay>& by) {
  Sa* best = &newest;
  int nearest = -1;
  for (const Listing* listing = newest.listing_; listing != nullptr; listing = listing->older) {
    const int near = listing->sa->usable() ? nearness(*listing->sa, by) : -1;
    if (near <= nearest) continue;
    nearest = near;
    best = listing->sa.get();
  }
  return best;
}

void Database::foresee(std::span<const Name> names) const {
  constexpr std::size_t kLine = 64;
  std::array<SpiIndex::Found, kMostNames> found;
  index_.find(names, found);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (found[i].one == nullptr) continue;
    const auto* const sa = static_cast<const char*>(static_cast<const void*>(found[i].one));
    for (std::size_t at = 0; at < sizeof(Sa); at += kLine) __builtin_prefetch(sa + at);
  }
}

Sa* Database::inbound_compression(const net::Address& source, const net::Address& destination,
                                  std::uint16_t cpi) const {
  if (Sa* sa = compression_between({SaProtocol::Ipcomp, source, destination}, cpi)) return sa;
  return compression_between({SaProtocol::Ipcomp, net::Address::any(source.family()), destination}, cpi);
}

Sa* Database::compression_between(const Pair& pair, std::uint16_t cpi) const {
  const auto fits = [cpi](const Listing& l) {
    const auto* compression = l.sa->parameters().compression;
    return l.sa->usable() && compression != nullptr && compression->id == cpi;
  };
  for (const Group* group = by_pair_.first(pair); group != nullptr; group = by_pair_.after(*group)) {
    for (const State state : {State::Mature, State::Dying}) {
      if (const Listing* found = group->by_state[slot(state)].find(fits)) return found->sa.get();
    }
  }
  return nullptr;
}

Sa* Database::first_usable(const Members& members, bool oldest) {
  const auto usable = [](const Listing& l) { return l.sa->usable(); };
  const Listing* const found = oldest ? members.find_last(usable) : members.find(usable);
  return found == nullptr ? nullptr : found->sa.get();
}

/// netipsec's order: the newest MATURE, else the newest DYING; with prefered_oldsa the oldest DYING, else the oldest
/// MATURE.
Sa* Database::preferred(const Group& group, bool oldest) {
  const State first = oldest ? State::Dying : State::Mature;
  const State second = oldest ? State::Mature : State::Dying;
  if (Sa* sa = first_usable(group.by_state[slot(first)], oldest)) return sa;
  return first_usable(group.by_state[slot(second)], oldest);
}

Sa* Database::outbound_of_pair(const OutboundQuery& query, bool oldest) const {
  const Pair pair{query.protocol, query.source, query.destination};
  for (const Group* group = by_pair_.first(pair); group != nullptr; group = by_pair_.after(*group)) {
    if (query.mode != group->key().mode && group->key().mode != Mode::Any) continue;
    if (!fits(query.ports, group->key().ports)) continue;
    if (Sa* sa = preferred(*group, oldest)) return sa;
  }
  return nullptr;
}

std::pair<const Group*, Sa*> Database::first_of_ports(const Group* groups, Ports ports, bool oldest) {
  for (const Group* group = groups; group != nullptr; group = decltype(by_request_)::after(*group)) {
    if (!fits(ports, group->key().ports)) continue;
    if (Sa* sa = preferred(*group, oldest)) return {group, sa};
  }
  return {nullptr, nullptr};
}

Sa* Database::outbound(const OutboundQuery& query) const {
  const bool oldest = settings_.prefered_oldsa != 0;
  if (query.reqid.value == 0) return outbound_of_pair(query, oldest);
  // With a reqid few groups qualify, so that a thousand `unique` policies between two hosts cost no search.
  const Group* best = nullptr;
  Sa* chosen = nullptr;
  for (const Mode mode : {query.mode, Mode::Any}) {
    const Group* const groups =
        by_request_.first(SaGroup{query.protocol, mode, query.source, query.destination, query.reqid});
    const auto [group, sa] = first_of_ports(groups, query.ports, oldest);
    if (group == nullptr || (best != nullptr && best->serial >= group->serial)) continue;
    best = group;
    chosen = sa;
  }
  return chosen;
}

void Database::for_each(const std::function<void(const Sa&)>& visit) const {
  for (const Group* group = groups_.front(); group != nullptr; group = groups_.after(*group)) {
    for (const State state : kDumpOrder) {
      const Members& members = group->by_state[slot(state)];
      for (const Listing* l = members.front(); l != nullptr; l = Members::after(*l)) visit(*l->sa);
    }
  }
}

}  // namespace testudo::sad
