#pragma once
// ESP outbound.  RFC 4303 (with ESN), RFC 2406, RFC 1827 (`esp-old`).
//
//   IP | [ext] | payload                         before (transport); for tunnel mode tunnel_outer ran first, and the
//   IP | [ext] | SPI seq | IV | payload pad len next | ICV     payload is the inner packet
//
// IVs.  CBC: random for each packet ("unpredictable", RFC 3602 section 3).  CTR, GCM, GMAC, CCM, ChaCha20: a 64-bit
// counter that starts at a random number when the SA is installed and grows by one; the RFCs ask for uniqueness only
// (3686 section 2.1, 4106 section 3.1).  In one installation nothing repeats: the sequence number ends first.  The
// random start is for manual keys, which meet the same SA again after a restart, or in both directions: k installations
// of n packets under one key share an IV with probability at most k^2 n / 2^64 (two of 2^32 packets: 2^-30; a thousand
// of them: 2^-12).  That is small, not zero: RFC 4106 and 3686 forbid static keys for these ciphers, and a key daemon
// never installs a key twice. Never sends a sequence number twice unless the SA may cycle.  Thread rule: several
// threads may seal with one SA, each as another worker.
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
