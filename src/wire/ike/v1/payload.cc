#include "wire/ike/v1/payload.h"

#include <array>

namespace testudo::wire::ike::v1 {
namespace {

ByteVector owned(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

/// The length that identification data of this type must have; nothing where the type leaves it open.
std::optional<std::size_t> fixed_length(IdType type) {
  switch (type) {
    case IdType::V4Address:
      return 4;
    case IdType::V4Subnet:
    case IdType::V4Range:
      return 8;
    case IdType::V6Address:
      return 16;
    case IdType::V6Subnet:
    case IdType::V6Range:
      return 32;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<Identification, Malformed> parse_identification(Bytes body) {
  Reader in{body};
  Identification id;
  TRY(const std::uint8_t type, in.u8());
  id.type = IdType{type};
  TRY(id.protocol, in.u8());
  TRY(id.port, in.u16());
  if (const auto length = fixed_length(id.type); length && *length != in.remaining()) {
    return Failure{Malformed::BadLength};
  }
  if (in.empty()) return Failure{Malformed::Truncated};
  id.data = owned(in.rest());
  return id;
}

ByteVector compose_identification(const Identification& id) {
  Writer out;
  return out.u8(static_cast<std::uint8_t>(id.type)).u8(id.protocol).u16(id.port).raw(id.data).take();
}

Result<Notification, Malformed> parse_notification(Bytes body) {
  Reader in{body};
  Notification notification;
  TRY(notification.doi, in.u32());
  TRY(const std::uint8_t protocol, in.u8());
  notification.protocol = Protocol{protocol};
  TRY(const std::uint8_t spi_size, in.u8());
  TRY(const std::uint16_t type, in.u16());
  notification.type = Notify{type};
  TRY(const Bytes spi, in.take(spi_size));
  notification.spi = owned(spi);
  notification.data = owned(in.rest());
  return notification;
}

ByteVector compose_notification(const Notification& notification) {
  Writer out;
  out.u32(notification.doi).u8(static_cast<std::uint8_t>(notification.protocol));
  out.u8(static_cast<std::uint8_t>(notification.spi.size())).u16(static_cast<std::uint16_t>(notification.type));
  return out.raw(notification.spi).raw(notification.data).take();
}

Result<Deletion, Malformed> parse_deletion(Bytes body) {
  Reader in{body};
  Deletion deletion;
  TRY(deletion.doi, in.u32());
  TRY(const std::uint8_t protocol, in.u8());
  deletion.protocol = Protocol{protocol};
  TRY(const std::uint8_t spi_size, in.u8());
  TRY(const std::uint16_t count, in.u16());
  // The whole must fit before the first is kept: a count alone allocates nothing.
  if (spi_size == 0 || in.remaining() != std::size_t{spi_size} * count) return Failure{Malformed::BadLength};
  for (std::size_t i = 0; i < count; ++i) {
    TRY(const Bytes spi, in.take(spi_size));
    deletion.spis.push_back(owned(spi));
  }
  return deletion;
}

ByteVector compose_deletion(const Deletion& deletion) {
  Writer out;
  out.u32(deletion.doi).u8(static_cast<std::uint8_t>(deletion.protocol));
  out.u8(static_cast<std::uint8_t>(deletion.spis.empty() ? 0 : deletion.spis.front().size()));
  out.u16(static_cast<std::uint16_t>(deletion.spis.size()));
  for (const ByteVector& spi : deletion.spis) out.raw(spi);
  return out.take();
}

Result<CertificateView, Malformed> parse_certificate(Bytes body) {
  Reader in{body};
  TRY(const std::uint8_t encoding, in.u8());
  return CertificateView{encoding, in.rest()};
}

ByteVector compose_certificate(std::uint8_t encoding, Bytes data) {
  Writer out;
  return out.u8(encoding).raw(data).take();
}

Result<Configuration, Malformed> parse_configuration(Bytes body) {
  Reader in{body};
  Configuration configuration;
  TRY(const std::uint8_t type, in.u8());
  configuration.type = Configuration::Type{type};
  TRY_DONE(in.skip(1));
  TRY(configuration.identifier, in.u16());
  TRY(configuration.attributes, parse_attributes(in.rest()));
  return configuration;
}

ByteVector compose_configuration(const Configuration& configuration) {
  Writer out;
  out.u8(static_cast<std::uint8_t>(configuration.type)).u8(0).u16(configuration.identifier);
  compose_attributes(configuration.attributes, out);
  return out.take();
}

Result<net::Address, Malformed> parse_original_address(Bytes body) {
  Reader in{body};
  TRY(const std::uint8_t type, in.u8());
  TRY_DONE(in.skip(3));
  const bool is_v4 = IdType{type} == IdType::V4Address;
  if (!is_v4 && IdType{type} != IdType::V6Address) return Failure{Malformed::BadValue};
  TRY(const Bytes address, in.take(is_v4 ? 4 : 16));
  if (!in.empty()) return Failure{Malformed::BadLength};
  if (is_v4) return net::Address::v4(address.first<4>());
  return net::Address::v6(address.first<16>());
}

ByteVector compose_original_address(const net::Address& address) {
  const IdType type = address.is_v4() ? IdType::V4Address : IdType::V6Address;
  Writer out;
  return out.u8(static_cast<std::uint8_t>(type)).zeros(3).raw(address.bytes()).take();
}

Result<FragmentView, Malformed> parse_fragment(Bytes body) {
  Reader in{body};
  FragmentView fragment;
  TRY(fragment.id, in.u16());
  TRY(fragment.index, in.u8());
  TRY(const std::uint8_t flags, in.u8());
  fragment.last = (flags & 1) != 0;
  if (fragment.index == 0) return Failure{Malformed::BadValue};
  fragment.data = in.rest();
  return fragment;
}

ByteVector compose_fragment(const FragmentView& fragment) {
  Writer out;
  const std::uint8_t flags = fragment.last ? 1 : 0;
  return out.u16(fragment.id).u8(fragment.index).u8(flags).raw(fragment.data).take();
}

}  // namespace testudo::wire::ike::v1
