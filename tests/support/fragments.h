#pragma once
// Fragments for tests: of any packet, cut by transform/; and of IPv6 field by field, where transform/ would refuse.
#include <gtest/gtest.h>

#include <vector>

#include "support/packets.h"
#include "transform/fragment.h"

namespace testudo::test {

/// The fragments of `whole`, each at most `size` bytes.
inline std::vector<ByteVector> pieces_of(const ByteVector& whole, std::size_t size, std::uint32_t ipv6_id = 77) {
  std::vector<ByteVector> pieces;
  const auto keep = [&](Bytes piece) -> Status<net::DropReason> {
    pieces.emplace_back(piece.begin(), piece.end());
    return Done{};
  };
  const auto ip = wire::packet::parse_ip(whole);
  EXPECT_TRUE(ip && transform::fragment(whole, *ip, size, ipv6_id, keep)) << "a packet of the test cannot be cut";
  return pieces;
}

/// One fragment of either family with any offset (a multiple of 8) and any payload.
inline ByteVector piece(const net::Address& source, const net::Address& destination, std::uint8_t protocol,
                        Bytes payload, std::uint16_t offset, bool more, std::uint16_t id = 77) {
  if (source.is_v4()) {
    return packet(source, destination, protocol, payload,
                  {.identification = id, .more_fragments = more, .fragment_offset = offset});
  }
  ByteVector header{protocol, 0};
  detail::put16(header, offset | (more ? 1U : 0U));
  detail::put32(header, id);
  return packet(source, destination, protocol, payload,
                {.options = header, .first_extension = net::protocol::kFragment});
}

}  // namespace testudo::test
