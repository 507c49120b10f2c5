#pragma once
// The kernels of one set of lanes, as gcm.cc chooses among them.
#include <span>

#include "crypto/native/gcm_key.h"
#include "crypto/suite.h"

namespace testudo::crypto::native {

struct GcmKernel {
  using Run = void (*)(const GcmSa& sa, std::span<Job> jobs);

  std::size_t key_bytes;
  void (*expand)(Bytes key, GcmKey& out);
  Run seal, open;
};

/// For AES keys of 16, 24 and 32 bytes.
std::span<const GcmKernel> gcm_kernels_256();
std::span<const GcmKernel> gcm_kernels_512();

}  // namespace testudo::crypto::native
