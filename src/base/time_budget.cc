#include "base/time_budget.h"

#include <algorithm>

namespace testudo {

void TimeBudget::refill(Share& share, const Rate& rate, Time now) {
  share.left = std::min(rate.most, share.left + (now - share.at) * rate.percent / 100);
  share.at = now;
}

TimeBudget::Share& TimeBudget::share_of(std::uint32_t uid, Time now) {
  // Users are cheap to have many of; those that were forgotten still share what all have together.
  if (users_.size() >= kMostUsers && !users_.contains(uid)) users_.clear();
  Share& share = users_.try_emplace(uid, Share{kEach.most, now}).first->second;
  refill(share, kEach, now);
  return share;
}

bool TimeBudget::allows(std::uint32_t uid, Time now) {
  refill(all_, kTogether, now);
  return share_of(uid, now).left > Duration{} && all_.left > Duration{};
}

void TimeBudget::charge(std::uint32_t uid, Duration spent, Time now) {
  share_of(uid, now).left -= spent;
  refill(all_, kTogether, now);
  all_.left -= spent;
}

}  // namespace testudo
