#pragma once
// Four blocks in a register: the same operations as lanes256.h on AVX-512 with VAES and VPCLMULQDQ (AMD since Zen 4,
// Intel since Ice Lake).  What ends within a register is read and written by masks.
#ifdef __x86_64__
#include "crypto/native/block.h"

#define TESTUDO_KERNEL_TARGET \
  __attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq,avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,bmi2")))
#define TESTUDO_KERNEL TESTUDO_KERNEL_TARGET __attribute__((always_inline)) inline

namespace testudo::crypto::native {

struct Lanes512 {
  using Reg = __m512i;
  static constexpr std::size_t kBlocks = 4, kBytes = 64;

  TESTUDO_KERNEL static Reg zero() { return _mm512_setzero_si512(); }
  TESTUDO_KERNEL static Reg load(const void* from) { return _mm512_loadu_si512(from); }
  TESTUDO_KERNEL static void store(void* to, Reg v) { _mm512_storeu_si512(to, v); }
  /// The first n bytes, fewer than kBytes; the rest is zero.
  TESTUDO_KERNEL static Reg load_first(const std::uint8_t* from, std::size_t n) {
    return _mm512_maskz_loadu_epi8(mask(n), from);
  }
  TESTUDO_KERNEL static void store_first(std::uint8_t* to, Reg v, std::size_t n) {
    _mm512_mask_storeu_epi8(to, mask(n), v);
  }

  /// One block in all lanes.
  TESTUDO_KERNEL static Reg broadcast(__m128i block) { return _mm512_broadcast_i32x4(block); }
  /// One block in the first lane.
  TESTUDO_KERNEL static Reg first(__m128i block) { return _mm512_zextsi128_si512(block); }
  TESTUDO_KERNEL static __m128i first_lane(Reg v) { return _mm512_castsi512_si128(v); }
  /// Blocks that were written one by one.
  TESTUDO_KERNEL static Reg gather(const Block* blocks) {
    const __m256i low = _mm256_set_m128i(load_block(blocks + 1), load_block(blocks));
    const __m256i high = _mm256_set_m128i(load_block(blocks + 3), load_block(blocks + 2));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
  TESTUDO_KERNEL static __m128i sum_of_lanes(Reg v) {
    const __m256i sums = _mm256_xor_si256(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  }
  /// Lane l is the sum of the lanes of v[l].
  TESTUDO_KERNEL static Reg lane_sums(const Reg (&v)[4]) {
    const Reg two[] = {
        _mm512_xor_si512(_mm512_shuffle_i64x2(v[0], v[1], 0x44), _mm512_shuffle_i64x2(v[0], v[1], 0xee)),
        _mm512_xor_si512(_mm512_shuffle_i64x2(v[2], v[3], 0x44), _mm512_shuffle_i64x2(v[2], v[3], 0xee))};
    return _mm512_xor_si512(_mm512_shuffle_i64x2(two[0], two[1], 0x88), _mm512_shuffle_i64x2(two[0], two[1], 0xdd));
  }

  TESTUDO_KERNEL static Reg bit_and(Reg a, Reg b) { return _mm512_and_si512(a, b); }
  TESTUDO_KERNEL static Reg bit_xor(Reg a, Reg b) { return _mm512_xor_si512(a, b); }
  TESTUDO_KERNEL static Reg bit_xor(Reg a, Reg b, Reg c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
  /// 32-bit additions.
  TESTUDO_KERNEL static Reg add(Reg a, Reg b) { return _mm512_add_epi32(a, b); }
  /// Within each block.
  TESTUDO_KERNEL static Reg shuffle(Reg v, Reg indices) { return _mm512_shuffle_epi8(v, indices); }
  TESTUDO_KERNEL static Reg swap_halves(Reg v) { return _mm512_shuffle_epi32(v, _MM_PERM_BADC); }
  TESTUDO_KERNEL static Reg low_halves(Reg a, Reg b) { return _mm512_unpacklo_epi64(a, b); }
  TESTUDO_KERNEL static Reg high_halves(Reg a, Reg b) { return _mm512_unpackhi_epi64(a, b); }

  TESTUDO_KERNEL static Reg aes_round(Reg v, Reg key) { return _mm512_aesenc_epi128(v, key); }
  TESTUDO_KERNEL static Reg aes_last_round(Reg v, Reg key) { return _mm512_aesenclast_epi128(v, key); }
  /// Products without carry: low with low halves, high with high.
  TESTUDO_KERNEL static Reg low_products(Reg a, Reg b) { return _mm512_clmulepi64_epi128(a, b, 0x00); }
  TESTUDO_KERNEL static Reg high_products(Reg a, Reg b) { return _mm512_clmulepi64_epi128(a, b, 0x11); }

 private:
  TESTUDO_KERNEL static __mmask64 mask(std::size_t n) { return (std::uint64_t{1} << n) - 1; }
};

using Lanes = Lanes512;

}  // namespace testudo::crypto::native
#endif
