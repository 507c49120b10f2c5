#pragma once
// ESP in UDP.  RFC 3948, and the non-IKE form of its drafts (8 zero bytes in front of ESP).
#include <optional>

#include "transform/transform.h"

namespace testudo::transform {

/// Puts a UDP header (and the non-IKE marker) in front of the ESP header of a sealed packet.  IPv4 checksum 0 as RFC
/// 3948 section 2.1 advises; IPv6 a real one (RFC 8200).
Status<DropReason> encapsulate_udp(const sad::Sa& sa, PacketBuffer& packet, const IpView& sealed);

/// The header alone, without the marker: `length` bytes with it.  The checksum is 0, as IPv4 has it.
void write_udp_header(std::uint8_t* at, const sad::NatTraversal& nat, std::size_t length);

/// The checksum of a whole datagram between the addresses of an SA, where 0 is now (RFC 8200 section 8.1).
void put_udp_checksum(const sad::SaGroup& between, MutableBytes datagram);

enum class UdpPayload : std::uint8_t { Esp, Ike, Keepalive };

/// Which of RFC 3948's three a UDP payload is.  What is none of them counts as ESP, which decapsulate_udp() refuses.
UdpPayload classify_udp(Bytes payload);

struct UdpPorts {
  std::uint16_t source = 0, destination = 0;
};

/// Removes the UDP header (and the non-IKE marker when `marker` says so), so that ESP follows the IP header.
Result<UdpPorts, DropReason> decapsulate_udp(PacketBuffer& packet, const IpView& ip, bool marker);

/// RFC 3948 section 3.1.2: after transport mode through a NAT the TCP or UDP checksum no longer fits the addresses.
/// Recomputes it in place (UDP over IPv4: sets 0 only if it was 0).
void repair_checksum(PacketBuffer& packet, const IpView& ip);

}  // namespace testudo::transform
