#pragma once
// Super-packets as the kernel hands them over, for tests: made from whole packets of packets.h, without io/'s help.
#include <vector>

#include "base/endian.h"
#include "io/coalesce.h"
#include "io/segment.h"
#include "support/packets.h"

namespace testudo::test {

struct SuperPacket {
  io::VnetHeader header;
  ByteVector bytes;
};

/// The packet with its upper checksum left to the device: the field holds the sum of the pseudo header.
inline SuperPacket unfinished(ByteVector bytes) {
  const bool v4 = bytes[0] >> 4 == 4;
  const std::size_t upper = v4 ? 20 : 40;
  const std::uint8_t protocol = v4 ? bytes[9] : bytes[6];
  const bool tcp = protocol == net::protocol::kTcp;
  ByteVector pseudo(bytes.begin() + (v4 ? 12 : 8), bytes.begin() + static_cast<std::ptrdiff_t>(upper));
  detail::put32(pseudo, static_cast<std::uint32_t>(bytes.size() - upper));
  detail::put32(pseudo, protocol);
  SuperPacket made;
  made.header.flags = 1;  // VIRTIO_NET_HDR_F_NEEDS_CSUM
  made.header.checksum_start = static_cast<std::uint16_t>(upper);
  made.header.checksum_offset = tcp ? 16 : 6;
  detail::patch16(bytes, upper + made.header.checksum_offset,
                  static_cast<std::uint16_t>(~detail::internet_checksum(pseudo)));
  made.bytes = std::move(bytes);
  return made;
}

/// To be cut into packets with `size` bytes of payload.
inline SuperPacket super_packet(ByteVector bytes, std::uint16_t size) {
  SuperPacket made = unfinished(std::move(bytes));
  const bool v4 = made.bytes[0] >> 4 == 4;
  const bool tcp = made.header.checksum_offset == 16;
  const std::size_t upper = made.header.checksum_start;
  made.header.gso_type = tcp ? (v4 ? 1 : 4) : 5;  // VIRTIO_NET_HDR_GSO_TCPV4, _TCPV6, _UDP_L4
  made.header.gso_size = size;
  made.header.header_length =
      static_cast<std::uint16_t>(upper + (tcp ? std::size_t{made.bytes[upper + 12]} >> 4 << 2 : std::size_t{8}));
  return made;
}

/// Cut with io/segment; nothing when it is refused.
inline std::vector<ByteVector> cut(const SuperPacket& whole) {
  std::vector<ByteVector> packets;
  if (!whole.header.is_super_packet()) return {whole.bytes};
  const auto segments = io::Segments::of(whole.header, whole.bytes);
  for (std::size_t i = 0; segments && i < segments->count(); ++i) {
    ByteVector& packet = packets.emplace_back(segments->longest());
    packet.resize(segments->write(i, packet));
  }
  return packets;
}

/// Joined with io/coalesce.
inline std::vector<SuperPacket> join(std::vector<ByteVector> packets,
                                     io::Offload allowed = {.tcp = true, .udp = true}) {
  io::Coalescer coalescer{allowed};
  for (ByteVector& packet : packets) coalescer.add(packet);
  std::vector<SuperPacket> joined;
  for (std::size_t i = 0; i < coalescer.count(); ++i) {
    SuperPacket& one = joined.emplace_back();
    for (const Bytes piece : coalescer.finish(i, one.header)) detail::put(one.bytes, piece);
  }
  return joined;
}

}  // namespace testudo::test
