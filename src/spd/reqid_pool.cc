#include "spd/reqid_pool.h"

namespace testudo::spd {

ReqId ReqIdPool::fresh() {
  // One of n + 1 different numbers is free when n are held.
  const bool crowded = holders_.size() > kLast - kFirst;
  const std::uint32_t last = crowded ? UINT32_MAX : kLast;
  for (;;) {
    if (next_ < kFirst || next_ > last) next_ = kFirst;
    const std::uint32_t candidate = next_++;
    if (!holders_.contains(candidate)) return ReqId{candidate};
  }
}

void ReqIdPool::hold(ReqId reqid) {
  if (reqid.value > kManualReqIdMax) ++holders_[reqid.value];
}

void ReqIdPool::release(ReqId reqid) {
  const auto holder = holders_.find(reqid.value);
  if (holder != holders_.end() && --holder->second == 0) holders_.erase(holder);
}

}  // namespace testudo::spd
