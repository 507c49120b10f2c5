#pragma once
// AES-GCM (NIST SP 800-38D) of several packets of one SA at once.  One short packet leaves the machine idle: its
// counter blocks, its ciphertext, its GHASH and its tag wait for each other.  So up to eight packets board a flight,
// and each step is done for all of them before the next one begins:
//
//   start    E(K, J0) of all packets, and AAD·H        | J0 a | J0 b |  | J0 c | J0 d |  …       lane = packet
//   groups   sixteen blocks at a time while there are: AES of one group beside the GHASH of
//            the one before, also from packet to packet
//                                                      | a0 | a1 |  | a2 | a3 |  …  | a14 | a15 |
//   rest     what is left of all packets, eight registers of counter blocks at a time
//                                                      | a16 | a17 |  | b0 | b1 |  | b2 | b3.. |  | c0 | c1 |
//   hash     of the rest, with the block of lengths behind the last block; one sum of products a packet
//                                                      | a16 | a17 |  | len | - |     ×     | H^3 | H^2 |  | H^1 | - |
//   tags     reduced and masked                        | tag a | tag b |  | tag c | tag d |  …   lane = packet
//
// Constant time: branches and addresses depend on lengths only.  Never allocates; wipes what it kept.  A Flight lives
// on the stack of one run.
#ifdef __x86_64__
#include <algorithm>
#include <span>

#include "crypto/native/aes.h"
#include "crypto/native/gcm_alike.h"
#include "crypto/native/gcm_parts.h"
#include "crypto/native/ghash.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

inline constexpr std::size_t kGroupBlocks = 16, kGroupBytes = 16 * kGroupBlocks;

/// Registers of counter blocks, each with the text it is for.
template <typename V>
struct Rest {
  static constexpr std::size_t kRegisters = 8;

  alignas(V::kBytes) std::uint8_t counters[kRegisters][V::kBytes];
  std::uint8_t* text[kRegisters];
  std::size_t bytes[kRegisters];
  std::size_t used = 0;
};

template <typename V>
TESTUDO_KERNEL void crypt_register(std::uint8_t* text, std::size_t bytes, typename V::Reg keystream) {
  store_up_to<V>(text, V::bit_xor(load_up_to<V>(text, bytes), keystream), bytes);
}

template <typename V>
TESTUDO_KERNEL_TARGET void crypt(const GcmSa& sa, Rest<V>& rest) {
  typename V::Reg x[Rest<V>::kRegisters];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rest<V>::kRegisters; ++i) x[i] = V::load(rest.counters[i]);
  encrypt<V>(sa, x);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rest<V>::kRegisters; ++i) {
    if (i < rest.used) crypt_register<V>(rest.text[i], rest.bytes[i], x[i]);
  }
  rest.used = 0;
}

/// Sixteen blocks of a packet, and the packet's GHASH so far.
struct Group {
  std::uint8_t* text = nullptr;
  Block* hash = nullptr;
};

/// The sums of the halves of H^16 to H^1, two registers' in one.
template <typename V>
struct GroupFactors {
  static constexpr std::size_t kPairs = kGroupBlocks / V::kBlocks / 2;

  TESTUDO_KERNEL explicit GroupFactors(const GcmKey& key) {
    for (std::size_t pair = 0; pair < kPairs; ++pair) {
      const Block* const powers = key.power(kGroupBlocks) + 2 * pair * V::kBlocks;
      V::store(half_sums[pair], native::half_sums<V>(V::load(powers), V::load(powers + V::kBlocks)));
    }
  }
  TESTUDO_KERNEL ~GroupFactors() { forget<V>(half_sums); }

  alignas(V::kBytes) std::uint8_t half_sums[kPairs][V::kBytes];
};

template <typename V>
TESTUDO_KERNEL void hash_pair(Products<V>& sum, const GcmKey& key, const GroupFactors<V>& factors, const Group& pending,
                              std::size_t pair) {
  const Block* const powers = key.power(kGroupBlocks) + 2 * pair * V::kBlocks;
  const std::uint8_t* const group = pending.text + 2 * pair * V::kBytes;
  const typename V::Reg h[2] = {V::load(powers), V::load(powers + V::kBlocks)};
  typename V::Reg x[2] = {reversed<V>(V::load(group)), reversed<V>(V::load(group + V::kBytes))};
  if (pair == 0) x[0] = V::bit_xor(x[0], V::first(load_block(pending.hash)));
  add_two_products<V>(sum, x, h, V::load(factors.half_sums[pair]));
}

template <typename V>
TESTUDO_KERNEL void reduce_into(Block* hash, const Products<V>& sum) {
  const Products<V> of_lanes{V::first(V::sum_of_lanes(sum.low)), V::first(V::sum_of_lanes(sum.mid)),
                             V::first(V::sum_of_lanes(sum.high))};
  store_block(hash, V::first_lane(reduced<V>(of_lanes)));
}

