#pragma once
// Randomness for each packet, without a call of the kernel for each: 32 bytes of a source become 2 KiB of ChaCha20's
// key stream (RFC 8439 section 2.4), and only those 32 are asked for, a sixty-fourth.  Each portion has a key of its
// own, which is forgotten at once, and what was given is wiped, so that what this object knows tells nothing of the
// past.  Where OpenSSL fails, the source makes all of it.  A process that forks does so before the first fill().  One
// thread.
#include <array>

#include "base/random.h"
#include "crypto/openssl/library.h"

namespace testudo::crypto {

class StretchedRandom final : public Random {
 public:
  /// The source outlives this object.  Loads OpenSSL, so that the first packet does not wait for that.
  explicit StretchedRandom(Random& source);
  StretchedRandom(const StretchedRandom&) = delete;
  StretchedRandom& operator=(const StretchedRandom&) = delete;
  ~StretchedRandom() override;

  void fill(MutableBytes out) override;

 private:
  void fetch();
  bool stretch(MutableBytes out);

  Random& source_;
  openssl::CipherContext context_;  ///< between portions, of a key that says nothing
  std::array<std::uint8_t, 2048> ahead_{};
  std::size_t left_ = 0;  ///< of ahead_, at its end
};

}  // namespace testudo::crypto
