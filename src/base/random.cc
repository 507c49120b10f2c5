#include "base/random.h"

#include <array>
#include <limits>

#include "base/endian.h"

namespace testudo {

std::uint32_t Random::between(std::uint32_t low, std::uint32_t high) {
  if (low >= high) return low;
  const std::uint64_t range = std::uint64_t{high} - low + 1;
  constexpr std::uint64_t kSpace = std::uint64_t{std::numeric_limits<std::uint32_t>::max()} + 1;
  const std::uint64_t fair = kSpace - kSpace % range;  // draws at or above this would favour the low numbers
  // Each draw is refused with probability below one half; 64 refusals in a row do not happen.
  for (int tries = 0; tries < 64; ++tries) {
    std::array<std::uint8_t, 4> raw{};
    fill(raw);
    const std::uint64_t draw = be32(raw.data());
    if (draw < fair) return static_cast<std::uint32_t>(low + draw % range);
  }
  return low;
}

}  // namespace testudo
