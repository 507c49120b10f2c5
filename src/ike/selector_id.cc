#include "ike/selector_id.h"

#include <algorithm>

namespace testudo::ike {
namespace {

using wire::ike::v1::Identification;
using wire::ike::v1::IdType;

ByteVector mask_bytes(unsigned length, std::size_t size) {
  ByteVector mask(size);
  for (std::size_t i = 0; i < size && length > 0; ++i) {
    const unsigned bits = length < 8 ? length : 8;
    mask[i] = static_cast<std::uint8_t>(0xff00 >> bits);
    length -= bits;
  }
  return mask;
}

std::optional<unsigned> length_of(Bytes mask) {
  unsigned length = 0;
  while (length < mask.size() * 8 && (mask[length / 8] & (0x80 >> (length % 8))) != 0) ++length;
  const ByteVector again = mask_bytes(length, mask.size());
  return std::ranges::equal(again, mask) ? std::optional{length} : std::nullopt;
}

std::optional<net::Address> address_of(Bytes bytes) {
  if (bytes.size() == 4) return net::Address::v4(bytes.first<4>());
  if (bytes.size() == 16) return net::Address::v6(bytes.first<16>());
  return std::nullopt;
}

std::string upper_layer(std::uint8_t protocol, std::uint16_t port) {
  std::string text;
  if (protocol != net::protocol::kAny) {
    const auto name = net::protocol_name(protocol);
    text = " " + (name ? std::string{*name} : "protocol " + std::to_string(protocol));
  }
  return port == 0 ? text : text + " port " + std::to_string(port);
}

std::string prefix_text(const net::Prefix& prefix) {
  return prefix.length == prefix.address.width() ? prefix.address.to_string() : prefix.to_string();
}

std::uint8_t selector_protocol(const Identification& id) {
  return id.protocol == 0 ? net::protocol::kAny : id.protocol;
}

bool overlap(const net::Prefix& one, const net::Prefix& other) {
  return one.address.family() == other.address.family() && (one.contains(other.address) || other.contains(one.address));
}

bool overlap(std::uint16_t one, std::uint16_t other) {
  return one == 0 || other == 0 || one == other;
}

}  // namespace

Identification id_of(const net::Prefix& prefix, std::uint8_t protocol, std::uint16_t port) {
  Identification id;
  id.protocol = protocol == net::protocol::kAny ? std::uint8_t{0} : protocol;
  id.port = port;
  const net::Address network = prefix.masked();
  const Bytes bytes = network.bytes();
  id.data.assign(bytes.begin(), bytes.end());
  const bool host = prefix.length == network.width();
  if (host) {
    id.type = network.is_v4() ? IdType::V4Address : IdType::V6Address;
    return id;
  }
  id.type = network.is_v4() ? IdType::V4Subnet : IdType::V6Subnet;
  const ByteVector mask = mask_bytes(prefix.length, bytes.size());
  id.data.insert(id.data.end(), mask.begin(), mask.end());
  return id;
}

std::optional<net::Prefix> prefix_of(const Identification& id) {
  const Bytes data{id.data};
  switch (id.type) {
    case IdType::V4Address:
    case IdType::V6Address: {
      const auto address = address_of(data);
      return address ? std::optional{net::Prefix::host(*address)} : std::nullopt;
    }
    case IdType::V4Subnet:
    case IdType::V6Subnet: {
      const auto address = address_of(data.first(data.size() / 2));
      const auto length = length_of(data.subspan(data.size() / 2));
      return address && length ? std::optional{net::Prefix{*address, *length}} : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<net::Selector> selector_of(const Identification& source, const Identification& destination) {
  const auto from = prefix_of(source);
  const auto to = prefix_of(destination);
  if (!from || !to || source.protocol != destination.protocol) return std::nullopt;
  return net::Selector{*from, *to, selector_protocol(source), source.port, destination.port};
}

net::Selector mirrored(const net::Selector& s) {
  return {s.destination, s.source, s.protocol, s.destination_port, s.source_port};
}

bool overlap(const net::Selector& one, const net::Selector& other) {
  using net::protocol::kAny;
  const bool protocols = one.protocol == kAny || other.protocol == kAny || one.protocol == other.protocol;
  return protocols && overlap(one.source, other.source) && overlap(one.destination, other.destination) &&
         overlap(one.source_port, other.source_port) && overlap(one.destination_port, other.destination_port);
}

std::string to_string(const Identification& id) {
  const auto prefix = prefix_of(id);
  if (!prefix) return std::string{wire::ike::v1::name_of(id.type)} + " of " + std::to_string(id.data.size()) + " bytes";
  return prefix_text(*prefix) + upper_layer(selector_protocol(id), id.port);
}

std::string to_string(const net::Selector& s) {
  return prefix_text(s.source) + upper_layer(s.protocol, s.source_port) + " to " + prefix_text(s.destination) +
         upper_layer(s.protocol, s.destination_port);
}

}  // namespace testudo::ike
