// An SA with null cipher and no authentication lets every byte through to the trailer; one with an ICV sees the rest.
#include <cstdlib>

#include "transform/esp_open.h"

namespace {
testudo::sad::SaParameters parameters(bool authenticated) {
  testudo::sad::SaParameters p;
  p.spi = testudo::Spi{0x1000};
  p.cipher = testudo::crypto::cipher_by_name("null");
  if (authenticated) p.mac = testudo::crypto::mac_by_name("hmac-sha1");
  if (authenticated) p.mac_key = testudo::Secret{testudo::as_bytes("a key of 20 bytes...")};
  p.flags.extended_sequence = authenticated;
  return p;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testudo::transform;
  const auto ip = testudo::wire::packet::parse_ip({data, size});
  if (!ip || size > PacketBuffer::kMaxPacket) return 0;
  PacketBuffer packet;
  packet.assign({data, size});
  OpenJob job{.packet = &packet, .ip = *ip};
  const auto sa = testudo::sad::Sa::make(parameters(size % 4 == 1), {});
  open_esp(**sa, {&job, 1});
  if (job.result && packet.size() > size) std::abort();
  return 0;
}
