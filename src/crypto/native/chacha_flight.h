#pragma once
// ChaCha20-Poly1305 (RFC 8439 section 2.8, RFC 7634) of several packets of one SA at once.  One packet alone fills
// neither sixteen lanes of ChaCha20 to its end nor more than one of Poly1305, whose blocks wait for each other.  So up
// to sixteen packets board a flight, and their blocks fill the lanes without gaps, keys of Poly1305 first:
//
//   first pass   | key a | key b | key c | … | a1 | a2 | a3 | a4 |      lane = block
//   next passes  | a5 | a6 | b1 | b2 | b3 | b4 | b5 | b6 | c1 | …
//   Poly1305     | a | b | c | … |                                      lane = packet; sealed text only, so an open
//   hashes
//                                                                       before, a seal behind the passes
//   for each     | AAD | text | … | text, padded | lengths |
//
// Constant time: branches and addresses depend on lengths only.  Never allocates; wipes what it kept.  A ChaChaFlight
// lives on the stack of one run.
#ifdef __x86_64__
#include <algorithm>
#include <span>

#include "crypto/native/chacha_stream.h"
#include "crypto/native/forget.h"
#include "crypto/native/parts.h"
#include "crypto/native/poly1305.h"

namespace testudo::crypto::native {

template <typename V, Direction kDirection>
class ChaChaFlight {
 public:
  static constexpr std::size_t kSeats = 16;

  TESTUDO_KERNEL explicit ChaChaFlight(const ChaChaSa& sa) : sa_(sa) {}
  TESTUDO_KERNEL ~ChaChaFlight() {
    forget<V>(first_);
    forget<V>(keys_);
    forget<V>(tags_);
  }
  ChaChaFlight(const ChaChaFlight&) = delete;
  ChaChaFlight& operator=(const ChaChaFlight&) = delete;

  /// jobs of the right shape, no more than kSeats.
  TESTUDO_KERNEL_TARGET __attribute__((noinline)) void fly(std::span<Job* const> jobs) {
    jobs_ = jobs;
    next_job_ = next_byte_ = 0;
    make_keys();
    if constexpr (kDirection == Direction::Open) authenticate();
    crypt_first();
    while (boards_[now_].used != 0) pass();
    if constexpr (kDirection == Direction::Seal) authenticate();
  }

 private:
  static constexpr std::size_t kBlock = 64, kLanes = ChaChaLanes::kBlocks, kHalf = 8;
  using Reg = typename V::Reg;

  /// The lanes of a pass, and whose text they are for.
  struct Board {
    ChaChaLanes lanes;
    std::uint8_t* text[kLanes];
    std::size_t bytes[kLanes];
    std::size_t used;
  };

