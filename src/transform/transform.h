#pragma once
// One packet and one SA: sealed or opened in place.  The files in the order in which an outbound packet meets them:
//   ipcomp.h  esp_seal.h  ah_sign.h  tunnel_outer.h  udp_encap.h  fragment.h
// This header is their common vocabulary.  Nothing here chooses an SA or a policy, keeps counters or knows a socket.
#include <cstdint>

#include "base/random.h"
#include "base/result.h"
#include "net/drop_reason.h"
#include "sad/sa.h"
#include "transform/settings.h"
#include "wire/packet/ip.h"
#include "wire/packet/packet_buffer.h"

namespace testudo::transform {

using net::DropReason;
using wire::packet::IpView;
using wire::packet::PacketBuffer;

/// What every transform may need beside packet and SA.
struct Context {
  const HeaderSettings& settings;
  Random& random;           ///< IVs of CBC modes, random padding, IPv4 identifications
  sad::Worker worker = {};  ///< who is at work
};

/// What opening a packet revealed.  The buffer then holds the packet as it was before the peer sealed it.
struct Opened {
  std::uint8_t next_protocol = 0;  ///< what the protected payload is: TCP, 4 or 41 for a tunnel, AH, …
  std::uint64_t sequence = 0;      ///< 0 when the format has none (old ESP, old AH, IPcomp)
};

}  // namespace testudo::transform
