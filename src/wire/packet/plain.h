#pragma once
// The packets that most packets are: whole, with an IP header without options or extension headers, and at least four
// bytes behind it.  What parse_ip() and flow_of() learn step by step is here a few loads, so that a packet of the same
// flow as the one before costs one comparison.  Says nothing about any other packet.  Pure.
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "base/endian.h"
#include "net/flow.h"
#include "wire/packet/ip.h"

namespace testudo::wire::packet {

struct Plain {
  /// Source, destination; version, protocol and the first word behind the header: ports of TCP and UDP, SPI of ESP.
  std::array<std::uint64_t, 5> key{};
  std::uint16_t total_length = 0;
  std::uint8_t header_length = 0;
  std::uint8_t traffic_class = 0;
  std::uint8_t protocol = 0;
  bool dont_fragment = false;

  bool is_v4() const { return header_length == kIpv4Header; }
  std::uint32_t first_word() const { return static_cast<std::uint32_t>(key[4]); }
};

namespace plain_detail {

constexpr std::size_t kFirstWord = 4;

inline std::uint64_t load64(const std::uint8_t* p) {
  std::uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

inline std::uint64_t last_of_key(std::uint8_t version, std::uint8_t protocol, const std::uint8_t* upper) {
  return std::uint64_t{version} << 40 | std::uint64_t{protocol} << 32 | be32(upper);
}

inline std::optional<Plain> read_v4(const std::uint8_t* h, std::size_t size) {
  constexpr std::uint16_t kDontFragment = 0x4000, kPieceOfSomething = 0x3fff;
  const std::uint16_t flags = be16(h + 6);
  Plain plain;
  plain.total_length = be16(h + 2);
  const bool whole = (flags & kPieceOfSomething) == 0 && plain.total_length <= size;
  if (!whole || plain.total_length < kIpv4Header + kFirstWord) return std::nullopt;
  plain.header_length = kIpv4Header;
  plain.traffic_class = h[1];
  plain.protocol = h[9];
  plain.dont_fragment = (flags & kDontFragment) != 0;
  plain.key = {load64(h + 12), 0, 0, 0, last_of_key(4, plain.protocol, h + kIpv4Header)};
  return plain;
}

inline std::optional<Plain> read_v6(const std::uint8_t* h, std::size_t size) {
  const std::size_t total = kIpv6Header + be16(h + 4);
  if (total > size || total > 0xffff || total < kIpv6Header + kFirstWord) return std::nullopt;
  Plain plain;
  plain.total_length = static_cast<std::uint16_t>(total);
  plain.header_length = kIpv6Header;
  plain.traffic_class = static_cast<std::uint8_t>(be16(h) >> 4);
  plain.protocol = h[6];
  plain.key = {load64(h + 8), load64(h + 16), load64(h + 24), load64(h + 32),
               last_of_key(6, plain.protocol, h + kIpv6Header)};
  return plain;
}

}  // namespace plain_detail

/// Nothing for packets that have options, are fragments, are malformed, or have no four bytes behind their header.  An
/// IPv6 extension header shows as the protocol: ask for the ones that you know.
inline std::optional<Plain> read_plain(Bytes packet) {
  if (packet.size() < kIpv4Header + plain_detail::kFirstWord) return std::nullopt;
  if (packet[0] == 0x45) return plain_detail::read_v4(packet.data(), packet.size());
  if (packet[0] >> 4 != 6 || packet.size() < kIpv6Header + plain_detail::kFirstWord) return std::nullopt;
  return plain_detail::read_v6(packet.data(), packet.size());
}

/// The checksum of an IPv4 header of twenty bytes is right.
inline bool plain_checksum_is_right(const std::uint8_t* header) {
  // RFC 1071 section 2: the sum does not depend on the byte order, and longer words may be added first.  To carry
  // around until sixteen bits are left is to divide by 0xffff; a sum of 0, which would also be a multiple, has no
  // header.
  std::uint32_t last;
  std::memcpy(&last, header + 16, sizeof last);
  const std::uint64_t a = plain_detail::load64(header), b = plain_detail::load64(header + 8);
  const std::uint64_t sum = (a & 0xffffffff) + (a >> 32) + (b & 0xffffffff) + (b >> 32) + last;
  return sum % 0xffff == 0;
}

inline net::Address source_of(const Plain& plain, Bytes packet) {
  return plain.is_v4() ? net::Address::v4(packet.subspan<12, 4>()) : net::Address::v6(packet.subspan<8, 16>());
}
inline net::Address destination_of(const Plain& plain, Bytes packet) {
  return plain.is_v4() ? net::Address::v4(packet.subspan<16, 4>()) : net::Address::v6(packet.subspan<24, 16>());
}

/// flow_of() for TCP and UDP.
inline net::Flow flow_of(const Plain& plain, Bytes packet) {
  return {source_of(plain, packet), destination_of(plain, packet), plain.protocol,
          static_cast<std::uint16_t>(plain.first_word() >> 16), static_cast<std::uint16_t>(plain.first_word())};
}

}  // namespace testudo::wire::packet
