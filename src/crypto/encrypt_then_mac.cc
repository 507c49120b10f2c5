#include "crypto/encrypt_then_mac.h"

#include <array>

#include "crypto/tag.h"

namespace testudo::crypto {

void EncryptThenMac::seal(std::span<Job> jobs) {
  for (Job& job : jobs) job.ok = shape_.fits(job) && seal_one(job);
}

void EncryptThenMac::open(std::span<Job> jobs) {
  for (Job& job : jobs) job.ok = shape_.fits(job) && open_one(job);
}

std::unique_ptr<Suite> EncryptThenMac::clone() const {
  auto cipher = cipher_->clone();
  auto mac = mac_ ? mac_->clone() : nullptr;
  if (!cipher || (mac_ && !mac)) return nullptr;
  return std::make_unique<EncryptThenMac>(shape_, std::move(cipher), std::move(mac));
}

bool EncryptThenMac::seal_one(Job& job) {
  if (!cipher_->encrypt(job.iv, job.text)) return false;
  if (!mac_) return true;
  const std::array<Bytes, 3> pieces{job.head, job.text, job.tail};
  mac_->compute(pieces, job.icv);
  return true;
}

bool EncryptThenMac::open_one(Job& job) {
  if (mac_) {
    std::array<std::uint8_t, 64> tag{};
    const std::array<Bytes, 3> pieces{job.head, job.text, job.tail};
    mac_->compute(pieces, MutableBytes{tag}.first(shape_.icv));
    if (!same_tag(job.icv, tag.data())) return false;
  }
  return cipher_->decrypt(job.iv, job.text);
}

}  // namespace testudo::crypto
