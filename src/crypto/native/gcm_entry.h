#pragma once
// The kernel of the set of lanes that the including file is compiled for.
#ifdef __x86_64__
#include "crypto/native/gcm_flight.h"
#include "crypto/native/gcm_kernel.h"

namespace testudo::crypto::native {

template <typename V>
TESTUDO_KERNEL_TARGET void expand(Bytes key, GcmSa& out) {
  expand_round_keys(key, out);
  typename V::Reg zeros[1] = {V::zero()};
  encrypt<V>(RoundKeys<V>{out}, zeros);
  fill_powers<V>(V::first_lane(zeros[0]), out.key);
}

template <typename V, Direction kDirection>
TESTUDO_KERNEL_TARGET void run(const GcmSa& sa, std::span<Job> jobs) {
  Flight<V, kDirection>{sa}.run(jobs);
}

template <typename V>
inline constexpr GcmKernel kGcmKernel{expand<V>, run<V, Direction::Seal>, run<V, Direction::Open>};

}  // namespace testudo::crypto::native
#endif
