// Reassembler on a train of fragments: each is a length byte and that many bytes of an IP packet.  What it keeps is
// bounded, and what it joins parses as a whole packet.
#include <algorithm>
#include <cstdlib>

#include "engine/reassembly.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testudo;
  engine::Reassembler reassembler{[](const engine::Reassembler::Lost&) {}, {.packets = 4, .bytes = 4096}};
  wire::packet::PacketBuffer buffer;
  for (Bytes rest{data, size}; !rest.empty();) {
    const std::size_t length = std::min<std::size_t>(rest[0], rest.size() - 1);
    if (!buffer.assign(rest.subspan(1, length))) std::abort();
    rest = rest.subspan(1 + length);
    const auto ip = wire::packet::parse_ip(buffer.bytes());
    if (!ip || !ip->fragment) continue;
    const auto added = reassembler.add(buffer, *ip, Time{});
    if (reassembler.unfinished() > 4 || reassembler.bytes_kept() > 4096) std::abort();
    if (!std::holds_alternative<engine::Reassembler::Complete>(added)) continue;
    if (const auto whole = wire::packet::parse_ip(buffer.bytes()); whole && whole->fragment) std::abort();
  }
  return 0;
}
