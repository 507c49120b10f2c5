#pragma once
// Wiping what a kernel kept on its stack.
#ifdef __x86_64__
#include "crypto/native/lanes.h"

namespace testudo::crypto::native {

/// Wipes a whole number of registers, in a way that no optimiser removes.
template <typename V, typename T>
TESTUDO_KERNEL void forget(T& secrets) {
  static_assert(sizeof secrets % V::kBytes == 0);
  auto* const bytes = static_cast<std::uint8_t*>(static_cast<void*>(&secrets));
  for (std::size_t i = 0; i < sizeof secrets; i += V::kBytes) {
    V::store(bytes + i, V::zero());
    __asm__ volatile("" : : "r"(bytes) : "memory");
  }
}

}  // namespace testudo::crypto::native
#endif
