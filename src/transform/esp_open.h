#pragma once
// ESP inbound, in the order of RFC 4303 section 3.4: replay check, ICV, replay commit, decrypt, trailer.
// Checks the padding only where the SA says that it counts 1, 2, 3 (section 2.4).  Never looks behind the trailer,
// never accepts a fragment.  Thread rule: an SA is opened by one thread at a time.
#include <span>

#include "transform/transform.h"

namespace testudo::transform {

struct OpenJob {
  PacketBuffer* packet = nullptr;
  IpView ip;  ///< upper_protocol is ESP / AH / IPcomp at upper_offset
  Result<Opened, DropReason> result = Failure{DropReason::InboundMalformed};
};

/// Opens a run of packets of one SA.  On success the ESP header, IV, trailer and ICV are gone, the IP header's length,
/// next header (and IPv4 checksum) are those of the inner packet; TFC padding behind the inner IP packet of a tunnel is
/// left for tunnel_outer to cut.  The window is committed for each packet before the next is looked at.
void open_esp(sad::Sa& sa, std::span<OpenJob> jobs, sad::Worker worker = {});

}  // namespace testudo::transform
