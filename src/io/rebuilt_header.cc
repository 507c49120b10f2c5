#include "io/rebuilt_header.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "net/protocol.h"

namespace testudo::io {
namespace {

constexpr int kIpv6FlowInfo = 11;  // linux/in6.h, which cannot stand beside netinet/in.h
constexpr std::size_t kIpv4Length = 20, kIpv6Length = 40, kUdpLength = 8;

template <typename T>
T load(const cmsghdr* c) {
  T value{};
  std::memcpy(&value, CMSG_DATA(c), std::min(sizeof value, std::size_t{c->cmsg_len} - CMSG_LEN(0)));
  return value;
}

void add_extension(Ancillary& a, std::uint8_t protocol, const cmsghdr* c) {
  if (a.extension_count == a.extensions.size()) return;
  a.extensions[a.extension_count++] = {protocol, Bytes{CMSG_DATA(c), std::size_t{c->cmsg_len} - CMSG_LEN(0)}};
}

bool read_v4(Ancillary& a, const cmsghdr* c) {
  if (c->cmsg_type == IP_TOS) a.traffic_class = load<std::uint8_t>(c);
  if (c->cmsg_type == IP_TTL) a.ttl = static_cast<std::uint8_t>(load<int>(c));
  if (c->cmsg_type != IP_PKTINFO) return false;
  a.destination = net::Address::v4(ntohl(load<in_pktinfo>(c).ipi_addr.s_addr));
  return true;
}

bool read_v6(Ancillary& a, const cmsghdr* c) {
  switch (c->cmsg_type) {
    case IPV6_TCLASS:
      a.traffic_class = static_cast<std::uint8_t>(load<int>(c));
      return false;
    case IPV6_HOPLIMIT:
      a.ttl = static_cast<std::uint8_t>(load<int>(c));
      return false;
    case kIpv6FlowInfo:
      a.flow_label = ntohl(load<std::uint32_t>(c)) & 0xfffffU;
      return false;
    case IPV6_HOPOPTS:
      add_extension(a, net::protocol::kHopByHop, c);
      return false;
    case IPV6_RTHDR:
      add_extension(a, net::protocol::kRouting, c);
      return false;
    case IPV6_DSTOPTS:
      add_extension(a, net::protocol::kDestination, c);
      return false;
    case IPV6_PKTINFO:
      a.destination = net::Address::v6(load<in6_pktinfo>(c).ipi6_addr.s6_addr);
      return true;
    default:
      return false;
  }
}

void read_source(Ancillary& a, const msghdr& message) {
  sockaddr_storage storage{};
  std::memcpy(&storage, message.msg_name, std::min<std::size_t>(sizeof storage, message.msg_namelen));
  if (storage.ss_family == AF_INET) {
    sockaddr_in from{};
    std::memcpy(&from, &storage, sizeof from);
    a.source = net::Address::v4(ntohl(from.sin_addr.s_addr));
    a.source_port = ntohs(from.sin_port);
    return;
  }
  sockaddr_in6 from{};
  std::memcpy(&from, &storage, sizeof from);
  a.source = net::Address::v6(from.sin6_addr.s6_addr);
  a.source_port = ntohs(from.sin6_port);
}

std::uint16_t header_checksum(Bytes header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < header.size(); i += 2) sum += be16(header.data() + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void write_ipv4(MutableBytes out, const Ancillary& a, std::uint8_t protocol, std::size_t total) {
  std::uint8_t* p = out.data();
  p[0] = 0x45;
  p[1] = a.traffic_class;
  put_be16(p + 2, static_cast<std::uint16_t>(total));
  put_be32(p + 4, 0);
  p[8] = a.ttl;
  p[9] = protocol;
  put_be16(p + 10, 0);
  std::ranges::copy(a.source.bytes(), p + 12);
  std::ranges::copy(a.destination.bytes(), p + 16);
  put_be16(p + 10, header_checksum(out.first(kIpv4Length)));
}

void write_ipv6(MutableBytes out, const Ancillary& a, std::uint8_t protocol, std::size_t behind) {
  std::uint8_t* p = out.data();
  put_be32(p, (6U << 28) | (std::uint32_t{a.traffic_class} << 20) | a.flow_label);
  put_be16(p + 4, static_cast<std::uint16_t>(a.extensions_length() + behind));
  p[7] = a.ttl;
  std::ranges::copy(a.source.bytes(), p + 8);
  std::ranges::copy(a.destination.bytes(), p + 24);
  // Each header announces the next; a fragment header that the kernel has dealt with drops out of the chain here.
  std::uint8_t* announce = p + 6;
  std::uint8_t* next = p + kIpv6Length;
  for (std::size_t i = 0; i < a.extension_count; ++i) {
    std::ranges::copy(a.extensions[i].bytes, next);
    *announce = a.extensions[i].protocol;
    announce = next;
    next += a.extensions[i].bytes.size();
  }
  *announce = protocol;
}

}  // namespace

std::size_t Ancillary::extensions_length() const {
  std::size_t n = 0;
  for (std::size_t i = 0; i < extension_count; ++i) n += extensions[i].bytes.size();
  return n;
}

std::optional<Ancillary> read_ancillary(const msghdr& message) {
  Ancillary a;
  bool destination = false;
  msghdr walk = message;  // CMSG_NXTHDR wants it mutable
  for (cmsghdr* c = CMSG_FIRSTHDR(&walk); c != nullptr; c = CMSG_NXTHDR(&walk, c)) {
    if (c->cmsg_level == IPPROTO_IP) destination |= read_v4(a, c);
    if (c->cmsg_level == IPPROTO_IPV6) destination |= read_v6(a, c);
  }
  if (!destination) return std::nullopt;
  read_source(a, message);
  return a;
}

std::size_t header_length(const Ancillary& a, std::uint8_t protocol) {
  const std::size_t ip = a.destination.is_v4() ? kIpv4Length : kIpv6Length + a.extensions_length();
  return ip + (protocol == net::protocol::kUdp ? kUdpLength : 0);
}

void write_header(MutableBytes header, const Ancillary& a, std::uint8_t protocol, std::size_t payload,
                  std::uint16_t destination_port) {
  std::size_t behind = payload;
  if (protocol == net::protocol::kUdp) {
    behind += kUdpLength;
    std::uint8_t* udp = header.last(kUdpLength).data();
    put_be16(udp, a.source_port);
    put_be16(udp + 2, destination_port);
    put_be16(udp + 4, static_cast<std::uint16_t>(behind));
    put_be16(udp + 6, 0);
  }
  if (a.destination.is_v4()) return write_ipv4(header, a, protocol, kIpv4Length + behind);
  write_ipv6(header, a, protocol, behind);
}

}  // namespace testudo::io
