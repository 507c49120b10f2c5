#pragma once
// The kernel of one kind of registers: what a run of packets becomes.
#ifdef __x86_64__
#include "crypto/native/chacha_flight.h"

namespace testudo::crypto::native {

/// Packets of like lengths fly together: in a flight the lanes of short ones wait for the longest.
template <typename V, Direction kDirection>
TESTUDO_KERNEL_TARGET void run_chacha(const ChaChaSa& sa, std::span<Job> jobs) {
  constexpr std::size_t kCrowd = 64;
  using Flight = ChaChaFlight<V, kDirection>;
  Flight flight{sa};
  while (!jobs.empty()) {
    Job* crowd[kCrowd];
    std::size_t count = 0;
    for (Job& job : jobs.first(std::min(kCrowd, jobs.size()))) {
      job.ok = sa.shape.fits(job);
      if (job.ok) crowd[count++] = &job;
    }
    jobs = jobs.subspan(std::min(kCrowd, jobs.size()));
    const std::span<Job*> all{crowd, count};
    const auto longer = [](const Job* a, const Job* b) { return a->text.size() > b->text.size(); };
    if (!std::ranges::is_sorted(all, longer)) std::ranges::sort(all, longer);
    for (std::size_t from = 0; from < count; from += Flight::kSeats) {
      flight.fly(all.subspan(from, std::min(Flight::kSeats, count - from)));
    }
  }
}

template <typename V>
inline constexpr ChaChaKernel kChaChaKernel{run_chacha<V, Direction::Seal>, run_chacha<V, Direction::Open>};

}  // namespace testudo::crypto::native
#endif
