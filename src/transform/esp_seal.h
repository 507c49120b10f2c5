#pragma once
// ESP outbound.  RFC 4303 (with ESN), RFC 2406, RFC 1827 (`esp-old`).
//
//   IP | [ext] | payload                         before (transport); for tunnel mode tunnel_outer ran first, and the
//   IP | [ext] | SPI seq | IV | payload pad len next | ICV     payload is the inner packet
#include <span>

#include "transform/transform.h"

namespace testudo::transform {

/// A packet on its way into seal_esp; filled by the caller, `result` by the callee.
struct SealJob {
  PacketBuffer* packet = nullptr;
  IpView ip;  ///< of the packet as it is now
  Status<DropReason> result = Done{};
};

/// Seals a run of packets of one SA, in order (sequence numbers are taken here).  Inserts at ip.transport_offset.
/// After it the packets' IP lengths, next header and (IPv4) checksum are right.
void seal_esp(sad::Sa& sa, std::span<SealJob> jobs, const Context& context);

}  // namespace testudo::transform
