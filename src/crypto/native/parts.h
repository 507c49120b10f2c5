#pragma once
// What the ways of doing AEADs share: ends of texts, tags.
#ifdef __x86_64__
#include "crypto/native/block.h"
#include "crypto/native/lanes.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

enum class Direction { Seal, Open };

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

template <typename V>
TESTUDO_KERNEL void crypt_register(std::uint8_t* text, std::size_t bytes, typename V::Reg keystream) {
  store_up_to<V>(text, V::bit_xor(load_up_to<V>(text, bytes), keystream), bytes);
}

}  // namespace testudo::crypto::native
#endif
