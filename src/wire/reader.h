#pragma once
// The one cursor over bytes that strangers send.  Nothing else in the tree subtracts sizes.  A failed read leaves the
// cursor where it was.  Integers are network order unless the name says host.
#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/endian.h"
#include "base/result.h"

namespace testudo::wire {

/// Why bytes are not what they claim to be.  Parsers carry no text.
enum class Malformed : std::uint8_t {
  Truncated,    ///< fewer bytes than a length or a fixed part asks for
  BadLength,    ///< a length field that contradicts itself or its surroundings
  BadValue,     ///< a value that its field does not allow
  BadVersion,   ///< neither IPv4 nor IPv6, or not PF_KEY version 2
  TooDeep,      ///< more nested or chained headers than anybody sends
  Unsupported,  ///< well-formed, but not for us (jumbogram, unknown extension header)
};

class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  std::size_t remaining() const { return rest_.size(); }
  bool empty() const { return rest_.empty(); }
  Bytes rest() const { return rest_; }

  Result<std::uint8_t, Malformed> u8() {
    return integer<std::uint8_t>([](const std::uint8_t* p) { return *p; });
  }
  Result<std::uint16_t, Malformed> u16() { return integer<std::uint16_t>(be16); }
  Result<std::uint32_t, Malformed> u32() { return integer<std::uint32_t>(be32); }
  Result<std::uint64_t, Malformed> u64() { return integer<std::uint64_t>(be64); }

  Result<std::uint16_t, Malformed> host16() { return integer<std::uint16_t>(host<std::uint16_t>); }
  Result<std::uint32_t, Malformed> host32() { return integer<std::uint32_t>(host<std::uint32_t>); }
  Result<std::uint64_t, Malformed> host64() { return integer<std::uint64_t>(host<std::uint64_t>); }

  /// The next n bytes, as a view.
  Result<Bytes, Malformed> take(std::size_t n) {
    if (n > rest_.size()) return Failure{Malformed::Truncated};
    const Bytes taken = rest_.first(n);
    rest_ = rest_.subspan(n);
    return taken;
  }
  /// The last n bytes, as a view.
  Result<Bytes, Malformed> take_back(std::size_t n) {
    if (n > rest_.size()) return Failure{Malformed::Truncated};
    const Bytes taken = rest_.last(n);
    rest_ = rest_.first(rest_.size() - n);
    return taken;
  }
  Status<Malformed> skip(std::size_t n) {
    if (n > rest_.size()) return Failure{Malformed::Truncated};
    rest_ = rest_.subspan(n);
    return Done{};
  }

 private:
  template <typename T>
  static T host(const std::uint8_t* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }
  template <typename T, typename Load>
  Result<T, Malformed> integer(Load load) {
    if (rest_.size() < sizeof(T)) return Failure{Malformed::Truncated};
    const T value = load(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }

  Bytes rest_;
};

}  // namespace testudo::wire
