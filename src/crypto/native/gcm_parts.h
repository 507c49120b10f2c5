#pragma once
// What the ways of doing AES-GCM share: J0, the ends of texts, tags.
#ifdef __x86_64__
#include "crypto/native/forget.h"
#include "crypto/native/ghash.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

enum class Direction { Seal, Open };

/// J0 for an IV of 96 bits: salt, IV, one.
TESTUDO_KERNEL __m128i initial_counter(const std::array<std::uint8_t, 4>& salt, Bytes iv) {
  const std::uint64_t front = word_at<std::uint32_t>(salt.data()) | word_at<std::uint32_t>(iv.data()) << 32;
  return block_of(front, word_at<std::uint32_t>(iv.data() + 4) | std::uint64_t{1} << 56);
}

/// Ones in the first n bytes, at most 16, zeros in the rest.
TESTUDO_KERNEL __m128i first_of_block(std::size_t n) {
  alignas(16) static constexpr std::uint64_t kEnds[4] = {~0ULL, ~0ULL, 0, 0};
  return load_first(static_cast<const std::uint8_t*>(static_cast<const void*>(kEnds)) + 16 - n, 16);
}

/// In constant time; of a shorter tag only those bytes count.
TESTUDO_KERNEL bool same_tag(__m128i tag, Bytes received) {
  const __m128i difference = _mm_xor_si128(tag, load_first(received.data(), received.size()));
  return _mm_testz_si128(difference, first_of_block(received.size())) == 1;
}

template <Direction kDirection>
TESTUDO_KERNEL void put_or_compare(__m128i tag, Job& job) {
  if constexpr (kDirection == Direction::Seal) {
    store_first(job.icv.data(), tag, job.icv.size());
  } else {
    job.ok = same_tag(tag, job.icv);
  }
}

/// n is at most V::kBytes; the rest is zero.
template <typename V>
TESTUDO_KERNEL typename V::Reg load_up_to(const std::uint8_t* from, std::size_t n) {
  return n == V::kBytes ? V::load(from) : V::load_first(from, n);
}

template <typename V>
TESTUDO_KERNEL void store_up_to(std::uint8_t* to, typename V::Reg v, std::size_t n) {
  if (n == V::kBytes) return V::store(to, v);
  V::store_first(to, v, n);
}

/// Ones in the first n bytes, zeros in the rest.
template <typename V>
TESTUDO_KERNEL typename V::Reg first_bytes(std::size_t n) {
  alignas(64) static constexpr std::uint64_t kEnds[16] = {~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL};
  return V::load(static_cast<const std::uint8_t*>(static_cast<const void*>(&kEnds[8])) - n);
}

}  // namespace testudo::crypto::native
#endif
