#pragma once
// Jobs in flight in a thread's manager: submitted one by one, flushed at the end of a batch.  The user_data of every
// job points to a bool that says afterwards whether the library completed it.
#ifdef TESTUDO_HAVE_IPSECMB
#include <algorithm>
#include <span>

#include "crypto/ipsecmb/manager.h"
#include "crypto/suite.h"

namespace testudo::crypto::ipsecmb {

/// Jobs in flight at once; a manager has room for 256.
inline constexpr std::size_t kBatch = 64;

inline void note(const IMB_JOB& done) {
  *static_cast<bool*>(done.user_data) = done.status == IMB_STATUS_COMPLETED;
}

/// Submits the job that IMB_GET_NEXT_JOB gave.
inline void submit_next(IMB_MGR& m) {
  for (auto* done = IMB_SUBMIT_JOB(&m); done != nullptr; done = IMB_GET_COMPLETED_JOB(&m)) note(*done);
}

inline void land_all(IMB_MGR& m) {
  while (auto* done = IMB_FLUSH_JOB(&m)) note(*done);
}

/// run_batch(manager, up to kBatch jobs), until all jobs are done; all are refused where there is no manager.
template <typename RunBatch>
void for_each_batch(std::span<Job> jobs, RunBatch&& run_batch) {
  IMB_MGR* const m = manager();
  for (Job& job : jobs) job.ok = m != nullptr;
  while (m != nullptr && !jobs.empty()) {
    const std::size_t n = std::min(kBatch, jobs.size());
    run_batch(*m, jobs.first(n));
    jobs = jobs.subspan(n);
  }
}

}  // namespace testudo::crypto::ipsecmb
#endif
