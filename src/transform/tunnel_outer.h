#pragma once
// The outer header of tunnel mode, put on and taken off.  RFC 4301 section 5.1.2, RFC 6040 (ECN), net.inet.ipsec.dfbit.
#include "transform/transform.h"

namespace testudo::transform {

/// Prepends an outer IP header from the SA's source to its destination; v4 and v6 in v4 and v6.  The header's protocol
/// is 4 or 41; ESP or AH is then inserted behind it by its own transform.
Status<DropReason> prepend_outer(sad::Sa& sa, PacketBuffer& packet, const IpView& inner, const Context& context);

/// Removes the outer header (and IPv6 extension headers) of a packet whose payload, of protocol 4 or 41, is an IP
/// packet: checks the inner version, cuts trailing bytes (TFC), and applies the ECN of the outer header to the inner
/// one. Returns a view of the inner packet, which then is the packet.
Result<IpView, DropReason> strip_outer(PacketBuffer& packet, const IpView& outer, std::uint8_t next_protocol,
                                       const HeaderSettings& settings);

}  // namespace testudo::transform
