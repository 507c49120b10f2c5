#pragma once
#include <cstdint>

#include "sad/settings.h"
#include "transform/settings.h"

namespace testudo::engine {

/// net.inet.ipsec.* or net.inet6.ipsec6.*: what exists once per family.
struct FamilySettings {
  std::int32_t def_policy = 1;        ///< 0 discard, 1 none
  std::int32_t esp_trans_deflev = 1;  ///< 1 use, 2 require
  std::int32_t esp_net_deflev = 1;
  std::int32_t ah_trans_deflev = 1;
  std::int32_t ah_net_deflev = 1;
  std::int32_t debug = 0;
};

/// net.ipsecif.*: the reqids of tunnel interfaces that are not told theirs.
struct TunnelSettings {
  std::int32_t use_fixed_reqid = 0;  ///< 1: reqid_base + 2 * unit for IPv4 inside, and one more for IPv6
  std::int32_t reqid_base = 0x2000, reqid_last = 0x3fff;
};

/// Every variable of `testudo sysctl`.  observe/ holds the names and ranges; here are the values that have an effect.
struct Settings {
  FamilySettings v4, v6;
  transform::HeaderSettings headers;
  sad::KeySettings key;
  TunnelSettings tunnels;
  std::int32_t ipip_spoofcheck = 1;
  std::int32_t enabled = 1;  ///< 0 never, 1 when policies exist, 2 always
  std::int32_t used = 0;     ///< read-only; 1 since the first policy
  std::int32_t ah_enable = 1, esp_enable = 1, ipcomp_enable = 1;
  std::int32_t crypto_support = 0;                   ///< stored, without effect: there is no hardware
  std::int32_t test_replay = 0, test_integrity = 0;  ///< stored; checks are never skipped
};

}  // namespace testudo::engine
