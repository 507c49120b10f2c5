// Lifetimes: which SAs to look at, and what becomes of them.  RFC 2367 section 2.3.3.
#include <algorithm>
#include <chrono>

#include "sad/database.h"
#include "sad/lifetime.h"

namespace testudo::sad {
namespace {

/// Longer lifetimes (a century) have no deadline: a 64-bit count of nanoseconds could not hold some of them.
constexpr std::uint64_t kForever = 100ULL * 365 * 24 * 3600;

std::optional<Time> deadline(const Sa& sa) {
  const SaParameters& p = sa.parameters();
  const std::uint64_t soft = sa.state() == State::Mature ? p.soft.addtime : 0;
  const std::uint64_t hard = p.hard.addtime;
  const std::uint64_t first = soft == 0 || hard == 0 ? std::max(soft, hard) : std::min(soft, hard);
  if (first == 0 || first > kForever) return std::nullopt;
  // "Older than" is strict in whole seconds.
  return sa.created() + std::chrono::seconds{static_cast<std::int64_t>(first) + 1};
}

}  // namespace

void Database::watch(Member& member) {
  const Sa& sa = *member.sa;
  const SaParameters& p = sa.parameters();
  if (sa.state() == State::Larval) {
    member.watch_list = &larval_;
  } else if (depends_on_use(p.soft) || depends_on_use(p.hard)) {
    member.watch_list = &counted_;
  }
  if (member.watch_list != nullptr) {
    member.watch_list->push_back(&member);
    member.watch = std::prev(member.watch_list->end());
  }
  if (sa.state() == State::Larval) return;
  if (const auto at = deadline(sa)) member.due = deadlines_.emplace(*at, &member);
}

void Database::unwatch(Member& member) {
  if (member.watch_list != nullptr) member.watch_list->erase(member.watch);
  member.watch_list = nullptr;
  if (member.due) deadlines_.erase(*member.due);
  member.due.reset();
}

/// Keeps each list newest first.  The oldest usually moves first, so that its place is at the front.
void Database::move_to(Member& member, State state) {
  Members& from = member.group->by_state[static_cast<std::size_t>(member.listed)];
  Members& to = member.group->by_state[static_cast<std::size_t>(state)];
  const auto before = std::ranges::find_if(to, [&](const Member* m) { return m->serial < member.serial; });
  to.splice(before, from, member.place);
  member.listed = state;
  member.sa->set_state(state);
}

void Database::age(Member& member, Time now, std::vector<Expiry>& out) {
  const std::shared_ptr<Sa> sa = member.sa;
  const SaParameters& p = sa->parameters();
  const auto past = [&](const Lifetime& limit) {
    return past_use(limit, sa->usage) || past_time(limit, sa->usage, sa->created(), now);
  };
  if (sa->state() == State::Mature && past(p.soft)) {
    unwatch(member);
    move_to(member, State::Dying);
    watch(member);
    out.push_back({Expiry::Kind::Soft, sa});
  }
  if (!past(p.hard)) return;
  erase(member);
  sa->set_state(State::Dead);
  out.push_back({Expiry::Kind::Hard, sa});
}

std::vector<Expiry> Database::tick(Time now) {
  std::vector<Expiry> out;
  const auto patience = std::uint64_t{static_cast<std::uint32_t>(settings_.larval_lifetime)};
  while (!larval_.empty() && age_in_seconds(larval_.front()->sa->created(), now) > patience) {
    const std::shared_ptr<Sa> sa = larval_.front()->sa;
    erase(*larval_.front());
    sa->set_state(State::Dead);
    out.push_back({Expiry::Kind::Larval, sa});
  }
  std::vector<Member*> candidates{counted_.begin(), counted_.end()};
  for (auto due = deadlines_.begin(); due != deadlines_.end() && due->first <= now; ++due) {
    if (due->second->watch_list != &counted_) candidates.push_back(due->second);
  }
  for (Member* member : candidates) age(*member, now, out);
  return out;
}

bool Database::over_limit(const Sa& sa) {
  if (!sa.usable()) return false;
  const SaParameters& p = sa.parameters();
  return past_use(p.hard, sa.usage) || (sa.state() == State::Mature && past_use(p.soft, sa.usage));
}

}  // namespace testudo::sad
