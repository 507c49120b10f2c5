#pragma once
// Two numbers of different kind have different types.  Values are in host order; network order never leaves wire/.
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace testudo {

template <typename Tag, typename T>
struct Strong {
  T value{};

  constexpr Strong() = default;
  constexpr explicit Strong(T v) : value(v) {}
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

/// Security Parameters Index of AH and ESP, or (low 16 bits) the CPI of IPcomp.  RFC 4301 section 4.4.2.1.
using Spi = Strong<struct SpiTag, std::uint32_t>;
/// Links a policy's request to its SAs; 0 means none.
using ReqId = Strong<struct ReqIdTag, std::uint32_t>;
/// Number of a policy, as SADB_X_SPDGET speaks of it; never 0 for an installed one.
using PolicyId = Strong<struct PolicyIdTag, std::uint32_t>;

}  // namespace testudo

template <typename Tag, typename T>
struct std::hash<testudo::Strong<Tag, T>> {
  std::size_t operator()(const testudo::Strong<Tag, T>& s) const noexcept { return std::hash<T>{}(s.value); }
};
