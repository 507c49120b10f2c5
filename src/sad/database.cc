#include "sad/database.h"

#include <algorithm>
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

SaGroup without_ports(SaGroup group) {
  group.ports = {};
  return group;
}

bool same_keys(const SaParameters& a, const SaParameters& b) {
  return equal_constant_time(a.cipher_key.expose(), b.cipher_key.expose()) &&
         equal_constant_time(a.mac_key.expose(), b.mac_key.expose());
}

/// How well an SA fits the way that a packet came: the same mapping, the same kind, or only the same SPI.
int nearness(const Sa& sa, const std::optional<UdpWay>& by) {
  const auto& nat = sa.parameters().nat;
  if (nat.has_value() != by.has_value()) return 0;
  return by && sa.group().source == by->source && sa.group().ports == by->ports ? 2 : 1;
}

}  // namespace

std::size_t Database::Hash::operator()(const SpiKey& k) const noexcept {
  return mix_hash(std::hash<net::Address>{}(k.destination),
                  std::uint64_t{k.spi.value} << 8 | static_cast<unsigned>(k.protocol));
}

std::size_t Database::Hash::operator()(const Pair& k) const noexcept {
  const std::hash<net::Address> address;
  return mix_hash(mix_hash(address(k.source), static_cast<unsigned>(k.protocol)), address(k.destination));
}

Database::Group& Database::group_of(const SaGroup& key) {
  std::unique_ptr<Group>& group = by_group_[key];
  if (group) return *group;
  group = std::make_unique<Group>();
  group->key = key;
  group->serial = next_serial_++;
  groups_.push_front(group.get());
  group->place = groups_.begin();
  auto& pair = by_pair_[Pair{key.protocol, key.source, key.destination}];
  pair.push_front(group.get());
  group->place_in_pair = pair.begin();
  auto& among_ports = by_request_[without_ports(key)];
  among_ports.push_front(group.get());
  group->place_among_ports = among_ports.begin();
  return *group;
}

Sa* Database::insert(std::shared_ptr<Sa> sa) {
  Group& group = group_of(sa->group());
  Bucket& bucket = by_spi_[spi_key(*sa)];
  Member& member = *bucket.emplace_back(std::make_unique<Member>());
  member.sa = std::move(sa);
  member.group = &group;
  member.serial = next_serial_++;
  member.listed = member.sa->state();
  Members& list = group.by_state[slot(member.listed)];
  list.push_front(&member);
  member.place = list.begin();
  ++size_;
  index(spi_key(*member.sa));
  watch(member);
  return member.sa.get();
}

/// After a bucket has changed.
void Database::index(const SpiKey& key) {
  const auto found = by_spi_.find(key);
  if (found == by_spi_.end()) return index_.remove(name_of(key));
  const Bucket& bucket = found->second;
  index_.put(name_of(key), {bucket.front()->sa.get(), bucket.size() > 1});
}

/// Takes the member out of every list and destroys it, and its group when that was the last.
void Database::erase(Member& member) {
  unwatch(member);
  const std::shared_ptr<Sa> sa = member.sa;
  Group& group = *member.group;
  group.by_state[slot(member.listed)].erase(member.place);
  --size_;
  const auto bucket = by_spi_.find(spi_key(*sa));
  std::erase_if(bucket->second, [&](const auto& m) { return m.get() == &member; });
  if (bucket->second.empty()) by_spi_.erase(bucket);
  index(spi_key(*sa));
  if (!std::ranges::all_of(group.by_state, &Members::empty)) return;

  const auto pair = by_pair_.find(Pair{group.key.protocol, group.key.source, group.key.destination});
  pair->second.erase(group.place_in_pair);
  if (pair->second.empty()) by_pair_.erase(pair);
  const auto among_ports = by_request_.find(without_ports(group.key));
  among_ports->second.erase(group.place_among_ports);
  if (among_ports->second.empty()) by_request_.erase(among_ports);
  groups_.erase(group.place);
  const SaGroup key = group.key;  // the map may still look at the key it was given while it destroys the group
  by_group_.erase(key);
}

