#pragma once
// Fields of the messages between racoon's processes: texts, switches and endpoints, each with one way to write it.
// Pure.
#include <algorithm>
#include <optional>
#include <string>

#include "net/flow.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace testudo::wire::racoon {

inline void put_text(Writer& out, Bytes text) {
  const Bytes kept = text.first(std::min<std::size_t>(text.size(), 0xffff));
  out.u16(static_cast<std::uint16_t>(kept.size())).raw(kept);
}

inline void put_address(Writer& out, const net::Address& address) {
  out.u8(static_cast<std::uint8_t>(address.family())).raw(address.bytes()).u32(address.scope());
}

inline void put_endpoint(Writer& out, const net::Endpoint& at) {
  put_address(out, at.address);
  out.u16(at.port);
}

inline Result<Bytes, Malformed> take_bytes(Reader& in, std::size_t most) {
  TRY(const auto length, in.u16());
  if (length > most) return Failure{Malformed::BadLength};
  return in.take(length);
}

inline Result<std::string, Malformed> take_text(Reader& in, std::size_t most) {
  TRY(const Bytes bytes, take_bytes(in, most));
  // A name ends at its zero byte for whoever hands it to the system.
  if (std::ranges::find(bytes, std::uint8_t{0}) != bytes.end()) return Failure{Malformed::BadValue};
  return std::string{bytes.begin(), bytes.end()};
}

inline Result<bool, Malformed> take_bool(Reader& in) {
  TRY(const auto value, in.u8());
  if (value > 1) return Failure{Malformed::BadValue};
  return value == 1;
}

inline Result<net::Address, Malformed> take_address(Reader& in) {
  TRY(const auto family, in.u8());
  const bool is_v4 = family == static_cast<std::uint8_t>(net::Family::V4);
  if (!is_v4 && family != static_cast<std::uint8_t>(net::Family::V6)) return Failure{Malformed::BadValue};
  TRY(const Bytes bytes, in.take(is_v4 ? 4 : 16));
  TRY(const auto scope, in.u32());
  if (is_v4 && scope != 0) return Failure{Malformed::BadValue};
  return is_v4 ? net::Address::v4(bytes.first<4>()) : net::Address::v6(bytes.first<16>(), scope);
}

inline void put_optional(Writer& out, const std::optional<net::Address>& address) {
  out.u8(address ? 1 : 0);
  if (address) put_address(out, *address);
}

inline Result<std::optional<net::Address>, Malformed> take_optional(Reader& in) {
  TRY(const bool is_there, take_bool(in));
  if (!is_there) return std::optional<net::Address>{};
  TRY(const auto address, take_address(in));
  return std::optional{address};
}

inline Result<net::Endpoint, Malformed> take_endpoint(Reader& in) {
  TRY(const auto address, take_address(in));
  TRY(const auto port, in.u16());
  return net::Endpoint{address, port};
}

}  // namespace testudo::wire::racoon
