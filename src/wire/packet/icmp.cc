#include "wire/packet/icmp.h"

#include <algorithm>

#include "base/endian.h"
#include "net/protocol.h"

namespace testudo::wire::packet {

namespace protocol = net::protocol;

namespace {

constexpr std::uint8_t kParameterProblem4 = 12;
constexpr std::size_t kIcmpHeader = 8, kLargestError4 = 576, kLargestError6 = 1280;
/// RFC 1812 section 4.3.2.5: "ICMP error messages … SHOULD have their IP Precedence field set to … 6 or 7".
constexpr std::uint8_t kNetworkControl = 0xc0;

struct Message {
  std::uint8_t type = 0, code = 0;
  std::uint32_t rest = 0;  ///< the four bytes behind the checksum
};

bool may_be_told(const net::Address& source);
bool is_about_error(const IpView& ip, Bytes packet);
std::optional<ByteVector> compose(const net::Address& from, Bytes packet, const IpView& ip, const Message& message);
bool has_right_checksum(const IpView& ip, Bytes message);
Bytes quotation(bool v4, Bytes message);
std::optional<Spi> quoted_spi(const QuotedIp& quoted, Bytes bytes);

}  // namespace

bool is_icmp_error(bool v4, std::uint8_t type) {
  constexpr std::uint8_t kSourceQuench = 4, kRedirect4 = 5, kRedirect6 = 137;
  if (!v4) return type < 128 || type == kRedirect6;
  return type == icmp::kUnreachable4 || type == kSourceQuench || type == kRedirect4 || type == icmp::kTimeExceeded4 ||
         type == kParameterProblem4;
}

std::optional<ByteVector> compose_too_big(const net::Address& from, Bytes packet, const IpView& ip, std::size_t mtu) {
  if (!ip.is_v4()) return compose(from, packet, ip, {icmp::kPacketTooBig6, 0, static_cast<std::uint32_t>(mtu)});
  const auto field = static_cast<std::uint32_t>(std::min<std::size_t>(mtu, 0xffff));
  return compose(from, packet, ip, {icmp::kUnreachable4, icmp::kFragmentationNeeded4, field});
}

std::optional<ByteVector> compose_time_exceeded(const net::Address& from, Bytes packet, const IpView& ip) {
  return compose(from, packet, ip, {ip.is_v4() ? icmp::kTimeExceeded4 : icmp::kTimeExceeded6, 0, 0});
}

Result<IcmpError, Malformed> parse_icmp_error(const IpView& ip, Bytes packet) {
  if (ip.fragment || ip.upper_protocol != (ip.is_v4() ? protocol::kIcmp : protocol::kIcmpv6))
    return Failure{Malformed::Unsupported};
  const Bytes message = packet.subspan(ip.upper_offset, ip.total_length - ip.upper_offset);
  if (message.size() < kIcmpHeader) return Failure{Malformed::Truncated};
  if (!is_icmp_error(ip.is_v4(), message[0]) || (!ip.is_v4() && message[0] >= 128))
    return Failure{Malformed::Unsupported};
  if (!has_right_checksum(ip, message)) return Failure{Malformed::BadValue};

  IcmpError error;
  error.type = message[0];
  error.code = message[1];
  if (ip.is_v4() && error.type == icmp::kUnreachable4 && error.code == icmp::kFragmentationNeeded4)
    error.mtu = be16(message.data() + 6);
  if (!ip.is_v4() && error.type == icmp::kPacketTooBig6) error.mtu = be32(message.data() + 4);
  error.quoted = quotation(ip.is_v4(), message);
  TRY(error.ip, parse_quoted_ip(error.quoted));
  if (error.ip.ip.is_v4() != ip.is_v4()) return Failure{Malformed::BadVersion};
  error.protocol = error.ip.ip.upper_protocol;
  error.spi = quoted_spi(error.ip, error.quoted);
  return error;
}

namespace {

/// RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e.6): the source must be "uniquely identifying a single node".
bool may_be_told(const net::Address& source) {
  const bool class_e = source.is_v4() && source.bytes()[0] >= 240;
  return !source.is_unspecified() && !source.is_multicast() && !source.is_loopback() && !class_e;
}

bool is_about_error(const IpView& ip, Bytes packet) {
  if (ip.upper_protocol != (ip.is_v4() ? protocol::kIcmp : protocol::kIcmpv6)) return false;
  // A message without a type cannot be told from an error.
  return ip.upper_offset >= ip.total_length || is_icmp_error(ip.is_v4(), packet[ip.upper_offset]);
}

std::optional<ByteVector> compose(const net::Address& from, Bytes packet, const IpView& ip, const Message& message) {
  const bool v4 = ip.is_v4();
  const bool to_group = ip.destination.is_multicast() || ip.destination == net::Address::v4(0xffffffff);
  // RFC 4443 section 2.4 (e.3): "… the Packet Too Big Message … to allow Path MTU discovery to work for IPv6
  // multicast".
  const bool group_may_be_told = !v4 && message.type == icmp::kPacketTooBig6;
  if (from.is_v4() != v4 || !may_be_told(ip.source) || (to_group && !group_may_be_told)) return std::nullopt;
  if ((ip.fragment && ip.fragment->offset > 0) || is_about_error(ip, packet)) return std::nullopt;

  OuterHeader outer;
  outer.source = from;
  outer.destination = ip.source;
  outer.protocol = v4 ? protocol::kIcmp : protocol::kIcmpv6;
  outer.traffic_class = v4 ? kNetworkControl : 0;
  const std::size_t header = outer_length(outer);
  const std::size_t room = (v4 ? kLargestError4 : kLargestError6) - header - kIcmpHeader;
  const Bytes quoted = packet.first(std::min({room, ip.total_length, packet.size()}));
  ByteVector out(header + kIcmpHeader + quoted.size());
  write_outer(out, outer, out.size() - header);

  const MutableBytes body = MutableBytes{out}.subspan(header);
  body[0] = message.type;
  body[1] = message.code;
  put_be32(body.data() + 4, message.rest);
  std::ranges::copy(quoted, body.begin() + kIcmpHeader);
  const std::uint32_t pseudo = v4 ? 0 : pseudo_header_sum(from, ip.source, outer.protocol, body.size());
  put_be16(body.data() + 2, checksum(body, pseudo));
  return out;
}

bool has_right_checksum(const IpView& ip, Bytes message) {
  const std::uint32_t pseudo =
      ip.is_v4() ? 0 : pseudo_header_sum(ip.source, ip.destination, protocol::kIcmpv6, message.size());
  return checksum(message, pseudo) == 0;
}

/// What stands behind the ICMP header, without the extensions of RFC 4884: in the messages that may have them a length
/// in units of 4 bytes (IPv4) or 8 (IPv6) says where the quotation ends; 0 says that there are none.
Bytes quotation(bool v4, Bytes message) {
  const std::uint8_t type = message[0];
  const Bytes behind = message.subspan(kIcmpHeader);
  std::size_t length = 0;
  if (v4 && (type == icmp::kUnreachable4 || type == icmp::kTimeExceeded4 || type == kParameterProblem4))
    length = std::size_t{message[5]} * 4;
  if (!v4 && (type == icmp::kUnreachable6 || type == icmp::kTimeExceeded6)) length = std::size_t{message[4]} * 8;
  return length == 0 ? behind : behind.first(std::min(length, behind.size()));
}

std::optional<Spi> quoted_spi(const QuotedIp& quoted, Bytes bytes) {
  const IpView& ip = quoted.ip;
  if (ip.fragment && ip.fragment->offset > 0) return std::nullopt;
  Reader in{bytes.subspan(ip.upper_offset, ip.total_length - ip.upper_offset)};
  const bool ah = ip.upper_protocol == protocol::kAh, ipcomp = ip.upper_protocol == protocol::kIpcomp;
  if (!ah && !ipcomp && ip.upper_protocol != protocol::kEsp) return std::nullopt;
  // In front of it: next header, length, reserved of AH; next header and flags of IPcomp.
  if (!in.skip(ah ? 4 : ipcomp ? 2 : 0)) return std::nullopt;
  if (ipcomp) {
    const auto cpi = in.u16();
    return cpi ? std::optional{Spi{*cpi}} : std::nullopt;
  }
  const auto spi = in.u32();
  return spi ? std::optional{Spi{*spi}} : std::nullopt;
}

}  // namespace

}  // namespace testudo::wire::packet