template <typename V>
TESTUDO_KERNEL void hash_group(const GcmKey& key, const GroupFactors<V>& factors, const Group& pending) {
  Products<V> sum = no_products<V>();
  for (std::size_t pair = 0; pair < GroupFactors<V>::kPairs; ++pair) hash_pair<V>(sum, key, factors, pending, pair);
  reduce_into<V>(pending.hash, sum);
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

/// Encrypts or decrypts a group and meanwhile hashes another, when there is one.
template <typename V>
TESTUDO_KERNEL void crypt_group(const GcmSa& sa, const GroupFactors<V>& factors, Counter<V>& counter,
                                std::uint8_t* text, const Group& pending) {
  constexpr std::size_t kPairs = GroupFactors<V>::kPairs, kRoundsPerPair = (kFewestRounds - 1) / kPairs;
  typename V::Reg x[2 * kPairs];
#pragma GCC unroll 8
  for (auto& v : x) v = counter.next_blocks();
  whiten<V>(sa, x);
  Products<V> sum = no_products<V>();
  std::size_t round = 1;
  for (std::size_t pair = kPairs; pair-- > 0;) {
    for (const std::size_t end = round + kRoundsPerPair; round < end; ++round) one_round<V>(sa, round, x);
    hash_pair<V>(sum, sa.key, factors, pending, pair);
  }
  for (; round < kFewestRounds; ++round) one_round<V>(sa, round, x);
  further_rounds<V>(sa, kFewestRounds, x);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 2 * kPairs; ++i) crypt_register<V>(text + i * V::kBytes, V::kBytes, x[i]);
  reduce_into<V>(pending.hash, sum);
}

template <typename V>
TESTUDO_KERNEL void crypt_group(const GcmSa& sa, Counter<V>& counter, std::uint8_t* text) {
  typename V::Reg x[kGroupBlocks / V::kBlocks];
#pragma GCC unroll 8
  for (auto& v : x) v = counter.next_blocks();
  encrypt<V>(sa, x);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kGroupBlocks / V::kBlocks; ++i) crypt_register<V>(text + i * V::kBytes, V::kBytes, x[i]);
}

template <typename V, Direction kDirection>
class Flight {
 public:
  static constexpr std::size_t kSeats = 8;

  TESTUDO_KERNEL explicit Flight(const GcmSa& sa) : sa_(sa), factors_(sa.key) {}
  TESTUDO_KERNEL ~Flight() { forget<V>(seats_); }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  TESTUDO_KERNEL void run(std::span<Job> jobs) {
    for (Job& job : jobs) {
      job.ok = sa_.shape.fits(job);
      if (!job.ok) continue;
      jobs_[taken_++] = &job;
      if (taken_ == kSeats) fly();
    }
    if (taken_ != 0) fly();
  }

 private:
  /// One block a packet.
  struct Seats {
    alignas(64) Block j0[kSeats], hash[kSeats], mask[kSeats], low[kSeats], mid[kSeats], high[kSeats];
  };

  TESTUDO_KERNEL void fly() {
    const std::span<Job* const> jobs{jobs_, taken_};
    if (are_short_and_alike<V>(jobs)) {
      crypt_alike<V, kDirection>(sa_, jobs);
    } else {
      fly_step_by_step();
    }
    taken_ = 0;
  }

  TESTUDO_KERNEL_TARGET __attribute__((noinline)) void fly_step_by_step() {
    start();
    for (std::size_t i = 0; i < taken_; ++i) crypt_text(i);
    if (pending_.text != nullptr) hash_group<V>(sa_.key, factors_, pending_);
    pending_ = {};
    crypt<V>(sa_, rest_);
    if constexpr (kDirection == Direction::Seal) {
      for (std::size_t i = 0; i < taken_; ++i) hash_rest(i);
    }
    finish();
  }

  /// Section 7.1 steps 1 to 3, for all: J0 goes to be encrypted, of nothing; AAD is hashed.
  TESTUDO_KERNEL void start() {
    for (std::size_t i = 0; i < taken_; ++i) {
      const Job& job = *jobs_[i];
      store_block(&seats_.j0[i], initial_counter(sa_.salt, job.iv));
      store_block(&seats_.hash[i], last_of_aad(job.aad));
    }
    const typename V::Reg h = V::broadcast(load_block(sa_.key.power(1)));
    for (std::size_t i = 0; i < taken_; i += V::kBlocks) {
      V::store(&seats_.mask[i], V::zero());
      add_rest(V::gather(&seats_.j0[i]), seats_.mask[i].bytes.data(), V::kBytes);
      V::store(&seats_.hash[i], multiplied<V>(reversed<V>(V::gather(&seats_.hash[i])), h));
    }
  }