std::size_t Database::erase_members(Group& group, Which which) {
  std::vector<Member*> doomed;
  for (const State state : kDumpOrder) {
    if (which == Which::NotLarval && state == State::Larval) continue;
    doomed.insert(doomed.end(), group.by_state[slot(state)].begin(), group.by_state[slot(state)].end());
  }
  for (Member* member : doomed) erase(*member);
  return doomed.size();
}

/// The member of this very group.
Database::Member* Database::find_member(const SaGroup& group, Spi spi) const {
  const auto bucket = by_spi_.find(SpiKey{group.destination, group.protocol, spi});
  if (bucket == by_spi_.end()) return nullptr;
  const auto found = std::ranges::find_if(bucket->second,
                                          [&](const auto& m) { return m->sa->spi() == spi && m->group->key == group; });
  return found == bucket->second.end() ? nullptr : found->get();
}

/// Whose place this SA takes: the member of its very group; else, of those with its SPI, protocol and addresses, the
/// newest of its ports; else the one with its keys, for with new ports only they tell apart the peers behind one NAT
/// that chose the same SPI; else the one that waits for its keys; else the only one.  Null when that leaves a choice.
Database::Member* Database::replaced_by(const Sa& sa) const {
  if (Member* same = find_member(sa.group(), sa.spi())) return same;
  const auto bucket = by_spi_.find(spi_key(sa));
  if (bucket == by_spi_.end()) return nullptr;
  Member *of_ports = nullptr, *of_keys = nullptr, *waiting = nullptr, *any = nullptr;
  std::size_t count = 0;
  for (const auto& member : bucket->second) {
    const SaGroup& key = member->group->key;
    if (member->sa->spi() != sa.spi() || key.source != sa.group().source) continue;
    ++count;
    any = member.get();
    if (key.ports == sa.group().ports) of_ports = any;
    if (same_keys(member->sa->parameters(), sa.parameters())) of_keys = any;
    if (member->sa->state() == State::Larval) waiting = any;
  }
  for (Member* chosen : {of_ports, of_keys, waiting}) {
    if (chosen != nullptr) return chosen;
  }
  return count == 1 ? any : nullptr;
}

Result<Sa*, DatabaseError> Database::add(std::unique_ptr<Sa> sa) {
  if (find_member(sa->group(), sa->spi()) != nullptr) return Failure{DatabaseError::Exists};
  return insert(std::move(sa));
}

Result<Sa*, DatabaseError> Database::update(std::unique_ptr<Sa> sa) {
  Member* old = replaced_by(*sa);
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
    erase(*find_member(sa->group(), spi));
    removed = true;
  }
  return removed;
}

std::size_t Database::remove_all(SaProtocol protocol, const net::Address& source, const net::Address& destination,
                                 Ports ports) {
  const auto pair = by_pair_.find(Pair{protocol, source, destination});
  if (pair == by_pair_.end()) return 0;
  const std::vector<Group*> groups{pair->second.begin(), pair->second.end()};
  std::size_t count = 0;
  for (Group* group : groups) {
    if (fits(ports, group->key.ports)) count += erase_members(*group, Which::NotLarval);
  }
  return count;
}

std::size_t Database::flush(std::optional<SaProtocol> protocol) {
  const std::vector<Group*> groups{groups_.begin(), groups_.end()};
  std::size_t count = 0;
  for (Group* group : groups) {
    if (!protocol || group->key.protocol == *protocol) count += erase_members(*group, Which::All);
  }
  return count;
}

Sa* Database::find(SaProtocol protocol, const net::Address& source, const net::Address& destination, Spi spi,
                   Ports ports) {
  const auto bucket = by_spi_.find(SpiKey{destination, protocol, spi});
  if (bucket == by_spi_.end()) return nullptr;
  const auto newest = std::find_if(bucket->second.rbegin(), bucket->second.rend(), [&](const auto& m) {
    const SaGroup& key = m->group->key;
    return m->sa->spi() == spi && key.source == source && fits(ports, key.ports);
  });
  return newest == bucket->second.rend() ? nullptr : (*newest)->sa.get();
}

