// A whole IPcomp packet: what expands is an IP packet of the length that it says.
#include <cstdlib>

#include "transform/ipcomp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testudo::transform;
  const auto ip = testudo::wire::packet::parse_ip({data, size});
  if (!ip || size > PacketBuffer::kMaxPacket) return 0;
  testudo::sad::SaParameters p;
  p.group.protocol = testudo::sad::SaProtocol::Ipcomp;
  p.spi = testudo::Spi{0x1000};
  p.compression = testudo::crypto::compression_by_name("deflate");
  const auto sa = testudo::sad::Sa::make(std::move(p), {});
  PacketBuffer packet, scratch;
  packet.assign({data, size});
  if (!expand_ipcomp(**sa, packet, *ip, scratch)) return 0;
  const auto inner = testudo::wire::packet::parse_ip(packet.bytes());
  if (inner && inner->total_length != packet.size()) std::abort();
  return 0;
}
