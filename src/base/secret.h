#pragma once
// Key material.  A Secret moves, never copies by accident, wipes itself, cannot be printed and cannot be compared with
// ==. The word to search for in a review is expose().
#include <cstddef>

#include "base/bytes.h"

namespace testudo {

/// Overwrites memory in a way that no optimiser removes.
void wipe(MutableBytes bytes);

/// Wipes what it was given at the end of its scope: buffers through which keys went.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(ByteVector& bytes) : bytes_(bytes) {}
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;
  ~WipeAtEnd() { wipe(bytes_); }

 private:
  ByteVector& bytes_;
};

/// True when both are equal; the time taken depends only on the length.  Unequal lengths are unequal.
bool equal_constant_time(Bytes a, Bytes b);

class Secret {
 public:
  Secret() = default;
  explicit Secret(Bytes key) : bytes_(key.begin(), key.end()) {}
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe(bytes_);
      bytes_ = std::move(other.bytes_);
      other.bytes_.clear();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(bytes_); }

  Secret clone() const { return Secret{bytes_}; }
  Bytes expose() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  bool operator==(const Secret&) const = delete;

 private:
  ByteVector bytes_;
};

}  // namespace testudo
