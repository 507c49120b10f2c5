#pragma once
// Poly1305 (RFC 8439 section 2.5) of eight packets at once, a lane each with a key of its own: numbers modulo
// 2^130 - 5 in limbs of 44, 44 and 42 bits, which leave room in products of 52.
//
//   h = h0 + h1·2^44 + h2·2^88         2^132 = 4·2^130 = 4·5, so that h1·r2 and the like come back twenty times
#ifdef __x86_64__
#include "crypto/native/block.h"
#include "crypto/native/lanes.h"

namespace testudo::crypto::native {

template <typename V>
class EightMacs {
 public:
  using Reg = typename V::Reg;
  static constexpr std::size_t kMacs = 8, kKey = 32;

  /// keys: r and s of each, one key behind the other.
  TESTUDO_KERNEL void begin(const std::uint8_t* keys) {
    for (std::size_t i = 0; i < kMacs; ++i) keys_[i] = keys + i * kKey;
    Reg low, high;
    V::load_halves(keys_, 0, low, high);
    low = V::bit_and(low, V::limbs(0x0ffffffc0fffffff));
    high = V::bit_and(high, V::limbs(0x0ffffffc0ffffffc));
    split(low, high, r_);
    for (int i = 0; i < 2; ++i) {
      twenty_r_[i] = V::add_limbs(V::template left<4>(r_[i + 1]), V::template left<2>(r_[i + 1]));
    }
    for (Reg& limb : h_) limb = V::zero();
  }

  /// A whole block of each.
  TESTUDO_KERNEL void absorb(Reg low, Reg high) { step(low, high, h_); }
  /// Of those whose bit is set.
  TESTUDO_KERNEL void absorb(Reg low, Reg high, typename V::Mask of) {
    Reg next[3] = {h_[0], h_[1], h_[2]};
    step(low, high, next);
    for (int i = 0; i < 3; ++i) h_[i] = V::select(of, next[i], h_[i]);
  }

  TESTUDO_KERNEL void finish(Block* tags) {
    carry();
    carry();
    reduce();
    const Reg low = V::bit_or(h_[0], V::template left<44>(h_[1]));
    const Reg high = V::bit_or(V::template right<20>(h_[1]), V::template left<24>(h_[2]));
    Reg s_low, s_high;
    V::load_halves(keys_, 16, s_low, s_high);
    const Reg sum = V::add_limbs(low, s_low);
    V::store_halves(tags, sum, V::add_limbs(V::add_limbs(high, s_high), V::carries(sum, s_low)));
  }

 private:
  static constexpr std::uint64_t k44 = (std::uint64_t{1} << 44) - 1, k42 = (std::uint64_t{1} << 42) - 1;

  TESTUDO_KERNEL static void split(Reg low, Reg high, Reg (&out)[3]) {
    out[0] = V::bit_and(low, V::limbs(k44));
    out[1] = V::bit_and(V::bit_or(V::template right<44>(low), V::template left<20>(high)), V::limbs(k44));
    out[2] = V::template right<24>(high);
  }

  /// h = (h + block + 2^128)·r, carried as far as the next step needs.
  TESTUDO_KERNEL void step(Reg low, Reg high, Reg (&h)[3]) {
    Reg m[3];
    split(low, high, m);
    h[0] = V::add_limbs(h[0], m[0]);
    h[1] = V::add_limbs(h[1], m[1]);
    h[2] = V::add_limbs(h[2], V::bit_or(m[2], V::limbs(std::uint64_t{1} << 40)));
    const Reg* const factors[3][3] = {
        {&r_[0], &twenty_r_[1], &twenty_r_[0]}, {&r_[1], &r_[0], &twenty_r_[1]}, {&r_[2], &r_[1], &r_[0]}};
    Reg lows[3], highs[3];
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) {
      lows[i] = highs[i] = V::zero();
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j) {
        lows[i] = V::add_low_product(lows[i], h[j], *factors[i][j]);
        highs[i] = V::add_high_product(highs[i], h[j], *factors[i][j]);
      }
    }
    fold(lows, highs, h);
  }

  /// A product's high half is worth 2^52: 2^8 in the next limb, 2^10 beyond 2^130.
  TESTUDO_KERNEL static void fold(Reg (&lows)[3], const Reg (&highs)[3], Reg (&h)[3]) {
    lows[1] = V::add_limbs(lows[1], V::add_limbs(V::template right<44>(lows[0]), V::template left<8>(highs[0])));
    lows[2] = V::add_limbs(lows[2], V::add_limbs(V::template right<44>(lows[1]), V::template left<8>(highs[1])));
    const Reg over = V::add_limbs(V::template right<42>(lows[2]), V::template left<10>(highs[2]));
    const Reg first = V::add_limbs(V::bit_and(lows[0], V::limbs(k44)), five_times(over));
    h[0] = V::bit_and(first, V::limbs(k44));
    h[1] = V::add_limbs(V::bit_and(lows[1], V::limbs(k44)), V::template right<44>(first));
    h[2] = V::bit_and(lows[2], V::limbs(k42));
  }

  TESTUDO_KERNEL static Reg five_times(Reg v) {
    return V::add_limbs(v, V::template left<2>(v));
  }

  TESTUDO_KERNEL void carry() {
    h_[2] = V::add_limbs(h_[2], V::template right<44>(h_[1]));
    h_[1] = V::bit_and(h_[1], V::limbs(k44));
    h_[0] = V::add_limbs(h_[0], five_times(V::template right<42>(h_[2])));
    h_[2] = V::bit_and(h_[2], V::limbs(k42));
    h_[1] = V::add_limbs(h_[1], V::template right<44>(h_[0]));
    h_[0] = V::bit_and(h_[0], V::limbs(k44));
  }

  /// What is 2^130 - 5 or more loses as much: h + 5 reaches 2^130.
  TESTUDO_KERNEL void reduce() {
    Reg less[3] = {V::add_limbs(h_[0], V::limbs(5)), h_[1], h_[2]};
    less[1] = V::add_limbs(less[1], V::template right<44>(less[0]));
    less[2] = V::add_limbs(less[2], V::template right<44>(less[1]));
    const auto reached = V::with_any(less[2], V::limbs(std::uint64_t{1} << 42));
    less[0] = V::bit_and(less[0], V::limbs(k44));
    less[1] = V::bit_and(less[1], V::limbs(k44));
    less[2] = V::bit_and(less[2], V::limbs(k42));
    for (int i = 0; i < 3; ++i) h_[i] = V::select(reached, less[i], h_[i]);
  }

  const std::uint8_t* keys_[kMacs];
  Reg h_[3], r_[3], twenty_r_[2];
};

}  // namespace testudo::crypto::native
#endif
