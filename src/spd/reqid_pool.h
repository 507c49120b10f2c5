#pragma once
// Reqids that the database gives to `unique` requests: 16385 to 65535 in turn, as netipsec does, but never one that a
// policy still holds; beyond them only when all are taken.  One writing thread.
#include <cstdint>
#include <unordered_map>

#include "base/strong.h"

namespace testudo::spd {

/// Reqids up to this one are the users' own (IPSEC_MANUAL_REQID_MAX).
inline constexpr std::uint32_t kManualReqIdMax = 0x3fff;

class ReqIdPool {
 public:
  /// A free one; it is not held yet.
  ReqId fresh();
  void hold(ReqId reqid);
  void release(ReqId reqid);

 private:
  static constexpr std::uint32_t kFirst = kManualReqIdMax + 2, kLast = 0xffff;

  std::unordered_map<std::uint32_t, std::uint32_t> holders_;  ///< automatic reqids only
  std::uint32_t next_ = kFirst;
};

}  // namespace testudo::spd
