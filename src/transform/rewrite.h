#pragma once
// What every transform does to the IP header after it has changed what follows.  Never looks at the payload.
#include <cstdint>

#include "base/endian.h"
#include "wire/packet/ip.h"
#include "wire/packet/packet_buffer.h"

namespace testudo::transform {

/// The largest packet, header included, that the length field of its family can state.
constexpr std::size_t largest_packet(bool v4) {
  return v4 ? 65535 : wire::packet::kIpv6Header + 65535;
}

/// Says what follows now: the byte at `next_header_offset`, the length of the whole buffer, the IPv4 checksum.
inline void announce(wire::packet::PacketBuffer& packet, const wire::packet::IpView& ip, std::size_t next_header_offset,
                     std::uint8_t protocol) {
  packet.data()[next_header_offset] = protocol;
  wire::packet::set_total_length(packet.bytes(), packet.size());
  if (ip.is_v4()) wire::packet::update_ipv4_checksum(packet.bytes());
}

/// The same for a header without extension headers.
inline void announce(wire::packet::PacketBuffer& packet, net::Family family, std::uint8_t protocol) {
  constexpr std::size_t kIpv4Protocol = 9, kIpv6NextHeader = 6;
  const bool v4 = family == net::Family::V4;
  packet.data()[v4 ? kIpv4Protocol : kIpv6NextHeader] = protocol;
  wire::packet::set_total_length(packet.bytes(), packet.size());
  if (v4) wire::packet::update_ipv4_checksum(packet.bytes());
}

/// A short or derived DES IV: 32 bits and their complement (RFC 1829 section 3).
inline void put_with_complement(std::uint8_t* out, std::uint32_t word) {
  put_be32(out, word);
  put_be32(out + 4, ~word);
}

}  // namespace testudo::transform
