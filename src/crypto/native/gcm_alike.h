#pragma once
// AES-GCM of short packets that are all of one length, which is how they come: acknowledgements, voice.  As many of
// them as a register has lanes are done from J0 to tag within registers, and what depends on lengths only, the product
// of the block of lengths above all, is shared by all of a flight.  For two lanes and packets of two registers:
//
//   AES      | J0 a | J0 b |    | a0 | a1 |  | a2 | a3 |    | b0 | b1 |  | b2 | b3 |
//   GHASH    sums over the lanes of each packet become lanes:  | Σ a | Σ b |
//            + | AAD a | AAD b | × H^6  +  | lengths | lengths | × H,  reduced once
//   tags     ⊕ E(K, | J0 a | J0 b |)
//
// A last block that would have a register of its own has one with those of the other packets instead, a lane for each:
// of 64 bytes in ESP, which are 68 with the trailer, a set of four packets takes six registers of 512 bits and not
// nine.
//
// Constant time: branches and addresses depend on lengths only.  Never allocates.
#ifdef __x86_64__
#include "crypto/native/aes.h"
#include "crypto/native/gcm_parts.h"
#include "crypto/native/ghash.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

/// The longest text that is done in this way: of 256 bits there are sixteen registers, of 512 thirty-two.
template <typename V>
inline constexpr std::size_t kMostAlike = V::kBlocks == 2 ? 128 : 208;
static_assert(208 / 16 + 2 <= GcmKey::kPowers, "the lengths and AAD are multiplied with further powers");

/// What stands behind the last whole register of a text: a block that has no register of its own, but shares one with
/// those of other packets.
enum class Tail : std::uint8_t { None, Block };

template <typename V, Direction kDirection, std::size_t N, Tail kTail>
class Alike {
 public:
  /// All jobs will have lengths like this one's: N registers of text and the tail, AAD of at most a block.
  TESTUDO_KERNEL Alike(const GcmSa& sa, const RoundKeys<V>& keys, const Job& job)
      : sa_(sa),
        keys_(keys),
        blocks_((job.text.size() + 15) / 16),
        last_(job.text.size() - (kTail == Tail::Block ? N : N - 1) * V::kBytes) {
    for (std::size_t j = 0; j < N; ++j) V::store(half_sums_[j], half_sums<V>(V::load(power(j))));
    lengths_ = no_products<V>();
    const __m128i lengths = block_of(8 * job.text.size(), 8 * job.aad.size());
    add_product<V>(lengths_, V::broadcast(lengths), V::broadcast(load_block(sa.key.power(1))));
  }
  TESTUDO_KERNEL ~Alike() {
    forget<V>(half_sums_);
    forget<V>(lengths_);
  }
  Alike(const Alike&) = delete;
  Alike& operator=(const Alike&) = delete;

  /// kSets times V::kBlocks jobs.
  template <std::size_t kSets>
  TESTUDO_KERNEL void crypt(Job* const* jobs) const {
    typename V::Reg x[kSets * kPerSet];
    Products<V> sums[kSets];
#pragma GCC unroll 4
    for (std::size_t s = 0; s < kSets; ++s) sums[s] = start(jobs + s * V::kBlocks, &x[s * kPerSet]);
    encrypt<V>(keys_, x);
#pragma GCC unroll 4
    for (std::size_t s = 0; s < kSets; ++s) finish(jobs + s * V::kBlocks, &x[s * kPerSet], sums[s]);
  }

 private:
  TESTUDO_KERNEL const Block* power(std::size_t j) const {
    return sa_.key.power(blocks_ + 1 - j * V::kBlocks);
  }

  /// J0 and counter blocks of a set, those of tails last.
  static constexpr std::size_t kTails = kTail == Tail::Block ? 1 : 0, kPerSet = 1 + V::kBlocks * N + kTails;

  /// Counter blocks into x, and the products of lengths and AAD.
  TESTUDO_KERNEL Products<V> start(Job* const* jobs, typename V::Reg* x) const {
    Block j0[V::kBlocks], aad[V::kBlocks];
#pragma GCC unroll 4
    for (std::size_t l = 0; l < V::kBlocks; ++l) {
      const __m128i first = initial_counter(sa_.salt, jobs[l]->iv);
      store_block(&j0[l], first);
      store_block(&aad[l], load_first(jobs[l]->aad.data(), jobs[l]->aad.size()));
#pragma GCC unroll 8
      for (std::size_t j = 0; j < N; ++j) {
        x[1 + l * N + j] = V::add(V::broadcast(first), V::load(kFurther[j * V::kBlocks]));
      }
    }
    x[0] = V::gather(j0);
    if constexpr (kTail == Tail::Block) x[kPerSet - 1] = V::add(x[0], V::broadcast(further_block(N * V::kBlocks)));
    Products<V> sum = lengths_;
    add_product<V>(sum, reversed<V>(V::gather(aad)), V::broadcast(load_block(sa_.key.power(blocks_ + 2))));
    return sum;
  }

  TESTUDO_KERNEL void finish(Job* const* jobs, const typename V::Reg* x, Products<V> sum) const {
    Products<V> of_packet[V::kBlocks];
#pragma GCC unroll 4
    for (std::size_t l = 0; l < V::kBlocks; ++l) of_packet[l] = crypt_text(jobs[l]->text.data(), &x[1 + l * N]);
    if constexpr (kTail == Tail::Block) crypt_tails(jobs, x[kPerSet - 1], sum);
    add_lane_sums<V>(sum, of_packet);
    Block tags[V::kBlocks];
    V::store(tags, V::bit_xor(reversed<V>(reduced<V>(sum)), x[0]));
    for (std::size_t l = 0; l < V::kBlocks; ++l) put_or_compare<kDirection>(load_block(&tags[l]), *jobs[l]);
  }

