#include "ike/v1/sa_table.h"

#include <algorithm>
#include <utility>

#include "ike/v1/deadline.h"

namespace testudo::ike::v1 {

std::uint64_t own_cookie(const IkeSa& sa) {
  return sa.role == Role::Initiator ? sa.cookies.initiator : sa.cookies.responder;
}

bool is_half_open(const IkeSa& sa) {
  return sa.role == Role::Responder && !sa.established() && sa.state != State::Dead;
}

IkeSa& SaTable::add(std::unique_ptr<IkeSa> sa) {
  const std::uint64_t own = own_cookie(*sa);
  if (const auto old = all_.find(own); old != all_.end()) forget(own, *old->second);
  by_peer_.emplace(sa->remote.address, own);
  if (sa->role == Role::Responder) {
    answered_.emplace(sa->cookies.initiator, own);
    perhaps_half_open_.insert(own);
  }
  given_.push_back(own);
  return *(all_[own] = std::move(sa));
}

void SaTable::end(IkeSa& sa) {
  sa.state = State::Dead;
  ended_.push_back(own_cookie(sa));
}

void SaTable::settle() {
  for (const std::uint64_t own : std::exchange(ended_, {})) {
    const auto entry = all_.find(own);
    if (entry == all_.end() || entry->second->state != State::Dead) continue;
    forget(own, *entry->second);
    all_.erase(entry);
  }
  std::ranges::sort(given_);
  given_.erase(std::unique(given_.begin(), given_.end()), given_.end());
  for (const std::uint64_t own : given_) {
    if (const auto entry = all_.find(own); entry != all_.end()) note(own, *entry->second);
  }
  given_.clear();
}

void SaTable::note(std::uint64_t own_cookie, IkeSa& sa) {
  const auto due = deadline_of(sa);
  if (due != sa.due) {
    if (sa.due) by_deadline_.erase({*sa.due, own_cookie});
    if (due) by_deadline_.emplace(*due, own_cookie);
    sa.due = due;
  }
  if (keeps_mapping(sa)) {
    with_mapping_.insert(own_cookie);
  } else {
    with_mapping_.erase(own_cookie);
  }
}

void SaTable::forget(std::uint64_t own_cookie, IkeSa& sa) {
  by_peer_.erase({sa.remote.address, own_cookie});
  answered_.erase({sa.cookies.initiator, own_cookie});
  perhaps_half_open_.erase(own_cookie);
  if (sa.due) by_deadline_.erase({*sa.due, own_cookie});
  with_mapping_.erase(own_cookie);
}

void SaTable::clear() {
  all_.clear();
  by_peer_.clear();
  answered_.clear();
  perhaps_half_open_.clear();
  by_deadline_.clear();
  with_mapping_.clear();
  ended_.clear();
  given_.clear();
}

IkeSa* SaTable::give(std::uint64_t own_cookie) const {
  const auto found = all_.find(own_cookie);
  if (found == all_.end()) return nullptr;
  given_.push_back(own_cookie);
  return found->second.get();
}

IkeSa* SaTable::find(std::uint64_t own_cookie) const {
  return give(own_cookie);
}

std::vector<IkeSa*> SaTable::every() const {
  std::vector<IkeSa*> all;
  for (const auto& [own, sa] : all_) all.push_back(give(own));
  return all;
}

IkeSa* SaTable::answer_to(std::uint64_t initiator_cookie, const net::Endpoint& remote) const {
  for (auto each = answered_.lower_bound({initiator_cookie, 0}); each != answered_.end(); ++each) {
    if (each->first != initiator_cookie) break;
    const auto found = all_.find(each->second);
    if (found != all_.end() && found->second->remote == remote) return give(each->second);
  }
  return nullptr;
}

std::vector<IkeSa*> SaTable::with(const net::Address& peer) const {
  std::vector<IkeSa*> all;
  for (auto each = by_peer_.lower_bound({peer, 0}); each != by_peer_.end() && each->first == peer; ++each) {
    if (IkeSa* const sa = give(each->second)) all.push_back(sa);
  }
  return all;
}

/// Each of them leaves the set once, so that a first message costs what is unfinished, not what is established.
std::vector<const IkeSa*> SaTable::half_open() {
  std::vector<const IkeSa*> all;
  std::erase_if(perhaps_half_open_, [&](std::uint64_t own) {
    const auto found = all_.find(own);
    const bool is = found != all_.end() && is_half_open(*found->second);
    if (is) all.push_back(found->second.get());
    return !is;
  });
  return all;
}

std::optional<Time> SaTable::next_deadline() const {
  if (by_deadline_.empty()) return std::nullopt;
  return by_deadline_.begin()->first;
}

std::vector<IkeSa*> SaTable::due(Time now) const {
  std::vector<std::uint64_t> cookies;
  for (auto each = by_deadline_.begin(); each != by_deadline_.end() && each->first <= now; ++each) {
    cookies.push_back(each->second);
  }
  std::ranges::sort(cookies);
  std::vector<IkeSa*> all;
  for (const std::uint64_t own : cookies) all.push_back(give(own));
  return all;
}

}  // namespace testudo::ike::v1
