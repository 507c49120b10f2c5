// Packets that were joined and cut again are the packets that came.  Input, four bytes for a packet of one of four
// flows: what is odd about it, size, TOS, TTL.
#include <array>
#include <cstdlib>
#include <map>
#include <vector>

#include "support/super_packets.h"

namespace {
using namespace testudo;
using Flows = std::map<std::uint8_t, std::vector<ByteVector>>;

void sort(Flows& into, const ByteVector& packet) {
  into[packet[packet[0] >> 4 == 6 ? 41 : 21] & 3].push_back(packet);  // source port
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::array<std::uint32_t, 4> sequence{};
  Flows sent, received;
  std::vector<ByteVector> all;
  for (; size >= 4 && all.size() < 256; data += 4, size -= 4) {
    const std::uint8_t odd = data[0], flow = odd & 3;
    const net::Endpoint from{test::ip(flow == 1 ? "fd00::1" : "10.0.0.1"), flow};
    const test::IpFields ip{
        .ttl = data[3], .traffic_class = data[2], .identification = static_cast<std::uint16_t>(all.size())};
    const std::uint8_t flags = (odd & 8) != 0 ? odd : 0x10;
    const test::TcpFields tcp{.sequence = sequence[flow] += odd >> 2 & 1, .flags = flags};
    const ByteVector payload(data[1], odd);
    all.push_back(flow == 2 ? test::udp(from, from, payload, ip) : test::tcp(from, from, payload, ip, tcp));
    sequence[flow] += data[1];
    if ((odd & 0x80) != 0) all.back().back() ^= 1;
    sort(sent, all.back());
  }
  for (const auto& super : test::join(all)) {
    for (const ByteVector& packet : test::cut(super)) sort(received, packet);
  }
  if (sent != received) std::abort();
  return 0;
}