  TESTUDO_KERNEL Products<V> crypt_text(std::uint8_t* text, const typename V::Reg* keystream) const {
    Products<V> sum = no_products<V>();
#pragma GCC unroll 8
    for (std::size_t j = 0; j < N; ++j, text += V::kBytes) {
      const std::size_t n = j + 1 < N || kTail == Tail::Block ? V::kBytes : last_;
      const typename V::Reg in = load_up_to<V>(text, n);
      typename V::Reg out = V::bit_xor(in, keystream[j]);
      store_up_to<V>(text, out, n);
      if (j + 1 == N && kTail == Tail::None && kDirection == Direction::Seal) out = V::bit_and(out, first_bytes<V>(n));
      const typename V::Reg hashed = reversed<V>(kDirection == Direction::Seal ? out : in);
      add_product<V>(sum, hashed, V::load(power(j)), V::load(half_sums_[j]));
    }
    return sum;
  }

  /// A lane for each packet, as sums have.
  TESTUDO_KERNEL void crypt_tails(Job* const* jobs, typename V::Reg keystream, Products<V>& sum) const {
    Block tails[V::kBlocks];
#pragma GCC unroll 4
    for (std::size_t l = 0; l < V::kBlocks; ++l) store_block(&tails[l], load_first(tail_of(*jobs[l]), last_));
    const typename V::Reg in = V::gather(tails), out = V::bit_xor(in, keystream);
    V::store(tails, out);
#pragma GCC unroll 4
    for (std::size_t l = 0; l < V::kBlocks; ++l) store_first(tail_of(*jobs[l]), load_block(&tails[l]), last_);
    const typename V::Reg sealed =
        kDirection == Direction::Open ? in : V::bit_and(out, V::broadcast(first_of_block(last_)));
    add_product<V>(sum, reversed<V>(sealed), V::broadcast(load_block(sa_.key.power(2))));
  }

  TESTUDO_KERNEL static std::uint8_t* tail_of(const Job& job) {
    return job.text.data() + N * V::kBytes;
  }

  /// J0 ends in a big-endian one, so the first few counters behind it are an addition to its last byte.
  alignas(64) static constexpr std::uint32_t kFurther[12][4] = {
      {0, 0, 0, 1U << 24U}, {0, 0, 0, 2U << 24U},  {0, 0, 0, 3U << 24U},  {0, 0, 0, 4U << 24U},
      {0, 0, 0, 5U << 24U}, {0, 0, 0, 6U << 24U},  {0, 0, 0, 7U << 24U},  {0, 0, 0, 8U << 24U},
      {0, 0, 0, 9U << 24U}, {0, 0, 0, 10U << 24U}, {0, 0, 0, 11U << 24U}, {0, 0, 0, 12U << 24U}};

  /// Added to J0: the counter behind so many blocks.
  TESTUDO_KERNEL static __m128i further_block(std::size_t blocks) {
    return block_of(0, (std::uint64_t{blocks} + 1) << 56U);
  }

  const GcmSa& sa_;
  const RoundKeys<V>& keys_;
  std::size_t blocks_, last_;
  alignas(V::kBytes) std::uint8_t half_sums_[N][V::kBytes];
  Products<V> lengths_;
};

template <typename V, Direction kDirection, std::size_t N, Tail kTail>
TESTUDO_KERNEL_TARGET void crypt_sets(const GcmSa& sa, const RoundKeys<V>& keys, std::span<Job* const> jobs) {
  const Alike<V, kDirection, N, kTail> alike{sa, keys, *jobs.front()};
  // Two sets side by side, where their registers are few enough.
  constexpr std::size_t kSets = N <= 2 ? 2 : 1;
  for (; jobs.size() >= kSets * V::kBlocks; jobs = jobs.subspan(kSets * V::kBlocks)) {
    alike.template crypt<kSets>(jobs.data());
  }
  if (!jobs.empty()) alike.template crypt<1>(jobs.data());
}

/// Calls with N as a constant.
template <typename V, Direction kDirection, std::size_t N = 1>
TESTUDO_KERNEL void crypt_alike(const GcmSa& sa, const RoundKeys<V>& keys, std::span<Job* const> jobs) {
  const std::size_t text = jobs.front()->text.size();
  if (text <= N * V::kBytes) return crypt_sets<V, kDirection, N, Tail::None>(sa, keys, jobs);
  if constexpr (N * V::kBytes < kMostAlike<V>) {
    if (text <= N * V::kBytes + 16) return crypt_sets<V, kDirection, N, Tail::Block>(sa, keys, jobs);
    if constexpr ((N + 1) * V::kBytes <= kMostAlike<V>) crypt_alike<V, kDirection, N + 1>(sa, keys, jobs);
  }
}

/// Whether crypt_alike() can do them.
template <typename V>
TESTUDO_KERNEL bool are_short_and_alike(std::span<Job* const> jobs) {
  const std::size_t text = jobs.front()->text.size(), aad = jobs.front()->aad.size();
  if (text == 0 || text > kMostAlike<V> || aad > 16 || jobs.size() % V::kBlocks != 0) return false;
  bool alike = true;
  for (const Job* job : jobs) alike &= job->text.size() == text && job->aad.size() == aad;
  return alike;
}

}  // namespace testudo::crypto::native
#endif
