#pragma once
// Four blocks in two registers of 256 bits: what Lanes512 does, on machines without AVX-512, so that the kernels' way
// with four lanes is tested there too.
#ifdef __x86_64__
#include "crypto/native/gcm_entry.h"

namespace testudo::crypto::native {

struct TwinLanes {
  using Half = Lanes256;
  struct Reg {
    __m256i low, high;
  };
  static constexpr std::size_t kBlocks = 4, kBytes = 64;

  TESTUDO_KERNEL static Reg zero() { return {Half::zero(), Half::zero()}; }
  TESTUDO_KERNEL static Reg load(const void* from) {
    return {Half::load(from), Half::load(static_cast<const std::uint8_t*>(from) + 32)};
  }
  TESTUDO_KERNEL static void store(void* to, Reg v) {
    Half::store(to, v.low);
    Half::store(static_cast<std::uint8_t*>(to) + 32, v.high);
  }
  TESTUDO_KERNEL static Reg load_first(const std::uint8_t* from, std::size_t n) {
    if (n < 32) return {Half::load_first(from, n), Half::zero()};
    return {Half::load(from), Half::load_first(from + 32, n - 32)};
  }
  TESTUDO_KERNEL static void store_first(std::uint8_t* to, Reg v, std::size_t n) {
    if (n < 32) return Half::store_first(to, v.low, n);
    Half::store(to, v.low);
    Half::store_first(to + 32, v.high, n - 32);
  }

  TESTUDO_KERNEL static Reg broadcast(__m128i block) { return {Half::broadcast(block), Half::broadcast(block)}; }
  TESTUDO_KERNEL static Reg first(__m128i block) { return {Half::first(block), Half::zero()}; }
  TESTUDO_KERNEL static __m128i first_lane(Reg v) { return Half::first_lane(v.low); }
  TESTUDO_KERNEL static Reg gather(const Block* blocks) { return {Half::gather(blocks), Half::gather(blocks + 2)}; }
  TESTUDO_KERNEL static __m128i sum_of_lanes(Reg v) { return Half::sum_of_lanes(Half::bit_xor(v.low, v.high)); }
  TESTUDO_KERNEL static Reg lane_sums(const Reg (&v)[4]) {
    const __m256i front[] = {Half::bit_xor(v[0].low, v[0].high), Half::bit_xor(v[1].low, v[1].high)};
    const __m256i back[] = {Half::bit_xor(v[2].low, v[2].high), Half::bit_xor(v[3].low, v[3].high)};
    return {Half::lane_sums(front), Half::lane_sums(back)};
  }

  TESTUDO_KERNEL static Reg bit_and(Reg a, Reg b) {
    return {Half::bit_and(a.low, b.low), Half::bit_and(a.high, b.high)};
  }
  TESTUDO_KERNEL static Reg bit_xor(Reg a, Reg b) {
    return {Half::bit_xor(a.low, b.low), Half::bit_xor(a.high, b.high)};
  }
  TESTUDO_KERNEL static Reg bit_xor(Reg a, Reg b, Reg c) { return bit_xor(bit_xor(a, b), c); }
  TESTUDO_KERNEL static Reg add(Reg a, Reg b) { return {Half::add(a.low, b.low), Half::add(a.high, b.high)}; }
  TESTUDO_KERNEL static Reg shuffle(Reg v, Reg indices) {
    return {Half::shuffle(v.low, indices.low), Half::shuffle(v.high, indices.high)};
  }
  TESTUDO_KERNEL static Reg swap_halves(Reg v) { return {Half::swap_halves(v.low), Half::swap_halves(v.high)}; }
  TESTUDO_KERNEL static Reg low_halves(Reg a, Reg b) {
    return {Half::low_halves(a.low, b.low), Half::low_halves(a.high, b.high)};
  }
  TESTUDO_KERNEL static Reg high_halves(Reg a, Reg b) {
    return {Half::high_halves(a.low, b.low), Half::high_halves(a.high, b.high)};
  }
  TESTUDO_KERNEL static Reg aes_round(Reg v, Reg key) {
    return {Half::aes_round(v.low, key.low), Half::aes_round(v.high, key.high)};
  }
  TESTUDO_KERNEL static Reg aes_last_round(Reg v, Reg key) {
    return {Half::aes_last_round(v.low, key.low), Half::aes_last_round(v.high, key.high)};
  }
  TESTUDO_KERNEL static Reg low_products(Reg a, Reg b) {
    return {Half::low_products(a.low, b.low), Half::low_products(a.high, b.high)};
  }
  TESTUDO_KERNEL static Reg high_products(Reg a, Reg b) {
    return {Half::high_products(a.low, b.low), Half::high_products(a.high, b.high)};
  }
};

inline const GcmKernel* twin_kernel() {
  return &kGcmKernel<TwinLanes>;
}

}  // namespace testudo::crypto::native
#else
#include "crypto/native/gcm_kernel.h"

namespace testudo::crypto::native {

inline const GcmKernel* twin_kernel() {
  return nullptr;
}

}  // namespace testudo::crypto::native
#endif
