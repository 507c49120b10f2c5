#pragma once
// GHASH of NIST SP 800-38D section 6.4 on lanes of blocks.  Bytes of a block are reversed when it is loaded, which
// makes the product of two field elements a product without carry, but for one bit: each power of H is kept multiplied
// by x.
//
// A product of 128 by 128 bits takes three multiplications of 64 by 64 (Karatsuba), and sums of products are reduced
// once:
//
//      a1·b1             high |     |           sums of many products; the middle one
//            (a1+a0)(b1+b0)   | mid |           still contains low and high
//                   a0·b0     |     | low
//
// The lanes are independent of each other: blocks of one packet, or of as many packets.
#ifdef __x86_64__
#include "crypto/native/gcm_key.h"
#include "crypto/native/lanes.h"

namespace testudo::crypto::native {

/// A sum of products, not reduced.
template <typename V>
struct Products {
  typename V::Reg low, mid, high;
};

/// Reverses the bytes of a block.
template <typename V>
TESTUDO_KERNEL typename V::Reg reversed(typename V::Reg v) {
  return V::shuffle(v, V::broadcast(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}

/// The sums of the two halves of each block, in both halves.
template <typename V>
TESTUDO_KERNEL typename V::Reg half_sums(typename V::Reg v) {
  return V::bit_xor(v, V::swap_halves(v));
}

/// The sums of the halves of a in the low half, of b in the high half.
template <typename V>
TESTUDO_KERNEL typename V::Reg half_sums(typename V::Reg a, typename V::Reg b) {
  return V::bit_xor(V::low_halves(a, b), V::high_halves(a, b));
}

template <typename V>
TESTUDO_KERNEL Products<V> no_products() {
  return {V::zero(), V::zero(), V::zero()};
}

/// sum += x·h in each lane; h_sums are the half_sums of h.
template <typename V>
TESTUDO_KERNEL void add_product(Products<V>& sum, typename V::Reg x, typename V::Reg h, typename V::Reg h_sums) {
  sum.low = V::bit_xor(sum.low, V::low_products(x, h));
  sum.high = V::bit_xor(sum.high, V::high_products(x, h));
  sum.mid = V::bit_xor(sum.mid, V::low_products(half_sums<V>(x), h_sums));
}

/// sum += x·h in each lane.
template <typename V>
TESTUDO_KERNEL void add_product(Products<V>& sum, typename V::Reg x, typename V::Reg h) {
  add_product<V>(sum, x, h, half_sums<V>(h));
}

/// sum += x[0]·h[0] + x[1]·h[1]; h_sums are the half_sums of the two h.
template <typename V>
TESTUDO_KERNEL void add_two_products(Products<V>& sum, const typename V::Reg (&x)[2], const typename V::Reg (&h)[2],
                                     typename V::Reg h_sums) {
  const typename V::Reg x_sums = half_sums<V>(x[0], x[1]);
  sum.low = V::bit_xor(sum.low, V::low_products(x[0], h[0]), V::low_products(x[1], h[1]));
  sum.high = V::bit_xor(sum.high, V::high_products(x[0], h[0]), V::high_products(x[1], h[1]));
  sum.mid = V::bit_xor(sum.mid, V::low_products(x_sums, h_sums), V::high_products(x_sums, h_sums));
}

/// Lane l of sum += all lanes of packets[l].
template <typename V>
TESTUDO_KERNEL void add_lane_sums(Products<V>& sum, const Products<V> (&packets)[V::kBlocks]) {
  typename V::Reg low[V::kBlocks], mid[V::kBlocks], high[V::kBlocks];
#pragma GCC unroll 4
  for (std::size_t l = 0; l < V::kBlocks; ++l) {
    low[l] = packets[l].low;
    mid[l] = packets[l].mid;
    high[l] = packets[l].high;
  }
  sum.low = V::bit_xor(sum.low, V::lane_sums(low));
  sum.mid = V::bit_xor(sum.mid, V::lane_sums(mid));
  sum.high = V::bit_xor(sum.high, V::lane_sums(high));
}

/// Modulo x^128 + x^7 + x^2 + x + 1, whose reversed high half is the constant: the low 64 bits are folded up, twice.
template <typename V>
TESTUDO_KERNEL typename V::Reg reduced(const Products<V>& sum) {
  const typename V::Reg polynomial = V::broadcast(_mm_set_epi64x(0, static_cast<long long>(0xc200000000000000U)));
  const typename V::Reg mid = V::bit_xor(sum.mid, sum.low, sum.high);
  const typename V::Reg once = V::bit_xor(mid, V::swap_halves(sum.low), V::low_products(sum.low, polynomial));
  return V::bit_xor(sum.high, V::swap_halves(once), V::low_products(once, polynomial));
}

template <typename V>
TESTUDO_KERNEL typename V::Reg multiplied(typename V::Reg x, typename V::Reg h) {
  Products<V> product = no_products<V>();
  add_product<V>(product, x, h);
  return reduced<V>(product);
}

/// x·h for a reversed h: a shift by one bit, and the polynomial when a bit fell out.
TESTUDO_KERNEL __m128i times_x(__m128i h) {
  const __m128i carries = _mm_srli_epi64(h, 63);
  const __m128i shifted = _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(carries, 8));
  const __m128i fell_out = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xff), 31);
  const __m128i polynomial = block_of(1, 0xc200000000000000U);
  return _mm_xor_si128(shifted, _mm_and_si128(fell_out, polynomial));
}

/// From E(K, 0).
template <typename V>
TESTUDO_KERNEL void fill_powers(__m128i hash_key, GcmKey& key) {
  const typename V::Reg h = V::broadcast(times_x(V::first_lane(reversed<V>(V::first(hash_key)))));
  typename V::Reg power = h;
  for (std::size_t n = 1; n <= GcmKey::kPowers; ++n) {
    store_block(key.power(n), V::first_lane(power));
    power = multiplied<V>(power, h);
  }
}

}  // namespace testudo::crypto::native
#endif
