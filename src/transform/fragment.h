#pragma once
// Cutting a packet that is larger than its path.  RFC 791 section 3.2, RFC 8200 section 4.5.
#include <functional>

#include "transform/transform.h"

namespace testudo::transform {

/// Gives the fragments of `packet`, each at most `mtu` bytes, to `emit` in order.  The packet itself is emitted when it
/// fits. NeedsFragmentation when DF is set; OutboundInvalid when the mtu cannot hold a header and 8 bytes. IPv6 needs
/// an identification; IPv4 keeps its own.
Status<DropReason> fragment(Bytes packet, const IpView& ip, std::size_t mtu, std::uint32_t ipv6_identification,
                            const std::function<Status<DropReason>(Bytes)>& emit);

}  // namespace testudo::transform
