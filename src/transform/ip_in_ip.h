#pragma once
// IP in IP without an SA, as gif(4) and ipsecif(4) do it in front of transport mode: protocol 4 or 41 between two fixed
// addresses.  RFC 2003, RFC 2473; DSCP and ECN as in tunnel mode (RFC 4301 section 5.1.2, RFC 6040).  The way back is
// strip_outer() of tunnel_outer.h.  Pure.
#include "transform/transform.h"

namespace testudo::transform {

struct IpInIp {
  net::Address source, destination;  ///< of one family
  /// Of the IPv4 header; not 0, in whose place Linux's raw sockets would put another number.
  std::uint16_t identification = 1;
};

/// Prepends the outer header.  Without DF: the packet inside was as large as its sender was told it may be, and where
/// a path is narrower still the outer one is cut.
Status<DropReason> enclose(PacketBuffer& packet, const IpView& inner, const IpInIp& between,
                           const HeaderSettings& settings);

}  // namespace testudo::transform
