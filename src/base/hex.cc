#include "base/hex.h"

#include <algorithm>

namespace testudo {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

/// 16 or more for what is no digit.
std::size_t value_of(char c) {
  const std::size_t low = kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  return std::min(low, kDigits.size());
}

bool is_digit(char c) {
  return value_of(c) < kDigits.size();
}

}  // namespace

std::string to_hex(Bytes bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string to_hex(std::uint32_t word) {
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[word >> shift & 15];
  return text;
}

std::optional<ByteVector> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0 || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  ByteVector bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(value_of(digits[i]) << 4 | value_of(digits[i + 1])));
  }
  return bytes;
}

}  // namespace testudo
