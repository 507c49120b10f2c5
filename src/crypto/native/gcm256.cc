#include "crypto/native/gcm_entry.h"

namespace testudo::crypto::native {

std::span<const GcmKernel> gcm_kernels_256() {
#ifdef __x86_64__
  return kGcmKernels<Lanes>;
#else
  return {};
#endif
}

}  // namespace testudo::crypto::native
