#pragma once
// AES of FIPS 197 on lanes of blocks, and its key schedule.  Constant time: no table, no branch on a key.
#ifdef __x86_64__
#include <bit>

#include "crypto/native/forget.h"
#include "crypto/native/gcm_key.h"

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

/// The round keys of an SA, each in all lanes.
template <typename V>
class RoundKeys {
 public:
  TESTUDO_KERNEL explicit RoundKeys(const GcmSa& sa) : keys_(sa.key.round_keys()), last_(sa.rounds) {}

  TESTUDO_KERNEL typename V::Reg operator[](std::size_t round) const { return V::broadcast(load_block(keys_ + round)); }
  TESTUDO_KERNEL std::size_t last() const { return last_; }

 private:
  const Block* keys_;
  std::size_t last_;
};

/// The same, as they are loaded: a broadcast of 512 bits occupies one of the places where AES is done, a load does not.
template <typename V>
class KeptKeys {
 public:
  TESTUDO_KERNEL KeptKeys() = default;
  TESTUDO_KERNEL ~KeptKeys() {
    for (std::size_t i = 0; i < count_; ++i) forget<V>(keys_[i]);
  }
  KeptKeys(const KeptKeys&) = delete;
  KeptKeys& operator=(const KeptKeys&) = delete;

  TESTUDO_KERNEL void keep(const RoundKeys<V>& keys) {
    for (; count_ <= keys.last(); ++count_) V::store(keys_[count_], keys[count_]);
  }
  TESTUDO_KERNEL typename V::Reg operator[](std::size_t round) const { return V::load(keys_[round]); }
  TESTUDO_KERNEL std::size_t last() const { return count_ - 1; }

 private:
  alignas(V::kBytes) std::uint8_t keys_[GcmKey::kRoundKeys][V::kBytes];
  std::size_t count_ = 0;
};

// Of N registers of blocks, side by side, with RoundKeys or KeptKeys.

template <typename V, typename Keys, std::size_t N>
TESTUDO_KERNEL void whiten(const Keys& keys, typename V::Reg (&x)[N]) {
  const typename V::Reg k = keys[0];
#pragma GCC unroll 16
  for (auto& v : x) v = V::bit_xor(v, k);
}

template <typename V, typename Keys, std::size_t N>
TESTUDO_KERNEL void one_round(const Keys& keys, std::size_t round, typename V::Reg (&x)[N]) {
  const typename V::Reg k = keys[round];
#pragma GCC unroll 16
  for (auto& v : x) v = V::aes_round(v, k);
}

/// From this round to the last.
template <typename V, typename Keys, std::size_t N>
TESTUDO_KERNEL void further_rounds(const Keys& keys, std::size_t round, typename V::Reg (&x)[N]) {
  for (; round < keys.last(); ++round) one_round<V>(keys, round, x);
  const typename V::Reg k = keys[keys.last()];
#pragma GCC unroll 16
  for (auto& v : x) v = V::aes_last_round(v, k);
}

template <typename V, typename Keys, std::size_t N>
TESTUDO_KERNEL void encrypt(const Keys& keys, typename V::Reg (&x)[N]) {
  whiten<V>(keys, x);
  // No key has fewer rounds, so these are unrolled.
#pragma GCC unroll 16
  for (std::size_t round = 1; round < kFewestRounds; ++round) one_round<V>(keys, round, x);
  further_rounds<V>(keys, kFewestRounds, x);
}

}  // namespace testudo::crypto::native
#endif
