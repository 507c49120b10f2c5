#pragma once
// Explicit congestion notification across a tunnel: which ECN bits the outer header gets, and what the outer header's
// mean for the inner packet when it comes out.  RFC 6040; RFC 3168 section 9; the modes are those of
// net.inet.ipsec.ecn. Pure functions of TOS or traffic class bytes.
#include <cstdint>
#include <optional>

namespace testudo::transform {

/// The low two bits of TOS and traffic class.
enum class Ecn : std::uint8_t { NotEct = 0, Ect1 = 1, Ect0 = 2, Ce = 3 };

enum class EcnMode : std::uint8_t {
  Verbatim,   ///< RFC 2401: copied on the way in, ignored on the way out
  Forbidden,  ///< RFC 6040 compatibility mode: the outer header is Not-ECT, and ignored on the way out
  Allowed,    ///< RFC 6040 normal mode
};

/// Of the sysctl's number: 0 forbidden, 1 allowed, all others verbatim (the kernel stores them unchecked).
constexpr EcnMode ecn_mode(std::int32_t setting) {
  if (setting == 0) return EcnMode::Forbidden;
  return setting == 1 ? EcnMode::Allowed : EcnMode::Verbatim;
}

constexpr Ecn ecn_of(std::uint8_t traffic_class) {
  return static_cast<Ecn>(traffic_class & 3);
}
constexpr std::uint8_t with_ecn(std::uint8_t traffic_class, Ecn ecn) {
  return static_cast<std::uint8_t>((traffic_class & 0xfc) | static_cast<std::uint8_t>(ecn));
}

/// The outer traffic class of a packet that enters a tunnel.  The DSCP is copied (RFC 4301 section 5.1.2.1).
std::uint8_t outer_traffic_class(EcnMode mode, std::uint8_t inner);

/// The inner traffic class of a packet that leaves a tunnel; nothing when the packet has to be dropped.
std::optional<std::uint8_t> inner_traffic_class(EcnMode mode, std::uint8_t inner, std::uint8_t outer);

}  // namespace testudo::transform
