#pragma once
// Any Cipher with any Mac as a Suite: RFC 4303 section 3.3.2.1 (encrypt first, then authenticate the
// ciphertext). One packet at a time; the back ends that work on many at once have their own Suite.
#include <memory>
#include <utility>

#include "crypto/cipher.h"
#include "crypto/job_shape.h"
#include "crypto/suite.h"

namespace testudo::crypto {

class EncryptThenMac final : public Suite {
 public:
  /// mac is null for a suite without authentication.
  EncryptThenMac(JobShape shape, std::unique_ptr<Cipher> cipher, std::unique_ptr<Mac> mac)
      : shape_(shape), cipher_(std::move(cipher)), mac_(std::move(mac)) {}

  void seal(std::span<Job> jobs) override;
  void open(std::span<Job> jobs) override;
  std::unique_ptr<Suite> clone() const override;

 private:
  bool seal_one(Job& job);
  bool open_one(Job& job);

  JobShape shape_;
  std::unique_ptr<Cipher> cipher_;
  std::unique_ptr<Mac> mac_;
};

}  // namespace testudo::crypto
