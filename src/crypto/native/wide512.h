#pragma once
// Sixteen words of 32 bits, or eight of 64, in a register of AVX-512, with products of 52 bits (IFMA): what ChaCha20
// and Poly1305 are made of.  For machines with has_vaes_512().
#ifdef __x86_64__
#include "crypto/native/lanes512.h"

namespace testudo::crypto::native {

struct Wide512 : Lanes512 {
  using Mask = std::uint8_t;  ///< a bit for each of the eight

  // Sixteen words of 32 bits.
  TESTUDO_KERNEL static Reg words(std::uint32_t v) { return _mm512_set1_epi32(static_cast<int>(v)); }
  template <int kBits>
  TESTUDO_KERNEL static Reg rotate(Reg v) {
    return _mm512_rol_epi32(v, kBits);
  }

  // Eight of 64.
  TESTUDO_KERNEL static Reg limbs(std::uint64_t v) { return _mm512_set1_epi64(static_cast<long long>(v)); }
  TESTUDO_KERNEL static Reg add_limbs(Reg a, Reg b) { return _mm512_add_epi64(a, b); }
  TESTUDO_KERNEL static Reg bit_or(Reg a, Reg b) { return _mm512_or_si512(a, b); }
  template <unsigned kBits>
  TESTUDO_KERNEL static Reg left(Reg v) {
    return _mm512_slli_epi64(v, kBits);
  }
  template <unsigned kBits>
  TESTUDO_KERNEL static Reg right(Reg v) {
    return _mm512_srli_epi64(v, kBits);
  }
  /// To a sum, the low or high 52 bits of the products of the low 52 bits.
  TESTUDO_KERNEL static Reg add_low_product(Reg sum, Reg a, Reg b) { return _mm512_madd52lo_epu64(sum, a, b); }
  TESTUDO_KERNEL static Reg add_high_product(Reg sum, Reg a, Reg b) { return _mm512_madd52hi_epu64(sum, a, b); }
  /// Which of the eight have any of these bits.
  TESTUDO_KERNEL static Mask with_any(Reg v, Reg bits) { return _mm512_test_epi64_mask(v, bits); }
  /// a where the mask has a one, b elsewhere.
  TESTUDO_KERNEL static Reg select(Mask mask, Reg a, Reg b) { return _mm512_mask_blend_epi64(mask, b, a); }
  /// One where an addition of part overflowed.
  TESTUDO_KERNEL static Reg carries(Reg sum, Reg part) {
    return _mm512_maskz_set1_epi64(_mm512_cmplt_epu64_mask(sum, part), 1);
  }

  /// Sixteen times word w of all, to all words of one sixteen times.
  TESTUDO_KERNEL static void transpose(Reg (&x)[16]) {
    Reg quads[4][4];  // [words 4q to 4q + 3][j]: of the four whose number is j modulo four
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const Reg low01 = _mm512_unpacklo_epi32(x[4 * q], x[4 * q + 1]);
      const Reg high01 = _mm512_unpackhi_epi32(x[4 * q], x[4 * q + 1]);
      const Reg low23 = _mm512_unpacklo_epi32(x[4 * q + 2], x[4 * q + 3]);
      const Reg high23 = _mm512_unpackhi_epi32(x[4 * q + 2], x[4 * q + 3]);
      quads[q][0] = low_halves(low01, low23);
      quads[q][1] = high_halves(low01, low23);
      quads[q][2] = low_halves(high01, high23);
      quads[q][3] = high_halves(high01, high23);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const Reg front_low = _mm512_shuffle_i32x4(quads[0][j], quads[1][j], 0x44);
      const Reg front_high = _mm512_shuffle_i32x4(quads[0][j], quads[1][j], 0xee);
      const Reg back_low = _mm512_shuffle_i32x4(quads[2][j], quads[3][j], 0x44);
      const Reg back_high = _mm512_shuffle_i32x4(quads[2][j], quads[3][j], 0xee);
      x[j] = _mm512_shuffle_i32x4(front_low, back_low, 0x88);
      x[4 + j] = _mm512_shuffle_i32x4(front_low, back_low, 0xdd);
      x[8 + j] = _mm512_shuffle_i32x4(front_high, back_high, 0x88);
      x[12 + j] = _mm512_shuffle_i32x4(front_high, back_high, 0xdd);
    }
  }

  /// Of eight blocks the low and the high halves.
  TESTUDO_KERNEL static void load_halves(const std::uint8_t* const (&from)[8], std::size_t offset, Reg& low,
                                         Reg& high) {
    const Reg even = four(from[0] + offset, from[2] + offset, from[4] + offset, from[6] + offset);
    const Reg odd = four(from[1] + offset, from[3] + offset, from[5] + offset, from[7] + offset);
    low = low_halves(even, odd);
    high = high_halves(even, odd);
  }
  /// And back, one block behind the other.
  TESTUDO_KERNEL static void store_halves(Block* to, Reg low, Reg high) {
    const Reg even = low_halves(low, high), odd = high_halves(low, high);
    store_block(to, _mm512_castsi512_si128(even));
    store_block(to + 1, _mm512_castsi512_si128(odd));
    store_block(to + 2, _mm512_extracti32x4_epi32(even, 1));
    store_block(to + 3, _mm512_extracti32x4_epi32(odd, 1));
    store_block(to + 4, _mm512_extracti32x4_epi32(even, 2));
    store_block(to + 5, _mm512_extracti32x4_epi32(odd, 2));
    store_block(to + 6, _mm512_extracti32x4_epi32(even, 3));
    store_block(to + 7, _mm512_extracti32x4_epi32(odd, 3));
  }

 private:
  TESTUDO_KERNEL static __m128i block(const std::uint8_t* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(static_cast<const void*>(from)));
  }
  TESTUDO_KERNEL static Reg four(const std::uint8_t* a, const std::uint8_t* b, const std::uint8_t* c,
                                 const std::uint8_t* d) {
    const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(block(a)), block(b), 1);
    const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(block(c)), block(d), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
};

}  // namespace testudo::crypto::native
#endif
