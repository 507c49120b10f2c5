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
#include "crypto/native/gcm_group.h"
#include "crypto/native/gcm_parts.h"
#include "crypto/native/ghash.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

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
TESTUDO_KERNEL_TARGET void crypt(const RoundKeys<V>& keys, Rest<V>& rest) {
  typename V::Reg x[Rest<V>::kRegisters];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rest<V>::kRegisters; ++i) x[i] = V::load(rest.counters[i]);
  encrypt<V>(keys, x);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rest<V>::kRegisters; ++i) {
    if (i < rest.used) crypt_register<V>(rest.text[i], rest.bytes[i], x[i]);
  }
  rest.used = 0;
}

template <typename V, Direction kDirection>
class Flight {
 public:
  static constexpr std::size_t kSeats = 8;

  TESTUDO_KERNEL explicit Flight(const GcmSa& sa) : sa_(sa), keys_(sa) {}
  TESTUDO_KERNEL ~Flight() {
    forget<V>(seats_);
    if (group_keys_.known()) forget<V>(sums_);
  }
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
    alignas(64) Block j0[kSeats], aad[kSeats], mask[kSeats], low[kSeats], mid[kSeats], high[kSeats];
  };

  TESTUDO_KERNEL void fly() {
    const std::span<Job* const> jobs{jobs_, taken_};
    if (are_short_and_alike<V>(jobs)) {
      crypt_alike<V, kDirection>(sa_, keys_, jobs);
    } else {
      fly_step_by_step();
    }
    taken_ = 0;
  }

  TESTUDO_KERNEL_TARGET __attribute__((noinline)) void fly_step_by_step() {
    start();
    for (std::size_t i = 0; i < taken_; ++i) crypt_text(i);
    if (pending_.text != nullptr) hash_group<V>(pending_);
    pending_ = {};
    crypt<V>(keys_, rest_);
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
      store_block(&seats_.aad[i], last_of_aad(job.aad));
    }
    const typename V::Reg h = V::broadcast(load_block(sa_.key.power(1)));
    for (std::size_t i = 0; i < taken_; i += V::kBlocks) {
      V::store(&seats_.mask[i], V::zero());
      add_rest(V::gather(&seats_.j0[i]), seats_.mask[i].bytes.data(), V::kBytes);
      V::store(&seats_.aad[i], multiplied<V>(reversed<V>(V::gather(&seats_.aad[i])), h));
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
    if (++rest_.used == Rest<V>::kRegisters) crypt<V>(keys_, rest_);
  }

  TESTUDO_KERNEL void crypt_text(std::size_t i) {
    MutableBytes text = jobs_[i]->text;
    if (text.size() >= kGroupBytes) {
      group_keys_.know(sa_.key, keys_);
      V::store(sums_[i], V::first(load_block(&seats_.aad[i])));
    }
    Counter<V> counter{load_block(&seats_.j0[i])};
    for (; text.size() >= kGroupBytes; text = text.subspan(kGroupBytes)) {
      const auto place = text.size() < 2 * kGroupBytes ? GroupKeys<V>::Place::Last : GroupKeys<V>::Place::Further;
      crypt_next_group(counter, {text.data(), sums_[i], group_keys_.factors(place)});
    }
    if constexpr (kDirection == Direction::Open) hash_rest(i);
    while (!text.empty()) {
      const std::size_t n = std::min(V::kBytes, text.size());
      add_rest(counter.next_blocks(), text.data(), n);
      text = text.subspan(n);
    }
  }

  /// What is opened is hashed meanwhile; what is sealed can be hashed once it is sealed.
  TESTUDO_KERNEL void crypt_next_group(Counter<V>& counter, const Group<V>& group) {
    const KeptKeys<V>& keys = group_keys_.round_keys();
    if constexpr (kDirection == Direction::Open) {
      crypt_group<V>(keys, counter, group.text, group);
    } else {
      if (pending_.text == nullptr) {
        crypt_group<V>(keys, counter, group.text);
      } else {
        crypt_group<V>(keys, counter, group.text, pending_);
      }
      pending_ = group;
    }
  }

  TESTUDO_KERNEL __m128i hash_before_rest(std::size_t i) const {
    if (jobs_[i]->text.size() < kGroupBytes) return load_block(&seats_.aad[i]);
    return V::sum_of_lanes(V::load(sums_[i]));
  }

  /// The ciphertext behind the last group, and the block of lengths.
  TESTUDO_KERNEL void hash_rest(std::size_t i) {
    const Job& job = *jobs_[i];
    Bytes text = Bytes{job.text}.last(job.text.size() % kGroupBytes);
    const std::size_t blocks = (text.size() + 15) / 16;
    const Block* power = sa_.key.power(blocks + 1);
    Products<V> sum = no_products<V>();
    typename V::Reg hash = V::first(hash_before_rest(i));
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
      V::store(&seats_.mask[i], V::bit_xor(reversed<V>(reduced<V>(sum)), V::load(&seats_.mask[i])));
    }
    for (std::size_t i = 0; i < taken_; ++i) {
      put_or_compare<kDirection>(load_block(&seats_.mask[i]), *jobs_[i]);
    }
  }

  const GcmSa& sa_;
  RoundKeys<V> keys_;
  GroupKeys<V> group_keys_;
  Rest<V> rest_;
  Group<V> pending_{};
  Job* jobs_[kSeats];
  std::size_t taken_ = 0;
  Seats seats_;
  alignas(V::kBytes) std::uint8_t sums_[kSeats][V::kBytes];  ///< of groups: a packet's GHASH, one sum a lane
};

}  // namespace testudo::crypto::native
#endif