  /// GHASH of all but the last block, added to the last block.
  TESTUDO_KERNEL __m128i last_of_aad(Bytes aad) const {
    __m128i hash = _mm_setzero_si128();
    for (; aad.size() > 16; aad = aad.subspan(16)) {
      const typename V::Reg x = reversed<V>(V::first(_mm_xor_si128(hash, load_first(aad.data(), 16))));
      const typename V::Reg h = V::first(load_block(sa_.key.power(1)));
      hash = V::first_lane(reversed<V>(multiplied<V>(x, h)));
    }
    return _mm_xor_si128(hash, load_first(aad.data(), aad.size()));
  }

  TESTUDO_KERNEL void add_rest(typename V::Reg counters, std::uint8_t* text, std::size_t bytes) {
    V::store(rest_.counters[rest_.used], counters);
    rest_.text[rest_.used] = text;
    rest_.bytes[rest_.used] = bytes;
    if (++rest_.used == Rest<V>::kRegisters) crypt<V>(sa_, rest_);
  }

  TESTUDO_KERNEL void crypt_text(std::size_t i) {
    MutableBytes text = jobs_[i]->text;
    Counter<V> counter{load_block(&seats_.j0[i])};
    for (; text.size() >= kGroupBytes; text = text.subspan(kGroupBytes)) {
      crypt_next_group(counter, {text.data(), &seats_.hash[i]});
    }
    if constexpr (kDirection == Direction::Open) hash_rest(i);
    while (!text.empty()) {
      const std::size_t n = std::min(V::kBytes, text.size());
      add_rest(counter.next_blocks(), text.data(), n);
      text = text.subspan(n);
    }
  }

  /// What is opened is hashed meanwhile; what is sealed can be hashed once it is sealed.
  TESTUDO_KERNEL void crypt_next_group(Counter<V>& counter, Group group) {
    if constexpr (kDirection == Direction::Open) {
      crypt_group<V>(sa_, factors_, counter, group.text, group);
    } else {
      if (pending_.text == nullptr) {
        crypt_group<V>(sa_, counter, group.text);
      } else {
        crypt_group<V>(sa_, factors_, counter, group.text, pending_);
      }
      pending_ = group;
    }
  }

  /// The ciphertext behind the last group, and the block of lengths.
  TESTUDO_KERNEL void hash_rest(std::size_t i) {
    const Job& job = *jobs_[i];
    Bytes text = Bytes{job.text}.last(job.text.size() % kGroupBytes);
    const std::size_t blocks = (text.size() + 15) / 16;
    const Block* power = sa_.key.power(blocks + 1);
    Products<V> sum = no_products<V>();
    typename V::Reg hash = V::first(load_block(&seats_.hash[i]));
    while (text.size() > V::kBytes - 16) {
      const std::size_t n = std::min(V::kBytes, text.size());
      const typename V::Reg x = reversed<V>(load_up_to<V>(text.data(), n));
      add_product<V>(sum, V::bit_xor(hash, x), V::load(power));
      hash = V::zero();
      power += V::kBlocks;
      text = text.subspan(n);
    }
    const typename V::Reg lengths = in_lane(block_of(8 * job.text.size(), 8 * job.aad.size()), blocks % V::kBlocks);
    const typename V::Reg last = reversed<V>(V::load_first(text.data(), text.size()));
    add_product<V>(sum, V::bit_xor(hash, last, lengths), V::load(power));
    store_block(&seats_.low[i], V::sum_of_lanes(sum.low));
    store_block(&seats_.mid[i], V::sum_of_lanes(sum.mid));
    store_block(&seats_.high[i], V::sum_of_lanes(sum.high));
  }

  TESTUDO_KERNEL static typename V::Reg in_lane(__m128i block, std::size_t lane) {
    alignas(64) static constexpr std::uint64_t kOnly[14] = {0, 0, 0, 0, 0, 0, ~0ULL, ~0ULL};
    return V::bit_and(V::broadcast(block), V::load(&kOnly[2 * (3 - lane)]));
  }

  TESTUDO_KERNEL void finish() {
    for (std::size_t i = 0; i < taken_; i += V::kBlocks) {
      const Products<V> sum{V::gather(&seats_.low[i]), V::gather(&seats_.mid[i]), V::gather(&seats_.high[i])};
      V::store(&seats_.hash[i], V::bit_xor(reversed<V>(reduced<V>(sum)), V::load(&seats_.mask[i])));
    }
    for (std::size_t i = 0; i < taken_; ++i) {
      put_or_compare<kDirection>(load_block(&seats_.hash[i]), *jobs_[i]);
    }
  }

  const GcmSa& sa_;
  GroupFactors<V> factors_;
  Rest<V> rest_;
  Group pending_{};
  Job* jobs_[kSeats];
  std::size_t taken_ = 0;
  Seats seats_;
};

}  // namespace testudo::crypto::native
#endif
