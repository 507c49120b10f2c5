#include "io/coalesce.h"

#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "net/protocol.h"
#include "wire/packet/checksum.h"
#include "wire/packet/ip.h"

namespace testudo::io {
namespace {

using wire::packet::kIpv4Header, wire::packet::kIpv6Header, wire::packet::kUdpHeader;
namespace packet = wire::packet;

constexpr std::size_t kMaxSuperPacket = 65535;
/// UDP_MAX_SEGMENTS of kernels before 6.9.
constexpr std::size_t kMaxDatagrams = 64;
/// Flows that a packet is compared with; beyond, a flow starts a group anew.
constexpr std::size_t kOpenFlows = 16;

constexpr std::size_t kTcpHeader = 20, kTcpChecksum = 16, kUdpChecksum = 6;
constexpr std::uint8_t kAck = 0x10, kPsh = 0x08, kEce = 0x40;

// A run of bytes in which two packets must agree.
struct Field {
  std::size_t offset, length;
};
// Version, header length, TOS; flags, offset, TTL, protocol; addresses.
constexpr std::array kIpv4Same{Field{0, 2}, Field{6, 4}, Field{12, 8}};
// Version, class, label; next header, hop limit, addresses.
constexpr std::array kIpv6Same{Field{0, 4}, Field{6, 34}};
// Ports; acknowledgement and header length; window; urgent pointer.  The flags and the options are looked at apart.
constexpr std::array kTcpSame{Field{0, 4}, Field{8, 5}, Field{14, 2}, Field{18, 2}};
constexpr std::array kUdpSame{Field{0, 4}};

template <std::size_t N>
bool same(const std::uint8_t* a, const std::uint8_t* b, const std::array<Field, N>& fields) {
  return std::ranges::all_of(fields, [&](Field f) { return std::memcmp(a + f.offset, b + f.offset, f.length) == 0; });
}

bool is_v4(Bytes ip) {
  return ip[0] >> 4 == 4;
}

// Where TCP or UDP begins in a whole packet without options, extensions and trailing bytes; else 0.
std::size_t upper_offset(Bytes ip) {
  if (ip.size() > kIpv4Header && ip[0] == 0x45) {
    const bool fragment = (be16(ip.data() + 6) & 0x3fff) != 0;
    return !fragment && be16(ip.data() + 2) == ip.size() ? kIpv4Header : 0;
  }
  if (ip.size() > kIpv6Header && ip[0] >> 4 == 6) {
    return be16(ip.data() + 4) + kIpv6Header == ip.size() ? kIpv6Header : 0;
  }
  return 0;
}

std::uint8_t upper_protocol(Bytes ip) {
  return is_v4(ip) ? ip[9] : ip[6];
}

std::uint32_t sum_of_addresses(Bytes ip) {
  return packet::sum_of(is_v4(ip) ? ip.subspan(12, 8) : ip.subspan(8, 32), upper_protocol(ip));
}

// `count`: how many packets the second one is behind the first.
bool same_ip(Bytes first, Bytes second, std::size_t count) {
  const std::uint8_t *a = first.data(), *b = second.data();
  if (!is_v4(first)) return same(a, b, kIpv6Same);
  constexpr std::uint8_t kDontFragment = 0x40;
  const bool numbered = be16(b + 4) == static_cast<std::uint16_t>(be16(a + 4) + count);
  return same(a, b, kIpv4Same) && (numbered || (a[6] & kDontFragment) != 0);
}

bool same_tcp(Bytes header, const std::uint8_t* other) {
  const std::uint8_t* a = header.data();
  const bool flags = ((a[13] ^ other[13]) & ~kPsh) == 0;
  return flags && same(a, other, kTcpSame) &&
         std::memcmp(a + kTcpHeader, other + kTcpHeader, header.size() - kTcpHeader) == 0;
}

bool has_right_checksum(Bytes ip, std::size_t upper) {
  if (is_v4(ip) && packet::checksum(ip.first(upper)) != 0) return false;
  const Bytes rest = ip.subspan(upper);
  return packet::checksum(rest, sum_of_addresses(ip) + static_cast<std::uint32_t>(rest.size())) == 0;
}

// Anything that keeps most flows apart: joins() compares them in full.
std::uint64_t key_of(Bytes ip, std::size_t upper) {
  std::uint64_t key = be32(ip.data() + upper);  // ports
  for (std::size_t i = is_v4(ip) ? 12 : 8; i < upper; i += 4) key = key * 0x9e3779b97f4a7c15U + be32(ip.data() + i);
  return key | 1;
}

}  // namespace

/// A packet and what of it decides whether it joins others.
struct Coalescer::Candidate {
  MutableBytes bytes;
  std::uint64_t key = 0;
  std::size_t upper = 0, headers = 0;
  bool tcp = false;
  bool starts = false;    ///< others may follow it
  bool unsummed = false;  ///< and may get a checksum
  bool hidden = false;    ///< of which flow it is: a fragment, or behind options or extension headers

