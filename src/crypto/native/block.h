#pragma once
// The first n bytes of a block, read and written without a touch of the bytes behind them: two overlapping words
// instead of a copy through memory, which the next wide load would have to wait for.  Nothing depends on the bytes'
// values.
#ifdef __x86_64__
#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "crypto/native/gcm_key.h"

namespace testudo::crypto::native {

template <typename Word>
[[gnu::always_inline]] inline std::uint64_t word_at(const std::uint8_t* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

template <typename Word>
[[gnu::always_inline]] inline void put_word(std::uint8_t* to, std::uint64_t value) {
  const auto word = static_cast<Word>(value);
  std::memcpy(to, &word, sizeof word);
}

[[gnu::always_inline]] inline __m128i block_of(std::uint64_t low, std::uint64_t high) {
  return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
}

[[gnu::always_inline]] inline __m128i load_block(const Block* from) {
  return _mm_load_si128(static_cast<const __m128i*>(static_cast<const void*>(from)));
}

[[gnu::always_inline]] inline void store_block(Block* to, __m128i block) {
  _mm_store_si128(static_cast<__m128i*>(static_cast<void*>(to)), block);
}

/// n is at most 16; the rest is zero.
[[gnu::always_inline]] inline __m128i load_first(const std::uint8_t* from, std::size_t n) {
  if (n == 16) return _mm_loadu_si128(static_cast<const __m128i*>(static_cast<const void*>(from)));
  if (n > 8) return block_of(word_at<std::uint64_t>(from), word_at<std::uint64_t>(from + n - 8) >> (8 * (16 - n)));
  if (n == 8) return block_of(word_at<std::uint64_t>(from), 0);
  if (n >= 4) {
    return block_of(word_at<std::uint32_t>(from) | word_at<std::uint32_t>(from + n - 4) << (8 * (n - 4)), 0);
  }
  if (n == 0) return _mm_setzero_si128();
  const std::size_t middle = n / 2, last = n - 1;
  return block_of(
      std::uint64_t{from[0]} | std::uint64_t{from[middle]} << (8 * middle) | std::uint64_t{from[last]} << (8 * last),
      0);
}

/// n is at most 16.
[[gnu::always_inline]] inline void store_first(std::uint8_t* to, __m128i block, std::size_t n) {
  const auto low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(block));
  const auto high = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(block, block)));
  if (n == 16) {
    _mm_storeu_si128(static_cast<__m128i*>(static_cast<void*>(to)), block);
  } else if (n > 8) {
    put_word<std::uint64_t>(to, low);
    put_word<std::uint64_t>(to + n - 8, low >> (8 * (n - 8)) | high << (8 * (16 - n)));
  } else if (n == 8) {
    put_word<std::uint64_t>(to, low);
  } else if (n >= 4) {
    put_word<std::uint32_t>(to, low);
    put_word<std::uint32_t>(to + n - 4, low >> (8 * (n - 4)));
  } else if (n > 0) {
    to[0] = static_cast<std::uint8_t>(low);
    to[n / 2] = static_cast<std::uint8_t>(low >> (8 * (n / 2)));
    to[n - 1] = static_cast<std::uint8_t>(low >> (8 * (n - 1)));
  }
}

}  // namespace testudo::crypto::native
#endif
