#include "io/segment.h"

#include <algorithm>

#include "base/endian.h"
#include "net/protocol.h"
#include "wire/packet/checksum.h"
#include "wire/packet/ip.h"

namespace testudo::io {
namespace {

using wire::Malformed;
namespace packet = wire::packet;

constexpr std::size_t kTcpSequence = 4, kTcpDataOffset = 12, kTcpFlags = 13, kTcpChecksum = 16, kTcpHeader = 20;
constexpr std::size_t kUdpLength = 4, kUdpChecksum = 6;
constexpr std::uint8_t kFin = 0x01, kPsh = 0x08, kCwr = 0x80;

bool is_v4(Bytes ip) {
  return ip[0] >> 4 == 4;
}

bool is_udp(const VnetHeader& header) {
  return (header.gso_type & ~VnetHeader::kEcn) == VnetHeader::kUdp;
}

// Where the next header is not TCP or UDP itself, the kernel has walked extension headers.
bool protocol_fits(const VnetHeader& header, Bytes ip) {
  const std::uint8_t next = is_v4(ip) ? ip[9] : ip[6];
  if (!is_v4(ip) && header.checksum_start != packet::kIpv6Header) return true;
  return next == (is_udp(header) ? net::protocol::kUdp : net::protocol::kTcp);
}

bool kind_fits(std::uint8_t gso_type, Bytes ip) {
  const std::uint8_t version = ip[0] >> 4;
  switch (gso_type & ~VnetHeader::kEcn) {
    case VnetHeader::kTcp4:
      return version == 4;
    case VnetHeader::kTcp6:
      return version == 6;
    case VnetHeader::kUdp:
      return version == 4 || version == 6;
    default:
      return false;
  }
}

Result<std::size_t, Malformed> upper_header_length(bool tcp, Bytes upper) {
  const std::size_t least = tcp ? kTcpHeader : packet::kUdpHeader;
  if (upper.size() < least) return Failure{Malformed::Truncated};
  if (!tcp) return least;
  const std::size_t length = std::size_t{upper[kTcpDataOffset]} >> 4 << 2;
  if (length < least || length > upper.size()) return Failure{Malformed::BadLength};
  return length;
}

// The kernel has put the sum of the pseudo header into the checksum field; without the length it is the same for all
// segments.  (Taken from there, not from the addresses: behind a routing header the last destination counts.)
std::uint32_t sum_of_addresses(Bytes upper, std::size_t field) {
  const auto length = static_cast<std::uint16_t>(upper.size());
  return std::uint32_t{be16(upper.data() + field)} + static_cast<std::uint16_t>(~length);
}

// Zero means that there is no checksum (RFC 768).
std::uint16_t never_zero(std::uint16_t checksum) {
  return checksum == 0 ? 0xffff : checksum;
}

}  // namespace

Result<Segments, Malformed> Segments::of(const VnetHeader& header, Bytes super_packet) {
  const bool needs = (header.flags & VnetHeader::kNeedsChecksum) != 0;
  if (!needs || header.gso_size == 0 || super_packet.empty()) return Failure{Malformed::BadValue};
  if (!kind_fits(header.gso_type, super_packet)) return Failure{Malformed::BadVersion};
  const std::size_t least = is_v4(super_packet) ? packet::kIpv4Header : packet::kIpv6Header;
  const std::size_t upper = header.checksum_start;
  if (upper < least || (is_v4(super_packet) && upper != std::size_t{super_packet[0] & 0xfU} * 4)) {
    return Failure{Malformed::BadLength};
  }
  wire::Reader rest{super_packet};
  TRY_DONE(rest.skip(upper));
  if (!protocol_fits(header, super_packet)) return Failure{Malformed::BadValue};
  const bool tcp = !is_udp(header);
  if (header.checksum_offset != (tcp ? kTcpChecksum : kUdpChecksum)) return Failure{Malformed::BadValue};
  TRY(const std::size_t length, upper_header_length(tcp, rest.rest()));
  return Segments{super_packet, upper, upper + length, header};
}

Segments::Segments(Bytes packet, std::size_t upper, std::size_t headers, const VnetHeader& header)
    : headers_(packet.first(headers)),
      payload_(packet.subspan(headers)),
      upper_(upper),
      step_(header.gso_size),
      count_(payload_.empty() ? 1 : (payload_.size() + step_ - 1) / step_),
      addresses_(sum_of_addresses(packet.subspan(upper), header.checksum_offset)),
      protocol_(is_udp(header) ? net::protocol::kUdp : net::protocol::kTcp) {}

std::size_t Segments::write(std::size_t index, MutableBytes into) const {
  const Bytes rest = payload_.subspan(index * step_);
  const Bytes payload = rest.first(std::min(step_, rest.size()));
  const MutableBytes segment = into.first(headers_.size() + payload.size());
  std::ranges::copy(headers_, segment.data());
  finish_ip(segment, index);

  const bool tcp = protocol_ == net::protocol::kTcp;
  const MutableBytes upper = segment.subspan(upper_);
  std::uint8_t* const field = upper.data() + (tcp ? kTcpChecksum : kUdpChecksum);
  if (tcp) finish_tcp(upper, index);
  if (!tcp) put_be16(upper.data() + kUdpLength, static_cast<std::uint16_t>(upper.size()));
  put_be16(field, 0);
  const std::uint32_t pseudo = addresses_ + static_cast<std::uint32_t>(upper.size());
  const std::uint32_t sum_of_payload = packet::copy_and_sum(segment.subspan(headers_.size()), payload, pseudo);
  const auto checksum = packet::checksum(upper.first(headers_.size() - upper_), sum_of_payload);
  put_be16(field, tcp ? checksum : never_zero(checksum));
  return segment.size();
}

void Segments::finish_ip(MutableBytes segment, std::size_t index) const {
  packet::set_total_length(segment, segment.size());
  if (!is_v4(segment)) return;
  constexpr std::size_t kIdentification = 4;
  const std::size_t identification = be16(segment.data() + kIdentification) + index;
  put_be16(segment.data() + kIdentification, static_cast<std::uint16_t>(identification));
  packet::update_ipv4_checksum(segment);
}

void Segments::finish_tcp(MutableBytes upper, std::size_t index) const {
  const std::uint32_t first = be32(upper.data() + kTcpSequence);
  put_be32(upper.data() + kTcpSequence, first + static_cast<std::uint32_t>(index * step_));
  std::uint8_t& flags = upper[kTcpFlags];
  if (index > 0) flags = static_cast<std::uint8_t>(flags & ~kCwr);
  if (index + 1 < count_) flags = static_cast<std::uint8_t>(flags & ~(kFin | kPsh));
}

Status<Malformed> finish_checksum(const VnetHeader& header, MutableBytes packet) {
  if ((header.flags & VnetHeader::kNeedsChecksum) == 0) return Done{};
  wire::Reader rest{packet};
  TRY_DONE(rest.skip(header.checksum_start));
  const std::size_t field = header.checksum_offset;
  if (rest.remaining() < field + 2) return Failure{Malformed::BadLength};
  // The field holds the pseudo header's sum, so that the sum over everything is the checksum's.
  const std::uint16_t sum = packet::checksum(rest.rest());
  const bool udp = field == kUdpChecksum;
  put_be16(packet.data() + header.checksum_start + field, udp ? never_zero(sum) : sum);
  return Done{};
}

}  // namespace testudo::io
