#pragma once
// What stands in front of each packet of a TUN device with IFF_VNET_HDR: struct virtio_net_hdr of linux/virtio_net.h,
// in the byte order of the host.  It says that a packet is a super-packet, to be cut into segments, and that its
// checksum is still to be finished.  (Virtual I/O Device 1.2, section 5.1.6.)
#include <cstdint>

namespace testudo::io {

struct VnetHeader {
  static constexpr std::uint8_t kNeedsChecksum = 1;
  static constexpr std::uint8_t kNone = 0, kTcp4 = 1, kTcp6 = 4;
  /// VIRTIO_NET_HDR_GSO_UDP_L4, which the headers of Debian 12 do not know.
  static constexpr std::uint8_t kUdp = 5;
  static constexpr std::uint8_t kEcn = 0x80;  ///< with kTcp4 and kTcp6: the first segment says CWR

  std::uint8_t flags = 0;
  std::uint8_t gso_type = kNone;
  std::uint16_t header_length = 0;  ///< a hint: all headers in front of the payload
  std::uint16_t gso_size = 0;       ///< payload of each segment but the last
  /// With kNeedsChecksum: where the sum starts, and how far behind it lies the field, which holds the pseudo header's.
  std::uint16_t checksum_start = 0, checksum_offset = 0;

  bool is_super_packet() const { return gso_type != kNone; }
};
static_assert(sizeof(VnetHeader) == 10);

/// What a TUN device and the kernel behind it agreed to hand over as super-packets.
struct Offload {
  bool tcp = false, udp = false;
};

}  // namespace testudo::io
