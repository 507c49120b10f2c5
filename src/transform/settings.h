#pragma once
#include <cstdint>

namespace testudo::transform {

/// The variables that shape headers.  net.inet.ipsec.* and net.inet6.ipsec6.ecn.
struct HeaderSettings {
  std::int32_t dfbit = 2;   ///< outer IPv4 DF: 0 clear, 1 set, anything else copies the inner one
  std::int32_t ecn_v4 = 0;  ///< -1 RFC 2401 (copy and ignore), 0 forbidden, 1 allowed (RFC 6040); by outer family
  std::int32_t ecn_v6 = 0;
  std::int32_t ah_cleartos = 1;    ///< the TOS is zero in the AH computation (RFC 4302), 0: included (RFC 1826)
  std::int32_t ah_offsetmask = 0;  ///< mask of ip_off in the AH computation
  std::int32_t default_ttl = 64;   ///< of outer headers
};

inline constexpr std::int32_t kClearDf = 0, kSetDf = 1;
constexpr bool copies_df(const HeaderSettings& s) {
  return s.dfbit != kClearDf && s.dfbit != kSetDf;
}

}  // namespace testudo::transform
