#pragma once
// Two suites with the same keys: one that is fast on many packets at once, and one that is fast on few.  ipsec-mb pays
// for all its lanes even when one is in use (one packet of AES-CBC and HMAC-SHA-256 takes it four times as long as
// OpenSSL, of thirty-two each takes it half as long), so short runs go the other way.
#include <memory>
#include <utility>

#include "crypto/suite.h"

namespace testudo::crypto {

class ByRunLength final : public Suite {
 public:
  ByRunLength(std::unique_ptr<Suite> for_many, std::unique_ptr<Suite> for_few)
      : for_many_(std::move(for_many)), for_few_(std::move(for_few)) {}

  void seal(std::span<Job> jobs) override { chosen(jobs).seal(jobs); }
  void open(std::span<Job> jobs) override { chosen(jobs).open(jobs); }
  std::unique_ptr<Suite> clone() const override;

  /// Measured at 1424 bytes with AVX2 and SHA-NI: the two meet between three and six packets.
  static constexpr std::size_t kMany = 4;

 private:
  Suite& chosen(std::span<const Job> jobs) const { return jobs.size() < kMany ? *for_few_ : *for_many_; }

  std::unique_ptr<Suite> for_many_, for_few_;
};

}  // namespace testudo::crypto
