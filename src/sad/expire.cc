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
  const std::uint64_t soft = sa.state() == State::Mature ? p.soft().addtime : 0;
  const std::uint64_t hard = p.hard().addtime;
  const std::uint64_t first = soft == 0 || hard == 0 ? std::max(soft, hard) : std::min(soft, hard);
  if (first == 0 || first > kForever) return std::nullopt;
  // "Older than" is strict in whole seconds.
  return sa.created() + std::chrono::seconds{static_cast<std::int64_t>(first) + 1};
}

}  // namespace

void Database::watch(Listing& listing) {
  const Sa& sa = *listing.sa;
  const SaParameters& p = sa.parameters();
  Listing::Watch watch;
  if (sa.state() == State::Larval) {
    watch.list = &larval_;
  } else if (depends_on_use(p.soft()) || depends_on_use(p.hard())) {
    watch.list = &counted_;
  }
  const auto at = sa.state() == State::Larval ? std::nullopt : deadline(sa);
  if (watch.list == nullptr && !at) return;
  if (watch.list != nullptr) watch.place = watch.list->insert(watch.list->end(), &listing);
  if (at) watch.due = deadlines_.emplace(*at, &listing);
  listing.watch = std::make_unique<Listing::Watch>(watch);
}

void Database::unwatch(Listing& listing) {
  const auto watch = std::move(listing.watch);
  if (!watch) return;
  if (watch->list != nullptr) watch->list->erase(watch->place);
  if (watch->due) deadlines_.erase(*watch->due);
}

/// Keeps each list newest first.  The oldest usually moves first, so that its place is at the front.
void Database::move_to(Listing& listing, State state) {
  Members& to = listing.group->by_state[static_cast<std::size_t>(state)];
  Listing* const before = to.find([&](const Listing& l) { return l.serial < listing.serial; });
  listing.group->by_state[static_cast<std::size_t>(listing.listed)].erase(listing);
  to.insert(before, listing);
  listing.listed = state;
  listing.sa->set_state(state);
}

void Database::age(Listing& listing, Time now, std::vector<Expiry>& out) {
  Sa& sa = *listing.sa;
  const SaParameters& p = sa.parameters();
  const auto past = [&](const Lifetime& limit) {
    return past_use(limit, sa.usage()) || past_time(limit, sa.usage(), sa.created(), now);
  };
  if (sa.state() == State::Mature && past(p.soft())) {
    unwatch(listing);
    move_to(listing, State::Dying);
    watch(listing);
    out.push_back({Expiry::Kind::Soft, &sa});
  }
  if (!past(p.hard())) return;
  out.push_back({Expiry::Kind::Hard, &sa, erase(listing)});
  sa.set_state(State::Dead);
}

std::vector<Expiry> Database::tick(Time now, const Breathe& breathe) {
  std::vector<Expiry> out;
  const auto patience = std::uint64_t{static_cast<std::uint32_t>(settings_.larval_lifetime)};
  while (!larval_.empty() && age_in_seconds(larval_.front()->sa->created(), now) > patience) {
    Sa& sa = *larval_.front()->sa;
    out.push_back({Expiry::Kind::Larval, &sa, erase(*larval_.front())});
    sa.set_state(State::Dead);
  }
  std::vector<Listing*> candidates{counted_.begin(), counted_.end()};
  for (auto due = deadlines_.begin(); due != deadlines_.end() && due->first <= now; ++due) {
    if (due->second->watch->list != &counted_) candidates.push_back(due->second);
  }
  for (Listing* listing : candidates) {
    age(*listing, now, out);
    if (breathe) breathe();
  }
  return out;
}

bool Database::over_limit(const Sa& sa) {
  if (!sa.usable()) return false;
  const SaParameters& p = sa.parameters();
  const Usage usage = sa.usage();
  return past_use(p.hard(), usage) || (sa.state() == State::Mature && past_use(p.soft(), usage));
}

}  // namespace testudo::sad
