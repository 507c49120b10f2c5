// A whole engine whose SAs hide nothing, so that every layer is reached: the input is a train of packets, each behind a
// 16-bit length.  Whatever comes, packets in = delivered + dropped + held.
#include <algorithm>
#include <cstdlib>

#include "support/open_world.h"
#include "wire/packet/ip.h"
#include "wire/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testudo;
  test::OpenWorld world;
  engine::PacketBuffer packet;
  engine::PacketBuffer* const batch[] = {&packet};
  wire::Reader in{{data, size}};
  while (const auto length = in.u16()) {
    const auto bytes = in.take(std::min<std::size_t>(*length, in.remaining()));
    if (!packet.assign(*bytes)) std::abort();
    // A fuzzer does not guess checksums.
    if (packet.size() >= 20 && packet.data()[0] >> 4 == 4) wire::packet::update_ipv4_checksum(packet.bytes());
    world.engine().inbound(batch, Time{}, world);
    const engine::Statistics& s = world.engine().statistics();
    if (s.entered() != s.left() + s.held) std::abort();
  }
  return 0;
}
