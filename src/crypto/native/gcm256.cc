#include "crypto/native/gcm_entry.h"

namespace testudo::crypto::native {

const GcmKernel* gcm_kernel_256() {
#ifdef __x86_64__
  return &kGcmKernel<Lanes>;
#else
  return nullptr;
#endif
}

}  // namespace testudo::crypto::native
