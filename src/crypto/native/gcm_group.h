#pragma once
// AES-GCM of sixteen blocks of a packet at a time, AES of one group beside the GHASH of the same or of another.
//
// Constant time, and nothing here allocates or branches on anything but lengths.
#ifdef __x86_64__
#include "crypto/native/aes.h"
#include "crypto/native/gcm_parts.h"
#include "crypto/native/ghash.h"

namespace testudo::crypto::native {

inline constexpr std::size_t kGroupBlocks = 16, kGroupBytes = 16 * kGroupBlocks;

/// What the registers of a group are multiplied with, and the sums of its halves, two registers' in one.
template <typename V>
struct GroupFactors {
  static constexpr std::size_t kRegisters = kGroupBlocks / V::kBlocks, kPairs = kRegisters / 2;

  alignas(V::kBytes) std::uint8_t h[kRegisters][V::kBytes];
  alignas(V::kBytes) std::uint8_t half_sums[kPairs][V::kBytes];

  TESTUDO_KERNEL void add_half_sums() {
    for (std::size_t pair = 0; pair < kPairs; ++pair) {
      V::store(half_sums[pair], native::half_sums<V>(V::load(h[2 * pair]), V::load(h[2 * pair + 1])));
    }
  }
};

/// What only groups need of a key, worked out when the first group of a run comes.  A GHASH over many groups is as many
/// sums as there are lanes, each over every kBlocks-th block, so that lanes meet only once: behind the last group of a
/// packet.
template <typename V>
class GroupKeys {
 public:
  enum class Place : std::uint8_t {
    Further,  ///< another group follows: H^16 in all lanes, then H^(16 - kBlocks), …
    Last,     ///< H^16, H^15, …, H^1
  };

  TESTUDO_KERNEL GroupKeys() = default;
  TESTUDO_KERNEL ~GroupKeys() {
    if (!known_) return;
    forget<V>(further_);
    forget<V>(last_);
  }
  GroupKeys(const GroupKeys&) = delete;
  GroupKeys& operator=(const GroupKeys&) = delete;

  TESTUDO_KERNEL void know(const GcmKey& key, const RoundKeys<V>& round_keys) {
    if (!known_) work_out(key, round_keys);
  }
  TESTUDO_KERNEL bool known() const { return known_; }
  TESTUDO_KERNEL const KeptKeys<V>& round_keys() const { return round_keys_; }
  TESTUDO_KERNEL const GroupFactors<V>* factors(Place place) const { return place == Place::Last ? &last_ : &further_; }

 private:
  TESTUDO_KERNEL_TARGET __attribute__((noinline)) void work_out(const GcmKey& key, const RoundKeys<V>& round_keys) {
    round_keys_.keep(round_keys);
    for (std::size_t j = 0; j < GroupFactors<V>::kRegisters; ++j) {
      const Block* const power = key.power(kGroupBlocks - j * V::kBlocks);
      V::store(further_.h[j], V::broadcast(load_block(power)));
      V::store(last_.h[j], V::load(power));
    }
    further_.add_half_sums();
    last_.add_half_sums();
    known_ = true;
  }

  KeptKeys<V> round_keys_;
  GroupFactors<V> further_, last_;
  bool known_ = false;
};

/// The ciphertext of a group, its packet's GHASH so far, a sum for each lane, and what both are multiplied with.
template <typename V>
struct Group {
  std::uint8_t* text = nullptr;
  std::uint8_t* hash = nullptr;
  const GroupFactors<V>* factors = nullptr;
};

template <typename V>
TESTUDO_KERNEL void hash_pair(Products<V>& sum, const Group<V>& group, std::size_t pair) {
  const std::uint8_t* const text = group.text + 2 * pair * V::kBytes;
  const typename V::Reg h[2] = {V::load(group.factors->h[2 * pair]), V::load(group.factors->h[2 * pair + 1])};
  typename V::Reg x[2] = {reversed<V>(V::load(text)), reversed<V>(V::load(text + V::kBytes))};
  if (pair == 0) x[0] = V::bit_xor(x[0], V::load(group.hash));
  add_two_products<V>(sum, x, h, V::load(group.factors->half_sums[pair]));
}

template <typename V>
TESTUDO_KERNEL void hash_group(const Group<V>& group) {
  Products<V> sum = no_products<V>();
  for (std::size_t pair = 0; pair < GroupFactors<V>::kPairs; ++pair) hash_pair<V>(sum, group, pair);
  V::store(group.hash, reduced<V>(sum));
}

/// Counters of the next blocks of a packet, kept reversed: the 32 bits that inc32 counts are then the lowest of a
/// block.
template <typename V>
class Counter {
 public:
  /// Starts at inc32(J0).
  TESTUDO_KERNEL explicit Counter(__m128i j0)
      : next_(V::add(reversed<V>(V::broadcast(j0)), V::load(kLaneNumbers))),
        step_(V::broadcast(block_of(V::kBlocks, 0))) {}

  TESTUDO_KERNEL typename V::Reg next_blocks() {
    const typename V::Reg blocks = reversed<V>(next_);
    next_ = V::add(next_, step_);
    return blocks;
  }

 private:
  alignas(64) static constexpr std::uint32_t kLaneNumbers[16] = {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0};

  typename V::Reg next_, step_;
};

template <typename V>
TESTUDO_KERNEL void crypt_registers(std::uint8_t* text,
                                    const typename V::Reg (&keystream)[GroupFactors<V>::kRegisters]) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < GroupFactors<V>::kRegisters; ++i, text += V::kBytes) {
    V::store(text, V::bit_xor(V::load(text), keystream[i]));
  }
}

/// Encrypts or decrypts a group and meanwhile hashes another, or what it decrypts.
template <typename V>
TESTUDO_KERNEL void crypt_group(const KeptKeys<V>& keys, Counter<V>& counter, std::uint8_t* text,
                                const Group<V>& hashed) {
  constexpr std::size_t kPairs = GroupFactors<V>::kPairs, kRoundsPerPair = (kFewestRounds - 1) / kPairs;
  typename V::Reg x[2 * kPairs];
#pragma GCC unroll 8
  for (auto& v : x) v = counter.next_blocks();
  whiten<V>(keys, x);
  Products<V> sum = no_products<V>();
  std::size_t round = 1;
  for (std::size_t pair = kPairs; pair-- > 0;) {
    for (const std::size_t end = round + kRoundsPerPair; round < end; ++round) one_round<V>(keys, round, x);
    hash_pair<V>(sum, hashed, pair);
  }
  for (; round < kFewestRounds; ++round) one_round<V>(keys, round, x);
  further_rounds<V>(keys, kFewestRounds, x);
  crypt_registers<V>(text, x);
  V::store(hashed.hash, reduced<V>(sum));
}

/// When there is none to hash.
template <typename V>
TESTUDO_KERNEL void crypt_group(const KeptKeys<V>& keys, Counter<V>& counter, std::uint8_t* text) {
  typename V::Reg x[GroupFactors<V>::kRegisters];
#pragma GCC unroll 8
  for (auto& v : x) v = counter.next_blocks();
  encrypt<V>(keys, x);
  crypt_registers<V>(text, x);
}

}  // namespace testudo::crypto::native
#endif
