// The null MAC is 12 zero bytes: packets that carry them get through, whatever their headers look like.
#include <cstdlib>

#include "transform/ah.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testudo::transform;
  const auto ip = testudo::wire::packet::parse_ip({data, size});
  if (!ip || size > PacketBuffer::kMaxPacket) return 0;
  testudo::sad::SaParameters p;
  p.group.protocol = testudo::sad::SaProtocol::Ah;
  p.group.source = p.group.destination = testudo::net::Address::any(ip->source.family());
  p.spi = testudo::Spi{0x1000};
  p.mac = testudo::crypto::mac_by_name("null");
  const auto sa = testudo::sad::Sa::make(std::move(p), {});
  PacketBuffer packet;
  packet.assign({data, size});
  OpenJob job{.packet = &packet, .ip = *ip};
  verify_ah(**sa, {&job, 1}, HeaderSettings{});
  if (job.result && packet.size() >= size) std::abort();
  return 0;
}
