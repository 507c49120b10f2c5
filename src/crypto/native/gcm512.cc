#define TESTUDO_LANES_512
// g++ 12 warns of the undefined operands in its own AVX-512 header (PR 105593).
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/native/gcm_entry.h"

namespace testudo::crypto::native {

const GcmKernel* gcm_kernel_512() {
#ifdef __x86_64__
  return &kGcmKernel<Lanes>;
#else
  return nullptr;
#endif
}

}  // namespace testudo::crypto::native
