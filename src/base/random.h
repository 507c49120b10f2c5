#pragma once
#include "base/bytes.h"

namespace testudo {

/// Randomness as an argument.  app/ implements it with the kernel's generator, tests with a seeded one.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes out) = 0;

  /// A number in [low, high], both included, without modulo bias.
  std::uint32_t between(std::uint32_t low, std::uint32_t high);

 protected:
  Random() = default;
  Random(const Random&) = default;
  Random& operator=(const Random&) = default;
};

}  // namespace testudo
