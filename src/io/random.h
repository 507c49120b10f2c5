#pragma once
// The kernel's random generator as the Random of the pure parts.
#include "base/random.h"

namespace testudo::io {

/// getrandom(2).  Blocks only until the kernel's pool is seeded, at boot; ends the process should the kernel refuse,
/// because going on with predictable SPIs and IVs would be worse.  Any thread.
class KernelRandom final : public Random {
 public:
  void fill(MutableBytes out) override;
};

}  // namespace testudo::io
