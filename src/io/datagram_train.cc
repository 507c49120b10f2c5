#include "io/datagram_train.h"

#include <cstring>

#include "base/endian.h"
#include "net/protocol.h"
#include "wire/packet/ip.h"

namespace testudo::io {
namespace {

using wire::packet::kIpv4Header, wire::packet::kIpv6Header, wire::packet::kUdpHeader;

// Of all together, with the headers that the kernel makes once.
constexpr std::size_t kMaxTotal = 65535 - kIpv4Header - kUdpHeader;

bool is_plain_datagram(Bytes p) {
  if (p.size() >= kIpv4Header + kUdpHeader && p[0] == 0x45) {
    const bool fragment = (be16(p.data() + 6) & 0x3fff) != 0;
    return !fragment && p[9] == net::protocol::kUdp && be16(p.data() + 2) == p.size();
  }
  return p.size() >= kIpv6Header + kUdpHeader && p[0] >> 4 == 6 && p[6] == net::protocol::kUdp &&
         be16(p.data() + 4) + kIpv6Header == p.size();
}

bool same_bytes(Bytes a, Bytes b, std::size_t offset, std::size_t length) {
  return std::memcmp(a.data() + offset, b.data() + offset, length) == 0;
}

// But for lengths, identification and checksums, which the kernel makes anew.
bool same_headers(Bytes a, Bytes b) {
  if (a[0] >> 4 != b[0] >> 4) return false;
  const bool v4 = a[0] >> 4 == 4;
  const bool ip = v4 ? same_bytes(a, b, 0, 2) && same_bytes(a, b, 6, 4) && same_bytes(a, b, 12, 8)
                     : same_bytes(a, b, 0, 4) && same_bytes(a, b, 6, 34);
  return ip && same_bytes(a, b, train_udp_offset(a), 4);
}

}  // namespace

std::size_t train_udp_offset(Bytes packet) {
  return packet[0] >> 4 == 4 ? kIpv4Header : kIpv6Header;
}

std::size_t train_length(std::span<const Bytes> packets) {
  if (packets.empty() || !is_plain_datagram(packets[0])) return 0;
  const Bytes first = packets[0];
  const std::size_t headers = train_udp_offset(first) + kUdpHeader;
  std::size_t total = first.size() - headers, n = 1;
  if (total == 0) return 1;
  for (; n < packets.size() && n < kMaxTrain; ++n) {
    const Bytes next = packets[n];
    const bool fits = is_plain_datagram(next) && next.size() <= first.size() && next.size() > headers &&
                      same_headers(first, next) && total + next.size() - headers <= kMaxTotal;
    if (!fits) break;
    total += next.size() - headers;
    if (next.size() < first.size()) return n + 1;
  }
  return n;
}

}  // namespace testudo::io
