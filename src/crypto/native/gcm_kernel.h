#pragma once
// The kernels of one set of lanes, as gcm.cc chooses among them.
#include <span>

#include "crypto/native/gcm_key.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

struct GcmKernel {
  using Run = void (*)(const GcmSa& sa, std::span<Job> jobs);

  void (*expand)(Bytes key, GcmSa& out);  ///< an AES key of 16, 24 or 32 bytes
  Run seal, open;
};

/// Null in a build for another processor; else for machines that have the instructions only (cpu.h).
const GcmKernel* gcm_kernel_256();
const GcmKernel* gcm_kernel_512();

}  // namespace testudo::crypto::native
