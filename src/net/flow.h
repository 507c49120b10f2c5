#pragma once
// What a policy looks at: the selector values of one packet (Flow) and the pattern of one policy (Selector).
// RFC 4301 section 4.4.1.1; semantics of KAME's secpolicyindex.
#include <cstdint>
#include <string>

#include "net/address.h"
#include "net/prefix.h"
#include "net/protocol.h"

namespace testudo::net {

struct Endpoint {
  Address address;
  std::uint16_t port = 0;  ///< host order; 0 where there is none

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// The selector values of one packet.  For ICMP, ICMPv6 and Mobility Header the type stands in source_port and the
/// code in destination_port; for GRE the high and low half of the key.
/// A fragment whose upper layer cannot be seen has protocol 255 and ports 0.
struct Flow {
  Address source, destination;
  std::uint8_t protocol = protocol::kAny;
  std::uint16_t source_port = 0, destination_port = 0;

  std::string to_string() const;
  friend bool operator==(const Flow&, const Flow&) = default;
};

/// The pattern of one policy.  Protocol 255 and port 0 match anything.
struct Selector {
  Prefix source, destination;
  std::uint8_t protocol = protocol::kAny;
  std::uint16_t source_port = 0, destination_port = 0;

  bool matches(const Flow& flow) const;
  friend bool operator==(const Selector&, const Selector&) = default;
};

/// True when source and destination ports of this protocol hold ICMP-like type and code: a type of 0 is then a value
/// on the packet's side, but a selector's 0 still means any, as in KAME.
constexpr bool has_type_and_code(std::uint8_t p) {
  return p == protocol::kIcmp || p == protocol::kIcmpv6 || p == protocol::kMobility;
}

}  // namespace testudo::net

template <>
struct std::hash<testudo::net::Flow> {
  std::size_t operator()(const testudo::net::Flow& f) const noexcept;
};
