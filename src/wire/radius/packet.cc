#include "wire/radius/packet.h"

#include "wire/writer.h"

namespace testudo::wire::radius {

const Attribute* Packet::find(std::uint8_t type) const {
  const auto found = std::ranges::find(attributes, type, &Attribute::type);
  return found == attributes.end() ? nullptr : &*found;
}

Result<Packet, Malformed> parse(Bytes datagram) {
  Reader in{datagram};
  Packet packet;
  TRY(packet.code, in.u8());
  TRY(packet.id, in.u8());
  TRY(const std::size_t length, in.u16());
  if (length < kHeader || length > kLongest) return Failure{Malformed::BadLength};
  TRY(packet.whole, Reader{datagram}.take(length));
  TRY(const Bytes authenticator, in.take(packet.authenticator.size()));
  std::ranges::copy(authenticator, packet.authenticator.begin());
  TRY(const Bytes list, in.take(length - kHeader));
  for (Reader rest{list}; !rest.empty();) {
    TRY(const auto type, rest.u8());
    TRY(const auto size, rest.u8());
    if (size < 2) return Failure{Malformed::BadLength};
    const std::size_t offset = length - rest.remaining();
    TRY(const Bytes value, rest.take(size - 2U));
    packet.attributes.push_back({type, value, offset});
  }
  return packet;
}

bool Attributes::add(std::uint8_t type, Bytes value) {
  if (value.empty() || value.size() > kLongestValue) return false;
  all_.push_back(type);
  all_.push_back(static_cast<std::uint8_t>(value.size() + 2));
  all_.insert(all_.end(), value.begin(), value.end());
  return true;
}

void Attributes::add_number(std::uint8_t type, std::uint32_t number) {
  std::array<std::uint8_t, 4> value{};
  put_be32(value.data(), number);
  add(type, value);
}

ByteVector compose(Code code, std::uint8_t id, const Authenticator& authenticator, Bytes attributes) {
  Writer out;
  out.u8(static_cast<std::uint8_t>(code)).u8(id).u16(static_cast<std::uint16_t>(kHeader + attributes.size()));
  out.raw(authenticator).raw(attributes);
  return out.take();
}

}  // namespace testudo::wire::radius
