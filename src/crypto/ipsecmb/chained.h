#pragma once
// A cipher chained with a MAC by the library's job interface, which works on many packets at once (CBC encryption and
// the hashes are serial within one packet).  A run of jobs is submitted whole and flushed, so nothing stays behind in
// the manager between two calls, and suites of one thread may take turns.
#ifdef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/keys.h"
#include "crypto/job_shape.h"

namespace testudo::crypto::ipsecmb {

class Chained final : public Suite {
 public:
  Chained(JobShape shape, const CipherKeys& cipher, const MacKeys& mac);
  Chained(const Chained& other) : Chained(other.shape_, other.cipher_, other.mac_) {}
  Chained& operator=(const Chained&) = delete;

  void seal(std::span<Job> jobs) override;
  void open(std::span<Job> jobs) override;
  std::unique_ptr<Suite> clone() const override { return std::make_unique<Chained>(*this); }

 private:
  struct Slot;

  IMB_JOB pattern(IMB_CIPHER_DIRECTION direction) const;
  bool authenticates() const { return mac_.algorithm != IMB_AUTH_NULL; }
  bool acceptable(const Job& job) const;
  bool reads_beyond(const Job& job) const;
  bool lies_in_one_piece(const Job& job) const;
  void run_batch(IMB_MGR& m, std::span<Job> jobs, const IMB_JOB& pattern);
  void reserve_scratch(std::span<const Job> jobs);
  void start(Job& job, Slot& slot);
  void describe(IMB_JOB& out, const Job& job, Slot& slot, const IMB_JOB& pattern) const;
  void finish(Job& job, Slot& slot, bool sealing) const;

  JobShape shape_;
  CipherKeys cipher_;
  MacKeys mac_;
  IMB_JOB sealing_, opening_;  ///< what is the same for each packet; they point into the keys above
  ByteVector scratch_;         ///< jobs that do not lie in one piece are gathered here
  std::size_t scratch_used_ = 0;
};

}  // namespace testudo::crypto::ipsecmb
#endif
