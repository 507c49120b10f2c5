#include "crypto/weak_key.h"

#include <algorithm>
#include <array>

#include "base/endian.h"

namespace testudo::crypto {

bool is_weak_des_key(Bytes key) {
  // FIPS 74: four weak keys, then six pairs of semi-weak ones; here without the parity bit of each byte.
  static constexpr std::array<std::uint64_t, 16> kWeak{
      0x0000000000000000, 0xfefefefefefefefe, 0xe0e0e0e0f0f0f0f0, 0x1e1e1e1e0e0e0e0e,
      0x00fe00fe00fe00fe, 0xfe00fe00fe00fe00, 0x1ee01ee00ef00ef0, 0xe01ee01ef00ef00e,
      0x00e000e000f000f0, 0xe000e000f000f000, 0x1efe1efe0efe0efe, 0xfe1efe1efe0efe0e,
      0x001e001e000e000e, 0x1e001e000e000e00, 0xe0fee0fef0fef0fe, 0xfee0fee0fef0fef0,
  };
  constexpr std::uint64_t kWithoutParity = 0xfefefefefefefefe;
  return key.size() == 8 && std::ranges::find(kWeak, be64(key.data()) & kWithoutParity) != kWeak.end();
}

}  // namespace testudo::crypto
