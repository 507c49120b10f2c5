#pragma once
// The table of kernels of the set of lanes that the including file is compiled for.
#ifdef __x86_64__
#include "crypto/native/gcm_flight.h"
#include "crypto/native/gcm_kernel.h"

namespace testudo::crypto::native {

template <typename V, std::size_t kRounds>
TESTUDO_KERNEL_TARGET void expand(Bytes key, GcmKey& out) {
  expand_round_keys(key, out);
  typename V::Reg zeros[1] = {V::zero()};
  encrypt<V, kRounds>(out, zeros);
  fill_powers<V>(V::first_lane(zeros[0]), out);
}

template <typename V, std::size_t kRounds, Direction kDirection>
TESTUDO_KERNEL_TARGET void run(const GcmSa& sa, std::span<Job> jobs) {
  Flight<V, kRounds, kDirection>{sa}.run(jobs);
}

template <typename V, std::size_t kKeyBytes>
constexpr GcmKernel kernel_for() {
  constexpr std::size_t kRounds = kKeyBytes / 4 + 6;
  return {kKeyBytes, expand<V, kRounds>, run<V, kRounds, Direction::Seal>, run<V, kRounds, Direction::Open>};
}

template <typename V>
inline constexpr std::array kGcmKernels{kernel_for<V, 16>(), kernel_for<V, 24>(), kernel_for<V, 32>()};

}  // namespace testudo::crypto::native
#endif
