#pragma once
// Bytes written as hexadecimal digits, for vectors.
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace testudo::crypto {

inline int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Anything that is no digit separates.
inline ByteVector hex(std::string_view text) {
  ByteVector out;
  int high = -1;
  for (const char c : text) {
    const int n = nibble(c);
    if (n < 0) continue;
    if (high >= 0) out.push_back(static_cast<std::uint8_t>(high * 16 + n));
    high = high >= 0 ? -1 : n;
  }
  return out;
}

inline std::string to_hex(Bytes bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const auto byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

inline ByteVector text_bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

inline ByteVector join(Bytes a, Bytes b) {
  ByteVector out(a.begin(), a.end());
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

}  // namespace testudo::crypto
