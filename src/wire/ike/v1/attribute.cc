#include "wire/ike/v1/attribute.h"

#include <array>

namespace testudo::wire::ike::v1 {
namespace {

constexpr std::uint16_t kShortBit = 0x8000;

}  // namespace

std::optional<std::uint64_t> Attribute::number() const {
  if (value.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (const std::uint8_t byte : value) {
    if (number >> 56 != 0) return std::nullopt;
    number = (number << 8) | byte;
  }
  return number;
}

Attribute Attribute::of(std::uint16_t type, std::uint32_t value) {
  Writer out;
  if (value <= 0xffff) return {type, true, out.u16(static_cast<std::uint16_t>(value)).take()};
  return {type, false, out.u32(value).take()};
}

Result<std::vector<Attribute>, Malformed> parse_attributes(Bytes bytes) {
  std::vector<Attribute> attributes;
  for (Reader in{bytes}; !in.empty();) {
    if (attributes.size() == kMaxAttributes) return Failure{Malformed::TooDeep};
    TRY(const std::uint16_t type, in.u16());
    const bool is_short = (type & kShortBit) != 0;
    std::size_t length = 2;
    if (!is_short) {
      TRY(length, in.u16());
    }
    TRY(const Bytes value, in.take(length));
    attributes.push_back({static_cast<std::uint16_t>(type & ~kShortBit), is_short, {value.begin(), value.end()}});
  }
  return attributes;
}

void compose_attributes(const std::vector<Attribute>& attributes, Writer& out) {
  for (const Attribute& attribute : attributes) {
    out.u16(static_cast<std::uint16_t>(attribute.type | (attribute.is_short ? kShortBit : 0)));
    if (!attribute.is_short) out.u16(static_cast<std::uint16_t>(attribute.value.size()));
    out.raw(attribute.value);
  }
}

}  // namespace testudo::wire::ike::v1
