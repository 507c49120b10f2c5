#pragma once
// Which vectors of AES blocks this machine has: asked of the processor (cpuid) and of the kernel, which must save the
// registers (xgetbv).  Immutable, free to share.

namespace testudo::crypto::native {

/// AVX2, VAES and VPCLMULQDQ.
bool has_vaes_256();

/// The same with AVX-512 and its products of 52 bits (IFMA), which every processor with the rest has.
bool has_vaes_512();

}  // namespace testudo::crypto::native
