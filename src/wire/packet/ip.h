#pragma once
// IPv4 and IPv6 headers as one view: parse_ip() walks the whole chain of extension headers once and remembers the
// places that the transforms need.  RFC 791, RFC 8200; where AH and ESP go: RFC 4302 and 4303 section 3.1. All offsets
// are from the first byte of the IP header.  Views borrow; nothing is copied.
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "net/flow.h"
#include "wire/packet/checksum.h"
#include "wire/reader.h"

namespace testudo::wire::packet {

inline constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kUdpHeader = 8, kIpv6FragmentHeader = 8;
/// Longest chain of IPv6 extension headers that is walked.
inline constexpr std::size_t kMaxExtensions = 16;

/// One IPv6 extension header (hop-by-hop, routing, fragment, destination options), or none for IPv4.
struct Extension {
  std::uint8_t protocol = 0;
  std::uint16_t offset = 0, length = 0;
};

struct Fragment {
  std::uint32_t id = 0;
  std::uint16_t offset = 0;  ///< in bytes
  bool more = false;
};

struct IpView {
  net::Address source, destination;
  std::uint8_t traffic_class = 0;    ///< TOS or traffic class: DSCP and ECN
  std::uint8_t ttl = 0;              ///< or hop limit
  std::uint32_t flow_label = 0;      ///< IPv6
  std::uint16_t identification = 0;  ///< IPv4
  bool dont_fragment = false;        ///< IPv4
  std::size_t header_length = 0;     ///< IPv4: with options; IPv6: 40
  std::size_t total_length = 0;      ///< header and payload, as the header says (at most the bytes given)
  std::optional<Fragment> fragment;  ///< set when this is not a whole packet

  /// The chain behind the IP header up to the upper layer (or up to AH, ESP, IPcomp, which end it).
  std::array<Extension, kMaxExtensions> extensions{};
  std::size_t extension_count = 0;

  std::uint8_t upper_protocol = 0;  ///< what stands at upper_offset: TCP, UDP, ESP, AH, …
  std::size_t upper_offset = 0;
  std::size_t next_header_offset = 0;  ///< of the byte that says upper_protocol

  /// Where AH and ESP of transport mode go, and the byte that announces what stands there now: behind hop-by-hop,
  /// routing and fragment headers and the destination options in front of a routing header, before other destination
  /// options.
  std::size_t transport_offset = 0;
  std::size_t transport_next_header_offset = 0;
  std::uint8_t transport_protocol = 0;

  bool is_v4() const { return source.is_v4(); }
};

/// A packet with whatever it carries.  Trailing bytes beyond the length that the header states are ignored
/// (total_length). Jumbograms are Unsupported.  In a fragment other than the first, upper_* point behind the fragment
/// header.
Result<IpView, Malformed> parse_ip(Bytes packet);

/// A packet quoted by an ICMP error: cut short anywhere behind its headers.
struct QuotedIp {
  IpView ip;                      ///< total_length is what is there
  std::size_t stated_length = 0;  ///< what the header says
};
/// As parse_ip() for a quotation: the length that the header states may exceed the bytes given, the headers may not.
Result<QuotedIp, Malformed> parse_quoted_ip(Bytes quotation);

/// The selector values of a packet, with AH headers in front of the upper layer skipped (as KAME does) and UDP, TCP,
/// SCTP, UDP-Lite, DCCP ports, ICMP, ICMPv6, MH type and code, GRE key read.  A fragment has protocol 255 and ports 0;
/// what is cut short has ports 0.
net::Flow flow_of(const IpView& ip, Bytes packet);

/// Writers of fields in place.  `packet` starts at the IP header and is at least as long as its header.
void set_total_length(MutableBytes packet, std::size_t total_length);  ///< IPv4 total, IPv6 payload length
void set_ttl(MutableBytes packet, std::uint8_t ttl);
void set_traffic_class(MutableBytes packet, std::uint8_t traffic_class);
void update_ipv4_checksum(MutableBytes packet);
/// Lets an IPv4 packet be cut; `ip` is its view, and then says so too.  Nothing to do for IPv6.
void clear_dont_fragment(MutableBytes packet, IpView& ip);

/// Field values of a fresh outer header.
struct OuterHeader {
  net::Address source, destination;
  std::uint8_t protocol = 0;
  std::uint8_t traffic_class = 0;
  std::uint8_t ttl = 64;
  bool dont_fragment = false;
  std::uint16_t identification = 0;
  std::uint32_t flow_label = 0;
};
/// Bytes that write_outer() fills.
constexpr std::size_t outer_length(const OuterHeader& h) {
  return h.source.is_v4() ? kIpv4Header : kIpv6Header;
}
/// Writes an IP header in front of payload_length bytes.  Both addresses must be of one family.
void write_outer(MutableBytes header, const OuterHeader& fields, std::size_t payload_length);

}  // namespace testudo::wire::packet
