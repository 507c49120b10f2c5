#include "crypto/native/gcm.h"

#include <algorithm>

#include "crypto/native/cpu.h"
#include "crypto/native/gcm_kernel.h"

namespace testudo::crypto::native {
namespace {

class Gcm final : public Suite {
 public:
  Gcm(const GcmKernel& kernel, const CipherRow& row, Bytes key) : kernel_(kernel) {
    kernel.expand(key.first(key.size() - row.salt), sa_);
    std::ranges::copy(key.last(row.salt), sa_.salt.begin());
    sa_.shape = JobShape::of(row, nullptr);
  }

  void seal(std::span<Job> jobs) override { kernel_.seal(sa_, jobs); }
  void open(std::span<Job> jobs) override { kernel_.open(sa_, jobs); }
  std::unique_ptr<Suite> clone() const override { return std::make_unique<Gcm>(*this); }

 private:
  GcmSa sa_{};
  const GcmKernel& kernel_;
};

const GcmKernel* kernel_of(GcmLanes lanes) {
  if (lanes == GcmLanes::Widest && has_vaes_512()) return gcm_kernel_512();
  return has_vaes_256() ? gcm_kernel_256() : nullptr;
}

}  // namespace

std::unique_ptr<Suite> make_gcm(const CipherRow& row, Bytes key, GcmLanes lanes) {
  const GcmKernel* const kernel = kernel_of(lanes);
  if (row.kind != CipherKind::AesGcm || kernel == nullptr) return nullptr;
  return std::make_unique<Gcm>(*kernel, row, key);
}

bool makes(const CipherRow& row) {
  return row.kind == CipherKind::AesGcm && kernel_of(GcmLanes::Widest) != nullptr;
}

std::string_view gcm_lanes() {
  return has_vaes_512() ? "vaes-512" : has_vaes_256() ? "vaes-256" : "";
}

}  // namespace testudo::crypto::native
