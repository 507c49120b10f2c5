#pragma once
// The last step of every Mac: the digest cut to the room given, zeros beyond it.
#include <algorithm>

#include "base/bytes.h"

namespace testudo::crypto {

inline void put_mac(Bytes digest, MutableBytes out) {
  const std::size_t n = std::min(digest.size(), out.size());
  std::ranges::fill(std::ranges::copy(digest.first(n), out.begin()).out, out.end(), std::uint8_t{0});
}

}  // namespace testudo::crypto
