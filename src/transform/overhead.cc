#include "transform/overhead.h"

#include "wire/packet/ip.h"

namespace testudo::transform {

std::size_t worst_overhead(const sad::Sa& sa) {
  const sad::SaGroup& group = sa.group();
  const sad::SaLayout& layout = sa.layout();
  std::size_t overhead = layout.udp;
  if (group.mode != sad::Mode::Transport)
    overhead += group.destination.is_v4() ? wire::packet::kIpv4Header : wire::packet::kIpv6Header;
  switch (group.protocol) {
    case sad::SaProtocol::Esp:
      // Pad length and next header are two bytes; up to `pad` less one of padding follows them to the boundary.
      return overhead + layout.header + layout.iv + 2 + layout.pad - 1 + layout.icv;
    case sad::SaProtocol::Ah:
      return overhead + layout.header;
    case sad::SaProtocol::Ipcomp:
    case sad::SaProtocol::TcpSignature:
      break;
  }
  // RFC 3173 section 2.2: IPcomp that would enlarge a packet is not applied.
  return overhead;
}

}  // namespace testudo::transform
