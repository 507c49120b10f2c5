#pragma once
// Flows as a few words, and selectors as masks of them, so that hash tables mask, compare and hash without looking at
// fields.  Pure.
//
//   FlowKey   0,1 source   2,3 destination   4 scopes   5: families (bits 63, 62), protocol (32…39), ports
//   ShortKey  0 both addresses   1: protocol (32…39), ports                          of flows within IPv4
//
// An IPv4 address stands in the high half of a FlowKey's word, so that a prefix covers leading bits in both families.
#include <array>
#include <cstddef>
#include <cstdint>

#include "net/flow.h"

namespace testudo::spd {

using FlowKey = std::array<std::uint64_t, 6>;
using ShortKey = std::array<std::uint64_t, 2>;

FlowKey key_of(const net::Flow& flow);
ShortKey short_key_of(const net::Flow& flow);

/// The bits of a key that the selector compares; of its family's kind.
FlowKey mask_of(const net::Selector& selector);
ShortKey short_mask_of(const net::Selector& selector);

template <std::size_t Words>
std::array<std::uint64_t, Words> masked(const std::array<std::uint64_t, Words>& key,
                                        const std::array<std::uint64_t, Words>& mask) {
  std::array<std::uint64_t, Words> out;
  for (std::size_t i = 0; i < Words; ++i) out[i] = key[i] & mask[i];
  return out;
}

/// Two independent chains of multiplications; the high half of each product comes back down.
inline std::uint64_t hash_of(const FlowKey& key) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U, kOther = 0xc2b2ae3d27d4eb4fU;
  const auto mix = [](std::uint64_t h, std::uint64_t word) {
    h = (h ^ word) * kOdd;
    return h ^ (h >> 32);
  };
  const std::uint64_t a = mix(mix(mix(0, key[0]), key[2]), key[5]);
  const std::uint64_t b = mix(mix(mix(kOther, key[1]), key[3]), key[4]);
  const std::uint64_t h = (a + b) * kOther;
  return h ^ (h >> 29);
}

}  // namespace testudo::spd
