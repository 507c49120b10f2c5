#pragma once
// What Wide512 does, one number after the other, on machines without AVX-512, so that the kernel is tested there too.
#ifdef __x86_64__
#include <array>
#include <cstring>

#include "crypto/native/chacha_entry.h"

namespace testudo::crypto::native {

struct PlainWide {
  struct Reg {
    std::array<std::uint32_t, 16> word;

    std::uint64_t limb(std::size_t i) const { return word[2 * i] | std::uint64_t{word[2 * i + 1]} << 32U; }
  };
  using Mask = std::uint8_t;
  static constexpr std::size_t kBytes = 64;

  template <typename F>
  static Reg of_words(F&& f) {
    Reg out;
    for (std::size_t i = 0; i < 16; ++i) out.word[i] = f(i);
    return out;
  }
  template <typename F>
  static Reg of_limbs(F&& f) {
    Reg out;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint64_t v = f(i);
      out.word[2 * i] = static_cast<std::uint32_t>(v);
      out.word[2 * i + 1] = static_cast<std::uint32_t>(v >> 32U);
    }
    return out;
  }

  static Reg zero() { return words(0); }
  static Reg load(const void* from) {
    Reg out;
    std::memcpy(&out, from, sizeof out);
    return out;
  }
  static void store(void* to, Reg v) { std::memcpy(to, &v, sizeof v); }
  static Reg load_first(const std::uint8_t* from, std::size_t n) {
    Reg out = zero();
    if (n != 0) std::memcpy(&out, from, n);
    return out;
  }
  static void store_first(std::uint8_t* to, Reg v, std::size_t n) {
    if (n != 0) std::memcpy(to, &v, n);
  }

  static Reg words(std::uint32_t v) {
    return of_words([=](auto) { return v; });
  }
  static Reg add(Reg a, Reg b) {
    return of_words([&](auto i) { return a.word[i] + b.word[i]; });
  }
  static Reg bit_xor(Reg a, Reg b) {
    return of_words([&](auto i) { return a.word[i] ^ b.word[i]; });
  }
  static Reg bit_and(Reg a, Reg b) {
    return of_words([&](auto i) { return a.word[i] & b.word[i]; });
  }
  static Reg bit_or(Reg a, Reg b) {
    return of_words([&](auto i) { return a.word[i] | b.word[i]; });
  }
  template <int kBits>
  static Reg rotate(Reg v) {
    return of_words([&](auto i) { return v.word[i] << unsigned{kBits} | v.word[i] >> (32U - unsigned{kBits}); });
  }

  static Reg limbs(std::uint64_t v) {
    return of_limbs([=](auto) { return v; });
  }
  static Reg add_limbs(Reg a, Reg b) {
    return of_limbs([&](auto i) { return a.limb(i) + b.limb(i); });
  }
  template <unsigned kBits>
  static Reg left(Reg v) {
    return of_limbs([&](auto i) { return v.limb(i) << kBits; });
  }
  template <unsigned kBits>
  static Reg right(Reg v) {
    return of_limbs([&](auto i) { return v.limb(i) >> kBits; });
  }
  static Reg add_low_product(Reg sum, Reg a, Reg b) {
    return of_limbs([&](auto i) { return sum.limb(i) + (low_52(a.limb(i)) * low_52(b.limb(i)) & k52); });
  }
  /// In three products of half the length: the high half of 104 bits, without a type of 128.
  static Reg add_high_product(Reg sum, Reg a, Reg b) {
    return of_limbs([&](auto i) {
      const std::uint64_t x = low_52(a.limb(i)), y = low_52(b.limb(i));
      const std::uint64_t x1 = x >> 26U, x0 = x & k26, y1 = y >> 26U, y0 = y & k26;
      const std::uint64_t middle = (x0 * y0 >> 26U) + (x1 * y0 & k26) + (x0 * y1 & k26);
      return sum.limb(i) + x1 * y1 + (x1 * y0 >> 26U) + (x0 * y1 >> 26U) + (middle >> 26U);
    });
  }
  static Mask with_any(Reg v, Reg bits) {
    unsigned out = 0;
    for (std::size_t i = 0; i < 8; ++i) out |= ((v.limb(i) & bits.limb(i)) != 0 ? 1U : 0U) << i;
    return static_cast<Mask>(out);
  }
  static Reg select(Mask mask, Reg a, Reg b) {
    return of_limbs([&](auto i) { return (mask >> i & 1U) != 0 ? a.limb(i) : b.limb(i); });
  }
  static Reg carries(Reg sum, Reg part) {
    return of_limbs([&](auto i) { return sum.limb(i) < part.limb(i) ? std::uint64_t{1} : std::uint64_t{0}; });
  }
  static void transpose(Reg (&x)[16]) {
    for (std::size_t i = 0; i < 16; ++i) {
      for (std::size_t j = 0; j < i; ++j) std::swap(x[i].word[j], x[j].word[i]);
    }
  }
  static void load_halves(const std::uint8_t* const (&from)[8], std::size_t offset, Reg& low, Reg& high) {
    low = of_limbs([&](auto i) { return word_at<std::uint64_t>(from[i] + offset); });
    high = of_limbs([&](auto i) { return word_at<std::uint64_t>(from[i] + offset + 8); });
  }
  static void store_halves(Block* to, Reg low, Reg high) {
    for (std::size_t i = 0; i < 8; ++i) store_block(to + i, block_of(low.limb(i), high.limb(i)));
  }

 private:
  static constexpr std::uint64_t k52 = (std::uint64_t{1} << 52U) - 1, k26 = (std::uint64_t{1} << 26U) - 1;
  static std::uint64_t low_52(std::uint64_t v) { return v & k52; }
};

inline const ChaChaKernel* plain_chacha_kernel() {
  return &kChaChaKernel<PlainWide>;
}

}  // namespace testudo::crypto::native
#else
#include "crypto/native/chacha_kernel.h"

namespace testudo::crypto::native {

inline const ChaChaKernel* plain_chacha_kernel() {
  return nullptr;
}

}  // namespace testudo::crypto::native
#endif
