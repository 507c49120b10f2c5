#pragma once
// AES of FIPS 197 on lanes of blocks, and its key schedule.  Constant time: no table, no branch on a key.
#ifdef __x86_64__
#include <bit>

#include "crypto/native/gcm_key.h"
#include "crypto/native/lanes.h"

namespace testudo::crypto::native {

inline constexpr std::size_t kFewestRounds = 10;

/// SubWord() of section 5.2: with four equal columns ShiftRows changes nothing, so the last round is SubBytes.
TESTUDO_KERNEL std::uint32_t substituted(std::uint32_t word) {
  const __m128i columns = _mm_set1_epi32(static_cast<int>(word));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_aesenclast_si128(columns, _mm_setzero_si128())));
}

/// KeyExpansion() of section 5.2, for 16, 24 or 32 bytes.
TESTUDO_KERNEL void expand_round_keys(Bytes key, GcmSa& out) {
  constexpr std::size_t kMaxWords = 4 * GcmKey::kRoundKeys;
  std::array<std::uint32_t, kMaxWords> w{};
  const std::size_t in_key = key.size() / 4, all = 4 * (in_key + 7);
  std::memcpy(w.data(), key.data(), key.size());
  std::uint32_t round_constant = 1;
  for (std::size_t i = in_key; i < all; ++i) {
    std::uint32_t word = w[i - 1];
    if (i % in_key == 0) {
      word = substituted(std::rotr(word, 8)) ^ round_constant;
      round_constant = round_constant == 0x80 ? 0x1b : round_constant << 1;
    } else if (in_key > 6 && i % in_key == 4) {
      word = substituted(word);
    }
    w[i] = w[i - in_key] ^ word;
  }
  std::memcpy(out.key.round_keys(), w.data(), sizeof w);
  out.rounds = in_key + 6;
  wipe({static_cast<std::uint8_t*>(static_cast<void*>(w.data())), sizeof w});
}

/// In all lanes.
template <typename V>
TESTUDO_KERNEL typename V::Reg round_key(const GcmSa& sa, std::size_t round) {
  return V::broadcast(load_block(sa.key.round_keys() + round));
}

// Of N registers of blocks, side by side.

template <typename V, std::size_t N>
TESTUDO_KERNEL void whiten(const GcmSa& sa, typename V::Reg (&x)[N]) {
  const typename V::Reg k = round_key<V>(sa, 0);
#pragma GCC unroll 16
  for (auto& v : x) v = V::bit_xor(v, k);
}

template <typename V, std::size_t N>
TESTUDO_KERNEL void one_round(const GcmSa& sa, std::size_t round, typename V::Reg (&x)[N]) {
  const typename V::Reg k = round_key<V>(sa, round);
#pragma GCC unroll 16
  for (auto& v : x) v = V::aes_round(v, k);
}

/// From this round to the last.
template <typename V, std::size_t N>
TESTUDO_KERNEL void further_rounds(const GcmSa& sa, std::size_t round, typename V::Reg (&x)[N]) {
  for (; round < sa.rounds; ++round) one_round<V>(sa, round, x);
  const typename V::Reg k = round_key<V>(sa, sa.rounds);
#pragma GCC unroll 16
  for (auto& v : x) v = V::aes_last_round(v, k);
}

template <typename V, std::size_t N>
TESTUDO_KERNEL void encrypt(const GcmSa& sa, typename V::Reg (&x)[N]) {
  whiten<V>(sa, x);
  // No key has fewer rounds, so these are unrolled.
#pragma GCC unroll 16
  for (std::size_t round = 1; round < kFewestRounds; ++round) one_round<V>(sa, round, x);
  further_rounds<V>(sa, kFewestRounds, x);
}

}  // namespace testudo::crypto::native
#endif
