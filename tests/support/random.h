#pragma once
// Randomness that gives the same numbers on every run: splitmix64 from a seed that the test names.
#include <cstdint>

#include "base/random.h"

namespace testudo::test {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : state_(seed) {}

  void fill(MutableBytes out) override {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = next();
      out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
  }

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// 0 … n-1; n is small against 2^64, so the bias does not matter to a test.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(next() % n); }
  bool chance(std::uint32_t percent) { return below(100) < percent; }
  ByteVector bytes(std::size_t n) {
    ByteVector out(n);
    fill(out);
    return out;
  }

 private:
  std::uint64_t state_;
};

}  // namespace testudo::test
