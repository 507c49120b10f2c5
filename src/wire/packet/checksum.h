#pragma once
// The Internet checksum (RFC 1071).  Sums are one's complement sums of 16-bit words in network order, folded to 16
// bits; a checksum is the complement of one.  Sums of pieces add up as long as all pieces but the last are of even
// length.
#include <cstdint>

#include "base/bytes.h"
#include "net/address.h"

namespace testudo::wire::packet {

std::uint16_t sum_of(Bytes data, std::uint32_t initial = 0);
/// As sum_of(), and copies: `to` is at least as long and lies elsewhere.
std::uint16_t copy_and_sum(MutableBytes to, Bytes data, std::uint32_t initial = 0);

inline std::uint16_t checksum(Bytes data, std::uint32_t initial = 0) {
  return static_cast<std::uint16_t>(~sum_of(data, initial));
}

std::uint32_t pseudo_header_sum(const net::Address& source, const net::Address& destination, std::uint8_t protocol,
                                std::size_t length);

}  // namespace testudo::wire::packet
