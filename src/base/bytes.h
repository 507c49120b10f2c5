#pragma once
// Views of raw bytes, and nothing else.  Every buffer of the project is spoken of through these two names.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace testudo {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
using ByteVector = std::vector<std::uint8_t>;

/// The bytes of a text, without a terminator.
inline Bytes as_bytes(std::string_view text) {
  // A char may alias anything; this is the one place that says so.
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};  // NOLINT
}

/// The bytes of a string, to overwrite them.
inline MutableBytes as_mutable_bytes(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};  // NOLINT: as above
}

}  // namespace testudo
