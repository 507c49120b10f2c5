#include "spd/database.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <utility>

#include "spd/reqid_pool.h"
#include "spd/selector_hash.h"
#include "spd/views.h"

namespace testudo::spd {
namespace {

/// netipsec's test is strict and in whole seconds.
bool older_than(Time since, Time now, std::uint64_t limit) {
  if (limit == 0 || now <= since) return false;
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now - since).count()) > limit;
}

}  // namespace

struct Database::Impl {
  struct Entry;
  using InOrder = std::map<std::uint64_t, std::unique_ptr<Entry>>;
  struct Entry {
    Policy policy;
    std::uint64_t order = 0;
    InOrder::iterator place;
  };
  using BySelector = std::unordered_map<net::Selector, Entry*, SelectorHash>;
  struct List {
    InOrder in_order;
    BySelector by_users, by_system;
    Journal journal;
  };

  List& list(Direction direction) { return lists[static_cast<std::size_t>(direction)]; }

  static Entry* find(const BySelector& where, const net::Selector& selector) {
    const auto found = where.find(selector);
    return found == where.end() ? nullptr : found->second;
  }
  static BySelector& owners(List& list, const Policy& policy) {
    return policy.made_by_system ? list.by_system : list.by_users;
  }

  PolicyId fresh_id();
  void settle_reqids(Policy& policy, const Policy* replaced = nullptr);
  static View::Rule rule_of(const Entry& entry, const Policy& policy) {
    return {policy.direction, policy.selector, entry.order, &policy};
  }
  const Policy* append(Policy policy);
  Entry& unread(Entry& entry);
  const Policy* replace(Entry& old, Policy policy);
  Policy take(Entry& entry);
  void release_reqids(const Policy& policy);
  void watch(Entry& entry);

  std::array<List, 2> lists;
  Views views;
  std::unordered_map<PolicyId, Entry*> by_id;
  std::map<std::uint64_t, Entry*> timed;  ///< with a lifetime or validtime, by order
  ReqIdPool reqids;
  std::uint64_t next_order = 1;
  std::uint64_t generation = 0;
  std::uint32_t last_id = 0;
};

PolicyId Database::Impl::fresh_id() {
  do {
    ++last_id;
  } while (last_id == 0 || by_id.contains(PolicyId{last_id}));
  return PolicyId{last_id};
}

/// A reqid belongs to level unique only; the users' range is theirs, and what lies above is given by us.  What the
/// policy that is replaced was given may stay.
void Database::Impl::settle_reqids(Policy& policy, const Policy* replaced) {
  const auto is_kept = [replaced](ReqId reqid) {
    return replaced != nullptr && std::ranges::any_of(replaced->requests, [reqid](const Request& r) {
             return r.level == Level::Unique && r.reqid == reqid;
           });
  };
  for (Request& request : policy.requests) {
    if (request.level != Level::Unique) {
      request.reqid = ReqId{};
      continue;
    }
    const bool foreign = request.reqid.value > kManualReqIdMax && !policy.made_by_system && !is_kept(request.reqid);
    if (request.reqid.value == 0 || foreign) request.reqid = reqids.fresh();
    reqids.hold(request.reqid);
  }
}

void Database::Impl::release_reqids(const Policy& policy) {
  for (const Request& request : policy.requests) {
    if (request.level == Level::Unique) reqids.release(request.reqid);
  }
}

void Database::Impl::watch(Entry& entry) {
  if (entry.policy.lifetime != 0 || entry.policy.validtime != 0) timed[entry.order] = &entry;
}

const Policy* Database::Impl::append(Policy policy) {
  List& l = list(policy.direction);
  auto entry = std::make_unique<Entry>();
  Entry& e = *entry;
  e.order = next_order++;
  e.policy = std::move(policy);
  e.policy.id = fresh_id();
  e.policy.last_used = std::max(e.policy.last_used.get(), e.policy.created);
  settle_reqids(e.policy);
  e.place = l.in_order.emplace_hint(l.in_order.end(), e.order, std::move(entry));
  views.add(rule_of(e, e.policy));
  l.journal.record({Journal::Change::Kind::Appended, e.policy.id, &e.policy, e.policy.selector});
  owners(l, e.policy)[e.policy.selector] = &e;
  by_id[e.policy.id] = &e;
  watch(e);
  ++generation;
  return &e.policy;
}

/// An entry that may be written, in the place of one that readers may be looking at.
Database::Impl::Entry& Database::Impl::unread(Entry& entry) {
  if (!views.has_readers()) return entry;
  auto copy = std::make_unique<Entry>(entry);
  Entry& fresh = *copy;
  views.remove(rule_of(entry, entry.policy));
  views.add(rule_of(fresh, fresh.policy));
  owners(list(fresh.policy.direction), fresh.policy)[fresh.policy.selector] = &fresh;
  by_id[fresh.policy.id] = &fresh;
  views.retire(std::exchange(fresh.place->second, std::move(copy)));
  return fresh;
}

/// The selector, and so the place in every index, stays.
const Policy* Database::Impl::replace(Entry& old, Policy policy) {
  Entry& entry = unread(old);
  policy.id = entry.policy.id;
  policy.last_used = std::max(policy.last_used.get(), policy.created);
  settle_reqids(policy, &entry.policy);
  release_reqids(entry.policy);
  entry.policy = std::move(policy);
  timed.erase(entry.order);
  watch(entry);
  const Policy& p = entry.policy;
  list(p.direction).journal.record({Journal::Change::Kind::Replaced, p.id, &p, p.selector});
  ++generation;
  return &entry.policy;
}

