#include "wire/packet/ip.h"

#include <algorithm>

#include "base/endian.h"
#include "net/protocol.h"

namespace testudo::wire::packet {

namespace {

namespace protocol = net::protocol;
constexpr std::uint8_t kDccp = 33;
constexpr std::size_t kIpv4ProtocolOffset = 9, kIpv6NextHeaderOffset = 6;
constexpr std::uint16_t kDontFragment = 0x4000, kMoreFragments = 0x2000, kOffsetMask = 0x1fff;

enum class Kind : std::uint8_t { Whole, Quotation };
Result<IpView, Malformed> parse(Bytes packet, Kind kind);
Result<IpView, Malformed> parse_ipv4(Bytes packet, Kind kind);
Result<IpView, Malformed> parse_ipv6(Bytes packet, Kind kind);
Status<Malformed> fit_length(IpView& ip, std::size_t given, Kind kind);
bool is_extension(std::uint8_t protocol);
Status<Malformed> walk_extensions(IpView& ip, Bytes packet);
Result<std::size_t, Malformed> take_extension(IpView& ip, std::uint8_t kind, Reader& in);
Result<std::size_t, Malformed> take_fragment(IpView& ip, Reader& in);

struct UpperLayer {
  std::uint8_t protocol = 0;
  Bytes bytes;
};
UpperLayer behind_ah(const IpView& ip, Bytes packet);
bool skip_header(UpperLayer& upper, std::size_t length);
void read_ports(net::Flow& flow, Bytes upper);
void read_gre_key(net::Flow& flow, Bytes upper);

}  // namespace

Result<IpView, Malformed> parse_ip(Bytes packet) {
  return parse(packet, Kind::Whole);
}

Result<QuotedIp, Malformed> parse_quoted_ip(Bytes quotation) {
  TRY(const IpView ip, parse(quotation, Kind::Quotation));
  const std::uint8_t* h = quotation.data();
  return QuotedIp{ip, ip.is_v4() ? std::size_t{be16(h + 2)} : kIpv6Header + be16(h + 4)};
}

net::Flow flow_of(const IpView& ip, Bytes packet) {
  net::Flow flow{ip.source, ip.destination};
  if (ip.fragment) return flow;
  const UpperLayer upper = behind_ah(ip, packet);
  flow.protocol = upper.protocol;
  read_ports(flow, upper.bytes);
  return flow;
}

void set_total_length(MutableBytes packet, std::size_t total_length) {
  const bool v4 = packet[0] >> 4 == 4;
  put_be16(packet.data() + (v4 ? 2 : 4), static_cast<std::uint16_t>(v4 ? total_length : total_length - kIpv6Header));
}

void set_ttl(MutableBytes packet, std::uint8_t ttl) {
  packet[packet[0] >> 4 == 4 ? 8 : 7] = ttl;
}

void set_traffic_class(MutableBytes packet, std::uint8_t traffic_class) {
  if (packet[0] >> 4 == 4) {
    packet[1] = traffic_class;
    return;
  }
  packet[0] = static_cast<std::uint8_t>(0x60 | traffic_class >> 4);
  packet[1] = static_cast<std::uint8_t>((traffic_class & 0x0f) << 4 | (packet[1] & 0x0f));
}

void update_ipv4_checksum(MutableBytes packet) {
  const std::size_t length = std::min<std::size_t>((packet[0] & 0x0fU) * 4, packet.size());
  put_be16(packet.data() + 10, 0);
  put_be16(packet.data() + 10, checksum(packet.first(length)));
}

void clear_dont_fragment(MutableBytes packet, IpView& ip) {
  if (!ip.dont_fragment) return;
  put_be16(packet.data() + 6, static_cast<std::uint16_t>(be16(packet.data() + 6) & ~kDontFragment));
  update_ipv4_checksum(packet);
  ip.dont_fragment = false;
}

void write_outer(MutableBytes header, const OuterHeader& h, std::size_t payload_length) {
  std::ranges::fill(header.first(outer_length(h)), std::uint8_t{0});
  const bool v4 = h.source.is_v4();
  header[0] = v4 ? 0x45 : 0x60;
  set_traffic_class(header, h.traffic_class);
  set_total_length(header, outer_length(h) + payload_length);
  set_ttl(header, h.ttl);
  header[v4 ? kIpv4ProtocolOffset : kIpv6NextHeaderOffset] = h.protocol;
  std::ranges::copy(h.source.bytes(), header.begin() + (v4 ? 12 : 8));
  std::ranges::copy(h.destination.bytes(), header.begin() + (v4 ? 16 : 24));
  if (v4) {
    put_be16(header.data() + 4, h.identification);
    put_be16(header.data() + 6, h.dont_fragment ? kDontFragment : std::uint16_t{0});
    update_ipv4_checksum(header.first(kIpv4Header));
  } else {
    put_be32(header.data(), be32(header.data()) | (h.flow_label & 0xfffff));
  }
}

namespace {

Result<IpView, Malformed> parse(Bytes packet, Kind kind) {
  if (packet.empty()) return Failure{Malformed::Truncated};
  switch (packet[0] >> 4) {
    case 4:
      return parse_ipv4(packet, kind);
    case 6:
      return parse_ipv6(packet, kind);
    default:
      return Failure{Malformed::BadVersion};
  }
}

Status<Malformed> fit_length(IpView& ip, std::size_t given, Kind kind) {
  if (ip.total_length > given && kind == Kind::Whole) return Failure{Malformed::Truncated};
  ip.total_length = std::min(ip.total_length, given);
  if (ip.header_length > ip.total_length) return Failure{Malformed::Truncated};
  return Done{};
}

Result<IpView, Malformed> parse_ipv4(Bytes packet, Kind kind) {
  Reader in{packet};
  TRY(const Bytes fixed, in.take(kIpv4Header));
  const std::uint8_t* h = fixed.data();
  IpView ip;
  ip.header_length = (h[0] & 0x0fU) * 4;
  ip.total_length = be16(h + 2);
  if (ip.header_length < kIpv4Header || ip.total_length < ip.header_length) return Failure{Malformed::BadLength};
  TRY_DONE(fit_length(ip, packet.size(), kind));
  ip.source = net::Address::v4(fixed.subspan<12, 4>());
  ip.destination = net::Address::v4(fixed.subspan<16, 4>());
  ip.traffic_class = h[1];
  ip.ttl = h[8];
  ip.identification = be16(h + 4);
  const std::uint16_t flags = be16(h + 6);
  ip.dont_fragment = (flags & kDontFragment) != 0;
  if ((flags & (kMoreFragments | kOffsetMask)) != 0) {
    ip.fragment = Fragment{ip.identification, static_cast<std::uint16_t>((flags & kOffsetMask) * 8),
                           (flags & kMoreFragments) != 0};
  }
  ip.upper_protocol = ip.transport_protocol = h[kIpv4ProtocolOffset];
  ip.upper_offset = ip.transport_offset = ip.header_length;
  ip.next_header_offset = ip.transport_next_header_offset = kIpv4ProtocolOffset;
  return ip;
}

Result<IpView, Malformed> parse_ipv6(Bytes packet, Kind kind) {
  Reader in{packet};
  TRY(const Bytes fixed, in.take(kIpv6Header));
  const std::uint8_t* h = fixed.data();
  IpView ip;
  ip.header_length = kIpv6Header;
  const std::size_t payload = be16(h + 4);
  ip.total_length = kIpv6Header + payload;
  TRY_DONE(fit_length(ip, packet.size(), kind));
  // RFC 2675: a jumbogram has payload length 0 and a hop-by-hop header; without jumbo option that is malformed anyway.
  if (payload == 0 && h[kIpv6NextHeaderOffset] == protocol::kHopByHop) return Failure{Malformed::Unsupported};
  ip.source = net::Address::v6(fixed.subspan<8, 16>());
  ip.destination = net::Address::v6(fixed.subspan<24, 16>());
  ip.traffic_class = static_cast<std::uint8_t>(be16(h) >> 4);
  ip.flow_label = be32(h) & 0xfffff;
  ip.ttl = h[7];
  ip.upper_protocol = ip.transport_protocol = h[kIpv6NextHeaderOffset];
  ip.upper_offset = ip.transport_offset = kIpv6Header;
  ip.next_header_offset = ip.transport_next_header_offset = kIpv6NextHeaderOffset;
  TRY_DONE(walk_extensions(ip, packet.first(ip.total_length)));
  return ip;
}

bool is_extension(std::uint8_t p) {
  return p == protocol::kHopByHop || p == protocol::kRouting || p == protocol::kFragment || p == protocol::kDestination;
}

Status<Malformed> walk_extensions(IpView& ip, Bytes packet) {
  Reader in{packet.subspan(kIpv6Header)};
  while (is_extension(ip.upper_protocol)) {
    const std::uint8_t kind = ip.upper_protocol;
    // RFC 8200 section 4.1: hop-by-hop options are "restricted to appear immediately after an IPv6 header only".
    if (kind == protocol::kHopByHop && ip.extension_count > 0) return Failure{Malformed::BadValue};
    if (ip.extension_count == kMaxExtensions) return Failure{Malformed::TooDeep};
    TRY(const std::size_t length, take_extension(ip, kind, in));
    ip.extensions[ip.extension_count++] = {kind, static_cast<std::uint16_t>(ip.upper_offset),
                                           static_cast<std::uint16_t>(length)};
    ip.next_header_offset = ip.upper_offset;
    ip.upper_protocol = packet[ip.upper_offset];
    ip.upper_offset += length;
    if (kind != protocol::kDestination) {
      ip.transport_offset = ip.upper_offset;
      ip.transport_next_header_offset = ip.next_header_offset;
      ip.transport_protocol = ip.upper_protocol;
    }
    // Behind the header of a later fragment stands the middle of something, not a header.
    if (ip.fragment && ip.fragment->offset > 0) break;
  }
  return Done{};
}

/// Takes one extension header off the reader; returns its length.
Result<std::size_t, Malformed> take_extension(IpView& ip, std::uint8_t kind, Reader& in) {
  if (kind == protocol::kFragment) return take_fragment(ip, in);
  const std::size_t before = in.remaining();
  TRY_DONE(in.skip(1));
  TRY(const std::uint8_t units, in.u8());
  TRY_DONE(in.skip(6 + std::size_t{units} * 8));
  return before - in.remaining();
}

Result<std::size_t, Malformed> take_fragment(IpView& ip, Reader& in) {
  TRY(const Bytes header, in.take(kIpv6FragmentHeader));
  const std::uint16_t field = be16(header.data() + 2);
  const Fragment fragment{be32(header.data() + 4), static_cast<std::uint16_t>(field & 0xfff8), (field & 1) != 0};
  if (ip.fragment) return Failure{Malformed::BadValue};
  // RFC 6946: offset 0 without more is an atomic fragment, which is a whole packet.
  if (fragment.offset != 0 || fragment.more) ip.fragment = fragment;
  return kIpv6FragmentHeader;
}

/// What stands behind the AH headers, and behind extension headers that they protect.
UpperLayer behind_ah(const IpView& ip, Bytes packet) {
  UpperLayer upper{ip.upper_protocol, packet.subspan(ip.upper_offset, ip.total_length - ip.upper_offset)};
  for (std::size_t headers = 0; headers < kMaxExtensions; ++headers) {
    const bool ah = upper.protocol == protocol::kAh;
    const bool options = !ip.is_v4() && upper.protocol == protocol::kDestination;
    if ((!ah && !options) || upper.bytes.size() < 8) break;
    const std::size_t units = upper.bytes[1];
    if (!skip_header(upper, ah ? (units + 2) * 4 : (units + 1) * 8)) break;
  }
  return upper;
}

bool skip_header(UpperLayer& upper, std::size_t length) {
  if (length > upper.bytes.size()) return false;
  upper = {upper.bytes[0], upper.bytes.subspan(length)};
  return true;
}

void read_ports(net::Flow& flow, Bytes upper) {
  switch (flow.protocol) {
    case protocol::kTcp:
    case protocol::kUdp:
    case protocol::kUdpLite:
    case protocol::kSctp:
    case kDccp:
      if (upper.size() < 4) return;
      flow.source_port = be16(upper.data());
      flow.destination_port = be16(upper.data() + 2);
      return;
    case protocol::kIcmp:
    case protocol::kIcmpv6:
      if (upper.size() < 2) return;
      flow.source_port = upper[0];
      flow.destination_port = upper[1];
      return;
    case protocol::kMobility:  // RFC 6275 section 6.1.1: payload protocol, length, type
      if (upper.size() >= 3) flow.source_port = upper[2];
      return;
    case protocol::kGre:
      read_gre_key(flow, upper);
      return;
    default:
      return;
  }
}

/// RFC 2890: C, K and S flags and the version in the first 16 bits; the key behind the checksum when there is one.
void read_gre_key(net::Flow& flow, Bytes upper) {
  constexpr std::uint16_t kChecksum = 0x8000, kRouting = 0x4000, kKey = 0x2000, kVersion = 0x0007;
  Reader in{upper};
  const auto flags = in.u16();
  if (!flags || (*flags & kKey) == 0 || (*flags & kVersion) != 0) return;
  const std::size_t before_key = (*flags & (kChecksum | kRouting)) != 0 ? 6 : 2;
  if (!in.skip(before_key)) return;
  const auto key = in.u32();
  if (!key) return;
  flow.source_port = static_cast<std::uint16_t>(*key >> 16);
  flow.destination_port = static_cast<std::uint16_t>(*key);
}

}  // namespace

}  // namespace testudo::wire::packet
