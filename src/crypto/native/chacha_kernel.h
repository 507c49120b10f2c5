#pragma once
// The kernel of ChaCha20-Poly1305, as chacha.cc takes it, and what it keeps of a key.
#include <array>
#include <span>

#include "base/secret.h"
#include "crypto/job_shape.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

/// A keyed SA.  Wiped when it goes.  Immutable once filled, free to share.
struct ChaChaSa {
  std::array<std::uint8_t, 32> key{};
  std::array<std::uint8_t, 4> salt{};
  JobShape shape{};

  ChaChaSa() = default;
  ChaChaSa(const ChaChaSa&) = default;
  ChaChaSa& operator=(const ChaChaSa&) = default;
  ~ChaChaSa() {
    wipe(key);
    wipe(salt);
  }
};

struct ChaChaKernel {
  using Run = void (*)(const ChaChaSa& sa, std::span<Job> jobs);
  Run seal, open;
};

/// Null in a build for another processor; else for machines that have the instructions only (cpu.h).
const ChaChaKernel* chacha_kernel_512();

}  // namespace testudo::crypto::native
