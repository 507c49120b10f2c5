#pragma once
// What the ways of doing AES-GCM share: J0, masks of bytes.
#ifdef __x86_64__
#include "crypto/native/forget.h"
#include "crypto/native/ghash.h"
#include "crypto/native/parts.h"

namespace testudo::crypto::native {

/// J0 for an IV of 96 bits: salt, IV, one.
TESTUDO_KERNEL __m128i initial_counter(const std::array<std::uint8_t, 4>& salt, Bytes iv) {
  const std::uint64_t front = word_at<std::uint32_t>(salt.data()) | word_at<std::uint32_t>(iv.data()) << 32;
  return block_of(front, word_at<std::uint32_t>(iv.data() + 4) | std::uint64_t{1} << 56);
}

/// Ones in the first n bytes, zeros in the rest.
template <typename V>
TESTUDO_KERNEL typename V::Reg first_bytes(std::size_t n) {
  alignas(64) static constexpr std::uint64_t kEnds[16] = {~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL};
  return V::load(static_cast<const std::uint8_t*>(static_cast<const void*>(&kEnds[8])) - n);
}

}  // namespace testudo::crypto::native
#endif
