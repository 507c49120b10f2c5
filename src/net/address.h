#pragma once
// An IPv4 or IPv6 address as a value.  Bytes are in network order inside, which is how they are compared and masked.
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace testudo::net {

enum class Family : std::uint8_t { V4 = 4, V6 = 6 };

class Address {
 public:
  /// The unspecified IPv4 address.
  constexpr Address() = default;
  static Address v4(std::uint32_t host_order);
  static Address v4(std::span<const std::uint8_t, 4> bytes);
  static Address v6(std::span<const std::uint8_t, 16> bytes, std::uint32_t scope = 0);
  static Address any(Family family) { return family == Family::V4 ? v4(0) : v6(std::array<std::uint8_t, 16>{}); }

  /// Numeric text only: "20.0.0.1", "fd00::1", "fe80::1%2" (a numeric scope).  No names.
  static std::optional<Address> parse(std::string_view text);
  std::string to_string() const;

  constexpr Family family() const { return family_; }
  constexpr bool is_v4() const { return family_ == Family::V4; }
  /// 4 or 16 bytes.
  Bytes bytes() const { return Bytes{bytes_}.first(is_v4() ? 4U : 16U); }
  /// The index of the link that a link-local address belongs to; 0: none is named.
  constexpr std::uint32_t scope() const { return scope_; }
  /// As packets carry it: they name no links.
  Address without_scope() const;
  unsigned width() const { return is_v4() ? 32 : 128; }
  bool is_unspecified() const;
  bool is_multicast() const;
  bool is_link_local() const;
  bool is_loopback() const;

  friend constexpr auto operator<=>(const Address&, const Address&) = default;

 private:
  Family family_ = Family::V4;
  std::array<std::uint8_t, 16> bytes_{};
  std::uint32_t scope_ = 0;
};

}  // namespace testudo::net

template <>
struct std::hash<testudo::net::Address> {
  std::size_t operator()(const testudo::net::Address& a) const noexcept;
};
