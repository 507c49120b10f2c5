#include "sad/lifetime.h"

#include <chrono>

namespace testudo::sad {
namespace {

/// 0 is no limit.
bool past(std::uint64_t value, std::uint64_t limit) {
  return limit != 0 && value > limit;
}

}  // namespace

std::uint64_t age_in_seconds(Time since, Time now) {
  if (now <= since) return 0;
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now - since).count());
}

bool past_use(const Lifetime& limit, const Usage& usage) {
  return past(usage.bytes, limit.bytes) || past(usage.packets, limit.allocations);
}

bool past_time(const Lifetime& limit, const Usage& usage, Time created, Time now) {
  if (past(age_in_seconds(created, now), limit.addtime)) return true;
  return usage.first && past(age_in_seconds(*usage.first, now), limit.usetime);
}

bool depends_on_use(const Lifetime& limit) {
  return limit.bytes != 0 || limit.allocations != 0 || limit.usetime != 0;
}

}  // namespace testudo::sad
