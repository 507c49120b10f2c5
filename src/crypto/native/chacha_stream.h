#pragma once
// Sixteen blocks of ChaCha20 (RFC 8439 section 2.3) side by side, of any packets of one SA: register w holds word w of
// all of them, so that a quarter round is done for sixteen blocks at once, and their ends are sorted by block
// afterwards.
//
//   | constants 0-3 | key 4-11 | counter 12 | salt 13 | IV 14, 15 |
#ifdef __x86_64__
#include "crypto/native/block.h"
#include "crypto/native/chacha_kernel.h"
#include "crypto/native/lanes.h"

namespace testudo::crypto::native {

/// What differs between the sixteen.
struct ChaChaLanes {
  static constexpr std::size_t kBlocks = 16;
  alignas(64) std::uint32_t counter[kBlocks], iv_low[kBlocks], iv_high[kBlocks];
};

template <typename V>
TESTUDO_KERNEL typename V::Reg start_word(const ChaChaSa& sa, const ChaChaLanes& lanes, std::size_t w) {
  constexpr std::uint32_t kConstants[] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  if (w < 4) return V::words(kConstants[w]);
  if (w < 12) return V::words(static_cast<std::uint32_t>(word_at<std::uint32_t>(&sa.key[4 * (w - 4)])));
  if (w == 12) return V::load(lanes.counter);
  if (w == 13) return V::words(static_cast<std::uint32_t>(word_at<std::uint32_t>(sa.salt.data())));
  return V::load(w == 14 ? lanes.iv_low : lanes.iv_high);
}

/// Section 2.1.
template <typename V>
TESTUDO_KERNEL void quarter_round(typename V::Reg& a, typename V::Reg& b, typename V::Reg& c, typename V::Reg& d) {
  a = V::add(a, b);
  d = V::template rotate<16>(V::bit_xor(d, a));
  c = V::add(c, d);
  b = V::template rotate<12>(V::bit_xor(b, c));
  a = V::add(a, b);
  d = V::template rotate<8>(V::bit_xor(d, a));
  c = V::add(c, d);
  b = V::template rotate<7>(V::bit_xor(b, c));
}

/// x[n] becomes block n.
template <typename V>
TESTUDO_KERNEL void keystream(const ChaChaSa& sa, const ChaChaLanes& lanes, typename V::Reg (&x)[16]) {
#pragma GCC unroll 16
  for (std::size_t w = 0; w < 16; ++w) x[w] = start_word<V>(sa, lanes, w);
  for (int twice = 0; twice < 10; ++twice) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) quarter_round<V>(x[i], x[4 + i], x[8 + i], x[12 + i]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      quarter_round<V>(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
    }
  }
#pragma GCC unroll 16
  for (std::size_t w = 0; w < 16; ++w) x[w] = V::add(x[w], start_word<V>(sa, lanes, w));
  V::transpose(x);
}

}  // namespace testudo::crypto::native
#endif