  std::size_t payload() const { return bytes.size() - headers; }
  const std::uint8_t* transport() const { return bytes.data() + upper; }
  std::uint32_t sequence() const { return be32(transport() + 4); }
  bool pushed() const { return tcp && (transport()[13] & kPsh) != 0; }
};

Coalescer::Candidate Coalescer::look(MutableBytes bytes, Unsummed unsummed) const {
  Candidate c{.bytes = bytes, .upper = upper_offset(bytes)};
  const std::uint8_t protocol = c.upper == 0 ? std::uint8_t{0} : upper_protocol(bytes);
  c.hidden = protocol != net::protocol::kTcp && protocol != net::protocol::kUdp;
  if (c.hidden) return c;
  const std::size_t room = bytes.size() - c.upper;
  c.tcp = protocol == net::protocol::kTcp && allowed_.tcp && room >= kTcpHeader;
  const bool udp = protocol == net::protocol::kUdp && allowed_.udp && room >= kUdpHeader;
  if (!c.tcp && !udp) return c;
  c.key = key_of(bytes, c.upper);
  const std::size_t header = c.tcp ? std::size_t{c.transport()[12]} >> 4 << 2 : kUdpHeader;
  if (header < (c.tcp ? kTcpHeader : kUdpHeader) || header >= room) return c;
  c.headers = c.upper + header;
  const bool plain = c.tcp && (c.transport()[13] & ~(kPsh | kEce)) == kAck;
  const bool whole = udp && be16(c.transport() + 4) == room;
  const bool summed = whole && be16(c.transport() + kUdpChecksum) != 0;
  c.unsummed = whole && !summed && is_v4(bytes) && unsummed == Unsummed::Joined;
  c.starts = plain || summed || c.unsummed;
  return c;
}

void Coalescer::add(MutableBytes packet) {
  add(packet, Unsummed::Apart);
}

void Coalescer::add_own(MutableBytes packet) {
  add(packet, Unsummed::Joined);
}

void Coalescer::add(MutableBytes packet, Unsummed unsummed) {
  const Candidate candidate = look(packet, unsummed);
  if (Group* group = group_for(candidate); group != nullptr && joins(*group, candidate)) {
    append(*group, candidate);
  } else {
    if (group != nullptr) group->key = 0;  // nothing overtakes the packet that did not fit
    open(candidate);
  }
}

Coalescer::Group* Coalescer::group_for(const Candidate& candidate) {
  const std::size_t from = groups_.size() - std::min(groups_.size(), kOpenFlows);
  if (candidate.key == 0) {
    if (candidate.hidden) std::ranges::for_each(std::span{groups_}.subspan(from), [](Group& g) { g.key = 0; });
    return nullptr;
  }
  for (std::size_t i = groups_.size(); i-- > from;) {
    if (groups_[i].key == candidate.key) return &groups_[i];
  }
  return nullptr;
}

bool Coalescer::joins(Group& group, const Candidate& c) {
  const bool fits = c.starts && group.tcp == c.tcp && group.upper == c.upper && group.headers == c.headers &&
                    c.payload() <= group.step && group.headers + group.payload + c.payload() <= kMaxSuperPacket;
  if (!fits) return false;
  const Bytes first = packets_[group.first].bytes;
  if (!same_ip(first, c.bytes, group.count)) return false;
  const Bytes upper = first.subspan(group.upper, group.headers - group.upper);
  const bool follows = group.tcp ? c.sequence() == group.next_sequence && same_tcp(upper, c.transport())
                                 : group.count < kMaxDatagrams && same(upper.data(), c.transport(), kUdpSame);
  if (!follows) return false;
  if (!group.checked && !has_right_checksum(first, group.upper)) return false;
  group.checked = true;
  return c.unsummed || has_right_checksum(c.bytes, c.upper);
}

void Coalescer::append(Group& group, const Candidate& candidate) {
  packets_[group.last].next = packets_.size();
  group.last = packets_.size();
  packets_.push_back({candidate.bytes, 0});
  ++group.count;
  group.payload += candidate.payload();
  group.next_sequence += static_cast<std::uint32_t>(candidate.payload());
  group.pushed = candidate.pushed();
  // Only the last one may be shorter, and what was pushed does not wait for more.
  if (candidate.payload() < group.step || group.pushed) group.key = 0;
}

void Coalescer::open(const Candidate& c) {
  Group group;
  group.first = group.last = packets_.size();
  packets_.push_back({c.bytes, 0});
  if (c.starts) {
    group.tcp = c.tcp;
    group.upper = c.upper;
    group.headers = c.headers;
    group.step = group.payload = c.payload();
    group.pushed = c.pushed();
    group.key = group.pushed ? 0 : c.key;
    group.checked = c.unsummed;  // there is none
    if (c.tcp) group.next_sequence = c.sequence() + static_cast<std::uint32_t>(c.payload());
  }
  groups_.push_back(group);
}

void Coalescer::clear() {
  packets_.clear();
  groups_.clear();
}

std::span<const Bytes> Coalescer::finish(std::size_t index, VnetHeader& header) {
  const Group& group = groups_[index];
  const MutableBytes first = packets_[group.first].bytes;
  pieces_.assign(1, first);
  header = {};
  if (group.count == 1) return pieces_;

  for (std::size_t i = packets_[group.first].next; pieces_.size() < group.count; i = packets_[i].next) {
    pieces_.push_back(packets_[i].bytes.subspan(group.headers));
  }
  const std::size_t checksum = group.tcp ? kTcpChecksum : kUdpChecksum;
  const std::size_t length = group.headers - group.upper + group.payload;
  const MutableBytes upper = first.subspan(group.upper);
  packet::set_total_length(first, group.headers + group.payload);
  if (is_v4(first)) packet::update_ipv4_checksum(first);
  if (group.tcp && group.pushed) upper[13] |= kPsh;
  if (!group.tcp) put_be16(upper.data() + 4, static_cast<std::uint16_t>(length));
  // As for a packet that a device is to finish: the field holds the sum of the pseudo header.
  put_be16(upper.data() + checksum, packet::sum_of({}, sum_of_addresses(first) + static_cast<std::uint32_t>(length)));

  const std::uint8_t tcp = is_v4(first) ? VnetHeader::kTcp4 : VnetHeader::kTcp6;
  header.flags = VnetHeader::kNeedsChecksum;
  header.gso_type = group.tcp ? tcp : VnetHeader::kUdp;
  header.header_length = static_cast<std::uint16_t>(group.headers);
  header.gso_size = static_cast<std::uint16_t>(group.step);
  header.checksum_start = static_cast<std::uint16_t>(group.upper);
  header.checksum_offset = static_cast<std::uint16_t>(checksum);
  return pieces_;
}

}  // namespace testudo::io
