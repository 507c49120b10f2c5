#pragma once
// Two blocks in a register: the operations of the GCM kernels on AVX2 with VAES and VPCLMULQDQ (AMD since Zen 3, Intel
// since Alder Lake).  A kernel is written once, for any such set of lanes; TESTUDO_KERNEL is the target it is compiled
// for, so one source file may include one set only.  Never executed on a machine without the instructions: cpu.h.
#ifdef __x86_64__
#include "crypto/native/block.h"

#define TESTUDO_KERNEL_TARGET __attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq")))
#define TESTUDO_KERNEL TESTUDO_KERNEL_TARGET __attribute__((always_inline)) inline

namespace testudo::crypto::native {

struct Lanes256 {
  using Reg = __m256i;
  static constexpr std::size_t kBlocks = 2, kBytes = 32;

  TESTUDO_KERNEL static Reg zero() { return _mm256_setzero_si256(); }
  TESTUDO_KERNEL static Reg load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
  TESTUDO_KERNEL static void store(void* to, Reg v) { _mm256_storeu_si256(static_cast<__m256i*>(to), v); }
  /// The first n bytes, fewer than kBytes; the rest is zero.
  TESTUDO_KERNEL static Reg load_first(const std::uint8_t* from, std::size_t n) {
    if (n < 16) return _mm256_zextsi128_si256(native::load_first(from, n));
    return _mm256_set_m128i(native::load_first(from + 16, n - 16), native::load_first(from, 16));
  }
  TESTUDO_KERNEL static void store_first(std::uint8_t* to, Reg v, std::size_t n) {
    native::store_first(to, _mm256_castsi256_si128(v), n < 16 ? n : 16);
    if (n > 16) native::store_first(to + 16, _mm256_extracti128_si256(v, 1), n - 16);
  }

  /// One block in all lanes.
  TESTUDO_KERNEL static Reg broadcast(__m128i block) { return _mm256_broadcastsi128_si256(block); }
  /// One block in the first lane.
  TESTUDO_KERNEL static Reg first(__m128i block) { return _mm256_zextsi128_si256(block); }
  TESTUDO_KERNEL static __m128i first_lane(Reg v) { return _mm256_castsi256_si128(v); }
  /// Blocks that were written one by one.
  TESTUDO_KERNEL static Reg gather(const Block* blocks) {
    return _mm256_set_m128i(load_block(blocks + 1), load_block(blocks));
  }
  TESTUDO_KERNEL static __m128i sum_of_lanes(Reg v) {
    return _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  }
  /// Lane l is the sum of the lanes of v[l].
  TESTUDO_KERNEL static Reg lane_sums(const Reg (&v)[2]) {
    return _mm256_xor_si256(_mm256_permute2x128_si256(v[0], v[1], 0x20), _mm256_permute2x128_si256(v[0], v[1], 0x31));
  }

  TESTUDO_KERNEL static Reg bit_and(Reg a, Reg b) { return _mm256_and_si256(a, b); }
  TESTUDO_KERNEL static Reg bit_xor(Reg a, Reg b) { return _mm256_xor_si256(a, b); }
  TESTUDO_KERNEL static Reg bit_xor(Reg a, Reg b, Reg c) { return bit_xor(bit_xor(a, b), c); }
  /// 32-bit additions.
  TESTUDO_KERNEL static Reg add(Reg a, Reg b) { return _mm256_add_epi32(a, b); }
  /// Within each block.
  TESTUDO_KERNEL static Reg shuffle(Reg v, Reg indices) { return _mm256_shuffle_epi8(v, indices); }
  TESTUDO_KERNEL static Reg swap_halves(Reg v) { return _mm256_shuffle_epi32(v, 0x4e); }
  TESTUDO_KERNEL static Reg low_halves(Reg a, Reg b) { return _mm256_unpacklo_epi64(a, b); }
  TESTUDO_KERNEL static Reg high_halves(Reg a, Reg b) { return _mm256_unpackhi_epi64(a, b); }

  TESTUDO_KERNEL static Reg aes_round(Reg v, Reg key) { return _mm256_aesenc_epi128(v, key); }
  TESTUDO_KERNEL static Reg aes_last_round(Reg v, Reg key) { return _mm256_aesenclast_epi128(v, key); }
  /// Products without carry: low with low halves, high with high.
  TESTUDO_KERNEL static Reg low_products(Reg a, Reg b) { return _mm256_clmulepi64_epi128(a, b, 0x00); }
  TESTUDO_KERNEL static Reg high_products(Reg a, Reg b) { return _mm256_clmulepi64_epi128(a, b, 0x11); }
};

using Lanes = Lanes256;

}  // namespace testudo::crypto::native
#endif
