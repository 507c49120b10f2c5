#define TESTUDO_LANES_512
// g++ 12 warns of the undefined operands in its own AVX-512 header (PR 105593).
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/native/chacha_entry.h"
#include "crypto/native/wide512.h"

namespace testudo::crypto::native {

const ChaChaKernel* chacha_kernel_512() {
#ifdef __x86_64__
  return &kChaChaKernel<Wide512>;
#else
  return nullptr;
#endif
}

}  // namespace testudo::crypto::native
