#pragma once
// Say the fields once; the length follows.  For messages that are built rarely (PF_KEY, ICMP); packets are written in
// place.
// Keys may be among the fields: where the buffer has to grow, what it leaves behind is wiped.
//   Writer out;  out.host16(len).u8(type).zeros(1).raw(key).align(8);
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/endian.h"
#include "base/secret.h"

namespace testudo::wire {

class Writer {
 public:
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { wipe(bytes_); }

  Writer& u8(std::uint8_t v) {
    *grow(1) = v;
    return *this;
  }
  Writer& u16(std::uint16_t v) {
    put_be16(grow(2), v);
    return *this;
  }
  Writer& u32(std::uint32_t v) {
    put_be32(grow(4), v);
    return *this;
  }
  Writer& u64(std::uint64_t v) {
    put_be64(grow(8), v);
    return *this;
  }
  Writer& host16(std::uint16_t v) { return host(v); }
  Writer& host32(std::uint32_t v) { return host(v); }
  Writer& host64(std::uint64_t v) { return host(v); }
  Writer& raw(Bytes b) {
    if (!b.empty()) std::memcpy(grow(b.size()), b.data(), b.size());
    return *this;
  }
  Writer& zeros(std::size_t n) {
    grow(n);
    return *this;
  }
  /// Zeros up to the next multiple of n.
  Writer& align(std::size_t n) { return zeros((n - bytes_.size() % n) % n); }

  std::size_t size() const { return bytes_.size(); }
  Bytes bytes() const { return bytes_; }
  /// Overwrites a field written before, for lengths that are known last.
  void patch_host16(std::size_t offset, std::uint16_t v) { std::memcpy(bytes_.data() + offset, &v, sizeof v); }
  ByteVector take() { return std::move(bytes_); }

 private:
  /// `n` zeros at the end.
  std::uint8_t* grow(std::size_t n) {
    const std::size_t before = bytes_.size();
    if (bytes_.capacity() < before + n) {
      ByteVector larger;
      larger.reserve(std::max(2 * bytes_.capacity(), before + n));
      larger.assign(bytes_.begin(), bytes_.end());
      wipe(bytes_);
      bytes_ = std::move(larger);
    }
    bytes_.resize(before + n);
    return bytes_.data() + before;
  }
  template <typename T>
  Writer& host(T v) {
    std::memcpy(grow(sizeof v), &v, sizeof v);
    return *this;
  }
  ByteVector bytes_;
};

}  // namespace testudo::wire
