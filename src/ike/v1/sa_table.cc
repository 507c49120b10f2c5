#include "ike/v1/sa_table.h"

#include <utility>

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
  return *(all_[own] = std::move(sa));
}

void SaTable::end(IkeSa& sa) {
  sa.state = State::Dead;
  ended_.push_back(own_cookie(sa));
}

void SaTable::reap() {
  for (const std::uint64_t own : std::exchange(ended_, {})) {
    const auto entry = all_.find(own);
    if (entry == all_.end() || entry->second->state != State::Dead) continue;
    forget(own, *entry->second);
    all_.erase(entry);
  }
}

void SaTable::forget(std::uint64_t own_cookie, const IkeSa& sa) {
  by_peer_.erase({sa.remote.address, own_cookie});
  answered_.erase({sa.cookies.initiator, own_cookie});
  perhaps_half_open_.erase(own_cookie);
}

void SaTable::clear() {
  all_.clear();
  by_peer_.clear();
  answered_.clear();
  perhaps_half_open_.clear();
  ended_.clear();
}

IkeSa* SaTable::find(std::uint64_t own_cookie) const {
  const auto found = all_.find(own_cookie);
  return found == all_.end() ? nullptr : found->second.get();
}

IkeSa* SaTable::answer_to(std::uint64_t initiator_cookie, const net::Endpoint& remote) const {
  for (auto each = answered_.lower_bound({initiator_cookie, 0}); each != answered_.end(); ++each) {
    if (each->first != initiator_cookie) break;
    IkeSa* const sa = find(each->second);
    if (sa != nullptr && sa->remote == remote) return sa;
  }
  return nullptr;
}

std::vector<IkeSa*> SaTable::with(const net::Address& peer) const {
  std::vector<IkeSa*> all;
  for (auto each = by_peer_.lower_bound({peer, 0}); each != by_peer_.end() && each->first == peer; ++each) {
    if (IkeSa* const sa = find(each->second)) all.push_back(sa);
  }
  return all;
}

/// Each of them leaves the set once, so that a first message costs what is unfinished, not what is established.
std::vector<IkeSa*> SaTable::half_open() {
  std::vector<IkeSa*> all;
  std::erase_if(perhaps_half_open_, [&](std::uint64_t own) {
    IkeSa* const sa = find(own);
    const bool is = sa != nullptr && is_half_open(*sa);
    if (is) all.push_back(sa);
    return !is;
  });
  return all;
}

}  // namespace testudo::ike::v1
