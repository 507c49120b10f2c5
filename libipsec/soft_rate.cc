#include "soft_rate.h"

#include <libpfkey.h>

#include <array>
#include <atomic>

#include "error.h"

namespace testudo::libipsec {
namespace {

using Rates = std::array<std::atomic<unsigned>, 4>;

Rates& rates() {
  static Rates percent{PFKEY_SOFT_LIFETIME_RATE, PFKEY_SOFT_LIFETIME_RATE, PFKEY_SOFT_LIFETIME_RATE,
                       PFKEY_SOFT_LIFETIME_RATE};
  return percent;
}

/// Without overflow: as exact as dividing last.
std::uint64_t part_of(std::uint64_t whole, unsigned type) {
  const std::uint64_t percent = rates()[type];
  return whole / 100 * percent + whole % 100 * percent / 100;
}

}  // namespace

wire::pfkey::LifetimeExt softened(const wire::pfkey::LifetimeExt& hard) {
  return {static_cast<std::uint32_t>(part_of(hard.allocations, SADB_X_LIFETIME_ALLOCATIONS)),
          part_of(hard.bytes, SADB_X_LIFETIME_BYTES), part_of(hard.addtime, SADB_X_LIFETIME_ADDTIME),
          part_of(hard.usetime, SADB_X_LIFETIME_USETIME)};
}

}  // namespace testudo::libipsec

u_int pfkey_set_softrate(u_int type, u_int rate) {
  auto& rates = testudo::libipsec::rates();
  const bool known = type < rates.size();
  if (known) rates[type] = rate == 0 || rate > 100 ? 100 : rate;
  testudo::libipsec::set_error(known ? testudo::pfkey::IpsecError::None : testudo::pfkey::IpsecError::InvalidArgument);
  return known ? 0 : 1;
}

u_int pfkey_get_softrate(u_int type) {
  auto& rates = testudo::libipsec::rates();
  return type < rates.size() ? rates[type].load() : ~0U;
}
