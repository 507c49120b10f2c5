#pragma once
// What a well-formed Job of a suite looks like.  The caller's mistakes must not become ours: an ICV of
// another length than the row's would weaken the check (an empty one would always match), so such a job is
// refused before any key is used. Never looks at the bytes.  Immutable, free to share.
#include "crypto/suite.h"

namespace testudo::crypto {

struct JobShape {
  std::size_t iv = 0;
  std::size_t block = 1;
  std::size_t icv = 0;

  /// mac may be null.
  static JobShape of(const CipherRow& cipher, const MacRow* mac) {
    // In CBC, and only there, the IV is as long as a block; the other modes take text of any length.
    const std::size_t block = cipher.iv == cipher.block ? cipher.block : 1;
    const std::size_t separate = mac == nullptr ? std::size_t{0} : mac->esp_icv();
    return {cipher.iv, block, cipher.is_aead() ? cipher.icv : separate};
  }

  bool fits(const Job& job) const {
    return job.iv.size() == iv && job.icv.size() == icv && job.text.size() % block == 0 && job.tail.size() <= kMaxTail;
  }

  static constexpr std::size_t kMaxTail = 4;
};

}  // namespace testudo::crypto
