#pragma once
// Data attributes, RFC 2408 section 3.3: type and value in four bytes (TV), or type, length and value (TLV).
//
//   TV   |1| type, 15 bits |      value, 2      |
//   TLV  |0| type, 15 bits |      length, 2     |  value …
#include <optional>
#include <vector>

#include "wire/reader.h"
#include "wire/writer.h"

namespace testudo::wire::ike::v1 {

struct Attribute {
  std::uint16_t type = 0;  ///< without the format bit
  bool is_short = true;    ///< TV; kept so that an answer can repeat the offer byte by byte
  ByteVector value;        ///< two bytes when short

  /// As a number in network order; nothing when it has none or more than eight bytes that matter.
  std::optional<std::uint64_t> number() const;

  /// TV when the value fits, else a TLV of four bytes.
  static Attribute of(std::uint16_t type, std::uint32_t value);
  static Attribute of(std::uint16_t type, Bytes value) { return {type, false, {value.begin(), value.end()}}; }

  friend bool operator==(const Attribute&, const Attribute&) = default;
};

inline constexpr std::size_t kMaxAttributes = 64;

/// Everything up to the end of the bytes.
Result<std::vector<Attribute>, Malformed> parse_attributes(Bytes bytes);
void compose_attributes(const std::vector<Attribute>& attributes, Writer& out);

}  // namespace testudo::wire::ike::v1