Policy Database::Impl::take(Entry& entry) {
  const bool is_read = views.has_readers();
  Policy policy = is_read ? entry.policy : std::move(entry.policy);
  List& l = list(policy.direction);
  views.remove(rule_of(entry, policy));
  l.journal.record({Journal::Change::Kind::Removed, policy.id, &entry.policy, policy.selector});
  owners(l, policy).erase(policy.selector);
  by_id.erase(policy.id);
  release_reqids(policy);
  if (policy.lifetime != 0 || policy.validtime != 0) timed.erase(entry.order);
  auto node = l.in_order.extract(entry.place);
  if (is_read) views.retire(std::move(node.mapped()));
  ++generation;
  return policy;
}

Database::Database() : impl_(std::make_unique<Impl>()) {}
Database::~Database() = default;

Result<const Policy*, DatabaseError> Database::add(Policy policy) {
  if (find(policy.direction, policy.selector) != nullptr) return Failure{DatabaseError::Exists};
  return impl_->append(std::move(policy));
}

Result<const Policy*, DatabaseError> Database::update(Policy policy) {
  Impl::Entry* old = Impl::find(impl_->list(policy.direction).by_users, policy.selector);
  if (old == nullptr || policy.made_by_system) return impl_->append(std::move(policy));
  return impl_->replace(*old, std::move(policy));
}

Result<Policy, DatabaseError> Database::remove(Direction direction, const net::Selector& selector) {
  Impl::Entry* entry = Impl::find(impl_->list(direction).by_users, selector);
  if (entry == nullptr) return Failure{DatabaseError::NotFound};
  return impl_->take(*entry);
}

Result<Policy, DatabaseError> Database::remove(PolicyId id) {
  const auto found = impl_->by_id.find(id);
  if (found == impl_->by_id.end() || found->second->policy.made_by_system) return Failure{DatabaseError::NotFound};
  return impl_->take(*found->second);
}

bool Database::remove_of_system(PolicyId id) {
  const auto found = impl_->by_id.find(id);
  if (found == impl_->by_id.end() || !found->second->policy.made_by_system) return false;
  impl_->take(*found->second);
  return true;
}

std::size_t Database::flush(const std::function<void()>& breathe) {
  std::vector<Impl::Entry*> doomed;
  for (Impl::List& list : impl_->lists) {
    for (const auto& [selector, entry] : list.by_users) doomed.push_back(entry);
  }
  for (Impl::Entry* entry : doomed) {
    impl_->take(*entry);
    if (breathe) breathe();
  }
  return doomed.size();
}

void Database::settle_reqids(Policy& policy) {
  impl_->settle_reqids(policy);
}

void Database::release_reqids(const Policy& policy) {
  impl_->release_reqids(policy);
}

const Policy* Database::find(PolicyId id) const {
  const auto found = impl_->by_id.find(id);
  return found == impl_->by_id.end() ? nullptr : &found->second->policy;
}

const Policy* Database::find(Direction direction, const net::Selector& selector) const {
  const Impl::List& list = impl_->list(direction);
  const Impl::Entry* entry = Impl::find(list.by_users, selector);
  if (entry == nullptr) entry = Impl::find(list.by_system, selector);
  return entry == nullptr ? nullptr : &entry->policy;
}

const Policy* Database::lookup(Direction direction, const net::Flow& flow) const {
  return impl_->views.latest().lookup(direction, flow);
}

const Policy* Database::first_for_addresses(Direction direction, const net::Address& source,
                                            const net::Address& destination) const {
  return impl_->views.latest().first_for_addresses(direction, source, destination);
}

const View& Database::latest() const {
  return impl_->views.latest();
}

void Database::for_each(Direction direction, const std::function<void(const Policy&)>& visit) const {
  for (const auto& [order, entry] : impl_->list(direction).in_order) visit(entry->policy);
}

std::size_t Database::size(Direction direction) const {
  return impl_->list(direction).in_order.size();
}

std::uint64_t Database::generation() const {
  return impl_->generation;
}

const Journal& Database::journal(Direction direction) const {
  return impl_->list(direction).journal;
}

void Database::publish() {
  impl_->views.publish();
}

const Views& Database::seat(Seat& reader) {
  std::vector<View::Rule> all;
  for (const Impl::List& list : impl_->lists) {
    for (const auto& [order, entry] : list.in_order) all.push_back(Impl::rule_of(*entry, entry->policy));
  }
  impl_->views.seat(reader, all);
  return impl_->views;
}

void Database::unseat(const Seat& reader) {
  impl_->views.unseat(reader);
}

std::vector<Policy> Database::tick(Time now) {
  std::vector<Impl::Entry*> ended;
  for (const auto& [order, entry] : impl_->timed) {
    const Policy& p = entry->policy;
    if (older_than(p.created, now, p.lifetime) || older_than(p.last_used, now, p.validtime)) ended.push_back(entry);
  }
  std::vector<Policy> out;
  out.reserve(ended.size());
  for (Impl::Entry* entry : ended) out.push_back(impl_->take(*entry));
  return out;
}

}  // namespace testudo::spd
