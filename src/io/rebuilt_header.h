#pragma once
// The IP header that a socket took off, made again from what recvmsg(2) says beside the data: the engine reads whole
// packets.
//   UDP sockets (both families) and raw IPv6 sockets deliver without; raw IPv4 sockets with.
// Pure; thread-free.
#include <array>
#include <optional>

#include "base/bytes.h"
#include "net/address.h"

struct msghdr;

namespace testudo::io {

/// What the control messages and the address of one received message tell.
struct Ancillary {
  net::Address source, destination;
  std::uint16_t source_port = 0;
  std::uint8_t traffic_class = 0;
  std::uint8_t ttl = 64;
  std::uint32_t flow_label = 0;
  /// IPv6 extension headers in packet order: (protocol, bytes), borrowed from the control buffer.
  struct Extension {
    std::uint8_t protocol = 0;
    Bytes bytes;
  };
  std::array<Extension, 8> extensions{};
  std::size_t extension_count = 0;

  std::size_t extensions_length() const;
};

/// Reads msg_name and the control messages; nothing when the destination is not among them.
std::optional<Ancillary> read_ancillary(const msghdr& message);

/// Bytes that write_header() fills: IP header, extension headers and, for protocol 17, the UDP header.
std::size_t header_length(const Ancillary& a, std::uint8_t protocol);

/// Writes them in front of `payload` bytes.  `destination_port` is used with protocol 17 only; the UDP checksum is
/// zero, as RFC 3948 section 2.1 asks of ESP in UDP.
void write_header(MutableBytes header, const Ancillary& a, std::uint8_t protocol, std::size_t payload,
                  std::uint16_t destination_port = 0);

}  // namespace testudo::io
