#pragma once
// The kernel's random generator as the Random of the pure parts.
#include <array>

#include "base/random.h"

namespace testudo::io {

/// getrandom(2).  Blocks only until the kernel's pool is seeded, at boot; ends the process should the kernel refuse,
/// because going on with predictable SPIs and IVs would be worse.  Fetched ahead, because IVs are wanted for each
/// packet; what was given is wiped.  A process that forks does so before the first fill().  One thread.
class KernelRandom final : public Random {
 public:
  KernelRandom() = default;
  KernelRandom(const KernelRandom&) = delete;
  KernelRandom& operator=(const KernelRandom&) = delete;
  ~KernelRandom() override;

  void fill(MutableBytes out) override;

 private:
  std::array<std::uint8_t, 2048> ahead_{};
  std::size_t left_ = 0;  ///< of ahead_, at its end
};

}  // namespace testudo::io
