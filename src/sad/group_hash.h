#pragma once
// Hashes of what SAs are grouped by, for tables keyed by it.  Pure.
#include <cstddef>
#include <cstdint>
#include <functional>

#include "sad/sa.h"

namespace testudo::sad {

inline std::size_t mix_hash(std::size_t seed, std::uint64_t value) {
  std::uint64_t h = (seed ^ value) * 0x9e3779b97f4a7c15U;
  h ^= h >> 32;
  return h;
}

struct SaGroupHash {
  std::size_t operator()(const SaGroup& g) const noexcept {
    const std::hash<net::Address> address;
    const std::uint64_t words = std::uint64_t{g.reqid.value} << 16 | static_cast<std::uint64_t>(g.protocol) << 8 |
                                static_cast<std::uint64_t>(g.mode);
    const std::uint64_t ports = std::uint64_t{g.ports.source} << 16 | g.ports.destination;
    return mix_hash(mix_hash(mix_hash(address(g.source), words), address(g.destination)), ports);
  }
};

}  // namespace testudo::sad
