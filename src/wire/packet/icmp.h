#pragma once
// ICMP errors: those that we send about packets that did not fit or lived too long, and those that the network sends
// about ours.  RFC 792, 1191, 1812 section 4.3.2, 4443, 4884.  What a received one may change is RFC 4301
// section 8.2.1's matter and not decided here.
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/strong.h"
#include "wire/packet/ip.h"
#include "wire/reader.h"

namespace testudo::wire::packet {

namespace icmp {
inline constexpr std::uint8_t kUnreachable4 = 3, kFragmentationNeeded4 = 4, kTimeExceeded4 = 11;
inline constexpr std::uint8_t kUnreachable6 = 1, kPacketTooBig6 = 2, kTimeExceeded6 = 3;
}  // namespace icmp

/// True when messages of this type speak about a packet that they quote (RFC 792; RFC 4443 section 2.1: below 128), or
/// are redirects, about which no error is sent either.
bool is_icmp_error(bool v4, std::uint8_t type);

/// The packet that tells `ip`'s source about it: "fragmentation needed" or "packet too big" with the mtu.  It quotes as
/// much as fits into 576 bytes (IPv4) or 1280 (IPv6).  Nothing when no error may be sent about this packet: it is an
/// ICMP error itself, a later fragment, has no single source, or went to a group (but IPv6 tells groups what is too
/// big). `from` is an address of ours of the same family.
std::optional<ByteVector> compose_too_big(const net::Address& from, Bytes packet, const IpView& ip, std::size_t mtu);
/// Likewise: the TTL or hop limit ran out in transit.
std::optional<ByteVector> compose_time_exceeded(const net::Address& from, Bytes packet, const IpView& ip);

/// A received error.  `quoted` borrows from the message.
struct IcmpError {
  std::uint8_t type = 0, code = 0;
  std::optional<std::uint32_t> mtu;  ///< only of "too big" messages; 0 from routers older than RFC 1191
  Bytes quoted;                      ///< the quoted packet from its IP header, as far as it is there
  QuotedIp ip;                       ///< its headers: offsets are into `quoted`
  std::uint8_t protocol = 0;         ///< what it carried; UDP when ESP stood in UDP
  std::optional<Spi> spi;            ///< of ESP and AH; of IPcomp the CPI
  bool too_big() const { return mtu.has_value(); }
};
/// Unsupported when the message is no error; its checksum must be right.
Result<IcmpError, Malformed> parse_icmp_error(const IpView& ip, Bytes packet);

}  // namespace testudo::wire::packet