const Sa* Database::find(const SaGroup& group, Spi spi) const {
  const Member* member = find_member(group, spi);
  return member == nullptr ? nullptr : member->sa.get();
}

Sa* Database::inbound(SaProtocol protocol, const net::Address& destination, Spi spi,
                      const std::optional<UdpWay>& by) const {
  const SpiIndex::Found found = index_.find(Name{destination, protocol, spi});
  if (!found.several) return found.one;
  const Bucket& bucket = by_spi_.find(SpiKey{destination, protocol, spi})->second;
  Sa* best = nullptr;
  int nearest = -1;
  for (auto member = bucket.rbegin(); member != bucket.rend(); ++member) {
    Sa& sa = *(*member)->sa;
    const int near = sa.usable() ? nearness(sa, by) : -1;
    if (near > nearest) {
      nearest = near;
      best = &sa;
    }
  }
  return best != nullptr ? best : bucket.back()->sa.get();
}

void Database::inbound(std::span<const Name> names, std::span<Sa*> found) const {
  std::array<SpiIndex::Found, kMostNames> answers;
  index_.find(names, answers);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool several = answers[i].several;
    found[i] = several ? inbound(names[i].protocol, names[i].destination, names[i].spi) : answers[i].one;
  }
}

Sa* Database::inbound_compression(const net::Address& source, const net::Address& destination,
                                  std::uint16_t cpi) const {
  if (Sa* sa = compression_between({SaProtocol::Ipcomp, source, destination}, cpi)) return sa;
  return compression_between({SaProtocol::Ipcomp, net::Address::any(source.family()), destination}, cpi);
}

Sa* Database::compression_between(const Pair& pair, std::uint16_t cpi) const {
  const auto groups = by_pair_.find(pair);
  if (groups == by_pair_.end()) return nullptr;
  const auto fits = [cpi](const Member* m) {
    const auto* compression = m->sa->parameters().compression;
    return m->sa->usable() && compression != nullptr && compression->id == cpi;
  };
  for (const Group* group : groups->second) {
    for (const State state : {State::Mature, State::Dying}) {
      const Members& members = group->by_state[slot(state)];
      const auto found = std::ranges::find_if(members, fits);
      if (found != members.end()) return (*found)->sa.get();
    }
  }
  return nullptr;
}

Sa* Database::first_usable(const Members& members, bool oldest) {
  const auto usable = [](const Member* m) { return m->sa->usable(); };
  if (oldest) {
    const auto found = std::find_if(members.rbegin(), members.rend(), usable);
    return found == members.rend() ? nullptr : (*found)->sa.get();
  }
  const auto found = std::find_if(members.begin(), members.end(), usable);
  return found == members.end() ? nullptr : (*found)->sa.get();
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
  const auto pair = by_pair_.find(Pair{query.protocol, query.source, query.destination});
  if (pair == by_pair_.end()) return nullptr;
  for (const Group* group : pair->second) {
    if (query.mode != group->key.mode && group->key.mode != Mode::Any) continue;
    if (!fits(query.ports, group->key.ports)) continue;
    if (Sa* sa = preferred(*group, oldest)) return sa;
  }
  return nullptr;
}

std::pair<const Database::Group*, Sa*> Database::first_of_ports(const std::list<Group*>& groups, Ports ports,
                                                                bool oldest) {
  for (const Group* group : groups) {
    if (!fits(ports, group->key.ports)) continue;
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
    const auto groups = by_request_.find(SaGroup{query.protocol, mode, query.source, query.destination, query.reqid});
    if (groups == by_request_.end()) continue;
    const auto [group, sa] = first_of_ports(groups->second, query.ports, oldest);
    if (group == nullptr || (best != nullptr && best->serial >= group->serial)) continue;
    best = group;
    chosen = sa;
  }
  return chosen;
}

void Database::for_each(const std::function<void(const Sa&)>& visit) const {
  for (const Group* group : groups_) {
    for (const State state : kDumpOrder) {
      for (const Member* member : group->by_state[slot(state)]) visit(*member->sa);
    }
  }
}

}  // namespace testudo::sad
