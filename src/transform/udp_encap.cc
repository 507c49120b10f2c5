#include "transform/udp_encap.h"

#include <algorithm>

#include "base/endian.h"
#include "net/protocol.h"
#include "wire/reader.h"

namespace testudo::transform {

namespace packet = wire::packet;
namespace protocol = net::protocol;

namespace {

constexpr std::size_t kNonIkeMarker = 8, kNonEspMarker = 4, kEspHeader = 8, kTcpHeader = 20, kLargestPayload = 65535;
constexpr std::size_t kUdpChecksum = 6, kTcpChecksum = 16;

/// After bytes came or went behind the IP header: next header, length and checksum say so.
void announce(MutableBytes bytes, const IpView& ip, std::uint8_t next) {
  bytes[ip.next_header_offset] = next;
  packet::set_total_length(bytes, bytes.size());
  if (ip.is_v4()) packet::update_ipv4_checksum(bytes);
}

/// Of an IpView or an SA's group.
template <typename Addresses>
std::uint16_t checksum_over(const Addresses& between, std::uint8_t protocol, Bytes upper) {
  return packet::checksum(upper,
                          packet::pseudo_header_sum(between.source, between.destination, protocol, upper.size()));
}

/// RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
template <typename Addresses>
std::uint16_t udp_checksum(const Addresses& between, Bytes datagram) {
  const std::uint16_t sum = checksum_over(between, protocol::kUdp, datagram);
  return sum == 0 ? 0xffff : sum;
}

/// The length of the UDP datagram at the start of `upper`, when its header can be believed.
Result<std::size_t, DropReason> udp_length(Bytes upper) {
  if (upper.size() < packet::kUdpHeader) return Failure{DropReason::InboundMalformed};
  const std::size_t length = be16(upper.data() + 4);
  if (length < packet::kUdpHeader || length > upper.size()) return Failure{DropReason::InboundMalformed};
  return length;
}

}  // namespace

void write_udp_header(std::uint8_t* at, const sad::NatTraversal& nat, std::size_t length) {
  put_be16(at, nat.source_port);
  put_be16(at + 2, nat.destination_port);
  put_be16(at + 4, static_cast<std::uint16_t>(length));
  put_be16(at + kUdpChecksum, 0);
}

void put_udp_checksum(const sad::SaGroup& between, MutableBytes datagram) {
  put_be16(datagram.data() + kUdpChecksum, udp_checksum(between, datagram));
}

Status<DropReason> encapsulate_udp(const sad::Sa& sa, PacketBuffer& packet, const IpView& sealed) {
  const auto& nat = sa.parameters().nat;
  if (!nat || sealed.upper_protocol != protocol::kEsp) return Failure{DropReason::OutboundInvalid};
  const bool marker = nat->kind == sad::NatTraversal::Kind::NonIke;
  const std::size_t added = packet::kUdpHeader + (marker ? kNonIkeMarker : 0);
  const std::size_t not_counted = sealed.is_v4() ? 0 : packet::kIpv6Header;
  if (packet.size() + added > kLargestPayload + not_counted) return Failure{DropReason::TooBig};
  if (!packet.insert(sealed.upper_offset, added)) return Failure{DropReason::NoRoom};

  const MutableBytes datagram = packet.bytes().subspan(sealed.upper_offset);
  write_udp_header(datagram.data(), *nat, datagram.size());
  std::ranges::fill(datagram.first(added).subspan(packet::kUdpHeader), std::uint8_t{0});
  if (!sealed.is_v4()) put_be16(datagram.data() + kUdpChecksum, udp_checksum(sealed, datagram));
  announce(packet.bytes(), sealed, protocol::kUdp);
  return Done{};
}

UdpPayload classify_udp(Bytes payload) {
  if (payload.size() == 1 && payload[0] == 0xff) return UdpPayload::Keepalive;
  const bool marker = payload.size() >= kNonEspMarker && be32(payload.data()) == 0;
  return marker ? UdpPayload::Ike : UdpPayload::Esp;
}

Result<UdpPorts, DropReason> decapsulate_udp(PacketBuffer& packet, const IpView& ip, bool marker) {
  if (ip.upper_protocol != protocol::kUdp || ip.fragment) return Failure{DropReason::InboundMalformed};
  const Bytes upper = packet.bytes().subspan(ip.upper_offset, ip.total_length - ip.upper_offset);
  TRY(const std::size_t length, udp_length(upper));
  const UdpPorts ports{be16(upper.data()), be16(upper.data() + 2)};
  const Bytes payload = upper.subspan(packet::kUdpHeader, length - packet::kUdpHeader);
  const std::size_t removed = packet::kUdpHeader + (marker ? kNonIkeMarker : 0);
  if (marker && (payload.size() < kNonIkeMarker || be64(payload.data()) != 0))
    return Failure{DropReason::InboundMalformed};
  if (length - removed < kEspHeader) return Failure{DropReason::InboundMalformed};

  packet.trim_back(packet.size() - (ip.upper_offset + length));
  packet.erase(ip.upper_offset, removed);
  announce(packet.bytes(), ip, protocol::kEsp);
  return ports;
}

void repair_checksum(PacketBuffer& packet, const IpView& ip) {
  if (ip.fragment || ip.total_length > packet.size()) return;
  const MutableBytes upper = packet.bytes().subspan(ip.upper_offset, ip.total_length - ip.upper_offset);
  if (ip.upper_protocol == protocol::kTcp && upper.size() >= kTcpHeader) {
    put_be16(upper.data() + kTcpChecksum, 0);
    put_be16(upper.data() + kTcpChecksum, checksum_over(ip, protocol::kTcp, upper));
  }
  if (ip.upper_protocol != protocol::kUdp) return;
  const auto length = udp_length(upper);
  if (!length || (ip.is_v4() && be16(upper.data() + kUdpChecksum) == 0)) return;
  put_be16(upper.data() + kUdpChecksum, 0);
  put_be16(upper.data() + kUdpChecksum, udp_checksum(ip, upper.first(*length)));
}

}  // namespace testudo::transform