  /// The first pass: the packets' keys, and blocks of text in the lanes that are left.
  TESTUDO_KERNEL void make_keys() {
    Board& first = boards_[now_];
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      set_lane(first.lanes, i, word_at<std::uint64_t>(jobs_[i]->iv.data()), 0);
    }
    board(first, jobs_.size());
    Reg x[kLanes];
    keystream<V>(sa_, first.lanes, x);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; ++i) V::store(first_[i], x[i]);
    for (std::size_t i = 0; i < kSeats; ++i) {
      std::copy_n(first_[i < jobs_.size() ? i : 0], EightMacs<V>::kKey, keys_[i]);
    }
  }

  TESTUDO_KERNEL void crypt_first() {
    const Board& first = boards_[now_];
    for (std::size_t i = jobs_.size(); i < first.used; ++i) {
      crypt_register<V>(first.text[i], first.bytes[i], V::load(first_[i]));
    }
    board(boards_[now_], 0);
  }

  /// Sixteen more blocks of text.  The lanes behind them are set first: a load of what was just stored in small pieces
  /// would wait until that has left for the cache.
  TESTUDO_KERNEL void pass() {
    const Board& board_now = boards_[now_];
    now_ ^= 1;
    board(boards_[now_], 0);
    Reg x[kLanes];
    keystream<V>(sa_, board_now.lanes, x);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; ++i) {
      if (i < board_now.used) crypt_register<V>(board_now.text[i], board_now.bytes[i], x[i]);
    }
  }

  /// Seats the next blocks of text from this lane on.
  TESTUDO_KERNEL void board(Board& seats, std::size_t lane) {
    while (lane < kLanes && next_job_ < jobs_.size()) {
      const MutableBytes text = jobs_[next_job_]->text;
      const std::uint64_t iv = word_at<std::uint64_t>(jobs_[next_job_]->iv.data());
      std::size_t at = next_byte_;
      for (; lane < kLanes && at < text.size(); ++lane, at += kBlock) {
        set_lane(seats.lanes, lane, iv, static_cast<std::uint32_t>(at / kBlock + 1));
        seats.text[lane] = text.data() + at;
        seats.bytes[lane] = std::min(kBlock, text.size() - at);
      }
      next_byte_ = at < text.size() ? at : 0;
      if (next_byte_ == 0) ++next_job_;
    }
    seats.used = lane;
  }

  TESTUDO_KERNEL static void set_lane(ChaChaLanes& lanes, std::size_t lane, std::uint64_t iv, std::uint32_t counter) {
    lanes.counter[lane] = counter;
    lanes.iv_low[lane] = static_cast<std::uint32_t>(iv);
    lanes.iv_high[lane] = static_cast<std::uint32_t>(iv >> 32);
  }

  TESTUDO_KERNEL void authenticate() {
    for (std::size_t i = 0; i < kSeats; ++i) set_ends(i, job_in(i));
    if (jobs_.size() > kHalf) {
      hash<2>();
    } else {
      hash<1>();
    }
    for (std::size_t i = 0; i < jobs_.size(); ++i) put_or_compare<kDirection>(load_block(&tags_[i]), *jobs_[i]);
  }

  /// Seats that nobody took do what the first does.
  TESTUDO_KERNEL const Job& job_in(std::size_t seat) const {
    return *jobs_[seat < jobs_.size() ? seat : 0];
  }

  /// What is not a whole block: the end of the AAD; that of the text; the lengths.
  TESTUDO_KERNEL void set_ends(std::size_t i, const Job& job) {
    Ends& ends = ends_[i];
    const std::size_t left = job.text.size() % sizeof(Block), whole = job.text.size() / sizeof(Block);
    const std::size_t aad_left = job.aad.size() % sizeof(Block);
    store_block(&ends.aad, load_first(job.aad.data() + job.aad.size() - aad_left, aad_left));
    if (left != 0) store_block(&ends.last[0], load_first(job.text.data() + job.text.size() - left, left));
    store_block(&ends.last[left == 0 ? 0 : 1], block_of(job.aad.size(), job.text.size()));
    text_of_[i / kHalf][i % kHalf] = job.text.data();
    whole_[i] = whole;
    all_[i] = whole + (left == 0 ? 1 : 2);
  }

  template <std::size_t kHalves>
  TESTUDO_KERNEL void hash() {
    EightMacs<V> macs[kHalves];
#pragma GCC unroll 2
    for (std::size_t h = 0; h < kHalves; ++h) macs[h].begin(keys_[h * kHalf]);
    hash_aad<kHalves>(macs);
    const std::size_t common = *std::min_element(whole_, whole_ + jobs_.size());
    hash_texts<kHalves>(macs, common);
    const std::size_t longest = *std::max_element(all_, all_ + jobs_.size());
    for (std::size_t block = common; block < longest; ++block) hash_ends<kHalves>(macs, block);
#pragma GCC unroll 2
    for (std::size_t h = 0; h < kHalves; ++h) macs[h].finish(tags_ + h * kHalf);
  }

  template <std::size_t kHalves>
  TESTUDO_KERNEL void hash_aad(EightMacs<V> (&macs)[kHalves]) {
    std::size_t longest = 0;
    for (const Job* job : jobs_) longest = std::max(longest, job->aad.size());
    for (std::size_t at = 0; at < longest; at += sizeof(Block)) {
#pragma GCC unroll 2
      for (std::size_t h = 0; h < kHalves; ++h) {
        const std::uint8_t* from[kHalf];
        unsigned having = 0;
        for (std::size_t i = 0; i < kHalf; ++i) {
          const Bytes aad = job_in(h * kHalf + i).aad;
          having |= (at < aad.size() ? 1U : 0U) << i;
          from[i] = at + sizeof(Block) <= aad.size() ? &aad[at] : ends_[h * kHalf + i].aad.bytes.data();
        }
        absorb(macs[h], from, having);
      }
    }
  }

  TESTUDO_KERNEL static void absorb(EightMacs<V>& macs, const std::uint8_t* const (&from)[kHalf], unsigned having) {
    Reg low, high;
    V::load_halves(from, 0, low, high);
    macs.absorb(low, high, static_cast<typename V::Mask>(having));
  }

  /// The blocks of which every text has a whole one.
  template <std::size_t kHalves>
  TESTUDO_KERNEL void hash_texts(EightMacs<V> (&macs)[kHalves], std::size_t blocks) {
    for (std::size_t offset = 0; offset < blocks * sizeof(Block); offset += sizeof(Block)) {
#pragma GCC unroll 2
      for (std::size_t h = 0; h < kHalves; ++h) {
        Reg low, high;
        V::load_halves(text_of_[h], offset, low, high);
        macs[h].absorb(low, high);
      }
    }
  }

  /// Block number `block` of those that have one.
  template <std::size_t kHalves>
  TESTUDO_KERNEL void hash_ends(EightMacs<V> (&macs)[kHalves], std::size_t block) {
#pragma GCC unroll 2
    for (std::size_t h = 0; h < kHalves; ++h) {
      const std::uint8_t* from[kHalf];
      unsigned having = 0;
      for (std::size_t i = 0; i < kHalf; ++i) {
        const std::size_t seat = h * kHalf + i;
        having |= (block < all_[seat] ? 1U : 0U) << i;
        from[i] = block < whole_[seat] ? text_of_[h][i] + block * sizeof(Block)
                  : block < all_[seat] ? ends_[seat].last[block - whole_[seat]].bytes.data()
                                       : ends_[seat].aad.bytes.data();
      }
      absorb(macs[h], from, having);
    }
  }

  struct Ends {
    Block aad, last[2];
  };

  const ChaChaSa& sa_;
  std::span<Job* const> jobs_;
  std::size_t next_job_ = 0, next_byte_ = 0;
  Board boards_[2];
  std::size_t now_ = 0;
  alignas(64) std::uint8_t first_[kLanes][kBlock];
  alignas(64) std::uint8_t keys_[kSeats][EightMacs<V>::kKey];
  Ends ends_[kSeats];
  alignas(64) Block tags_[kSeats];
  const std::uint8_t* text_of_[2][kHalf];
  std::size_t whole_[kSeats], all_[kSeats];
};

}  // namespace testudo::crypto::native
#endif
