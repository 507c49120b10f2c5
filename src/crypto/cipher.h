#pragma once
// A confidentiality-only cipher with its key, as encrypt_then_mac.h combines it with a Mac.  Internal to
// crypto/. Not thread-safe.  Never authenticates, never allocates in encrypt and decrypt.
#include <memory>

#include "base/bytes.h"

namespace testudo::crypto {

class Cipher {
 public:
  virtual ~Cipher() = default;
  /// In place; iv and text have the lengths that the algorithm's row asks for.  False when the library
  /// failed.
  virtual bool encrypt(Bytes iv, MutableBytes text) = 0;
  virtual bool decrypt(Bytes iv, MutableBytes text) = 0;
  /// Null when the library failed.
  virtual std::unique_ptr<Cipher> clone() const = 0;

 protected:
  Cipher() = default;
  Cipher(const Cipher&) = default;
  Cipher& operator=(const Cipher&) = default;
};

}  // namespace testudo::crypto
