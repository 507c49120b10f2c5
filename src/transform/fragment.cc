#include "transform/fragment.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "net/protocol.h"

namespace testudo::transform {

namespace packet = wire::packet;
namespace protocol = net::protocol;

namespace {

constexpr std::size_t kUnit = 8;
constexpr std::uint16_t kMore = 0x2000;

/// An IPv4 header of at most 60 bytes.
struct Ipv4Header {
  std::array<std::uint8_t, 60> bytes{};
  std::size_t length = packet::kIpv4Header;
};
using Emit = std::function<Status<DropReason>(Bytes)>;

Status<DropReason> fragment_ipv4(Bytes whole, const IpView& ip, std::size_t mtu, const Emit& emit);
Result<Ipv4Header, DropReason> later_header(Bytes whole, const IpView& ip);
void write_ipv4(MutableBytes header, std::size_t total, std::size_t offset, bool more);
Status<DropReason> fragment_ipv6(Bytes whole, const IpView& ip, std::size_t mtu, std::uint32_t id, const Emit& emit);

/// Where the part of an IPv6 packet ends that every fragment carries, and the byte that announces what follows.
struct PerFragmentPart {
  std::size_t length = packet::kIpv6Header, next_header_offset = 6;
};
PerFragmentPart per_fragment_part(const IpView& ip);

/// Payload bytes of each fragment but the last; 0 when the mtu has no room for any.
std::size_t room(std::size_t mtu, std::size_t header) {
  return mtu < header ? 0 : (mtu - header) / kUnit * kUnit;
}

}  // namespace

Status<DropReason> fragment(Bytes packet, const IpView& ip, std::size_t mtu, std::uint32_t ipv6_identification,
                            const std::function<Status<DropReason>(Bytes)>& emit) {
  const Bytes whole = packet.first(std::min(ip.total_length, packet.size()));
  if (whole.size() <= mtu) return emit(whole);
  if (ip.is_v4()) return fragment_ipv4(whole, ip, mtu, emit);
  return fragment_ipv6(whole, ip, mtu, ipv6_identification, emit);
}

namespace {

Status<DropReason> fragment_ipv4(Bytes whole, const IpView& ip, std::size_t mtu, const Emit& emit) {
  if (ip.dont_fragment) return Failure{DropReason::NeedsFragmentation};
  TRY(const Ipv4Header later, later_header(whole, ip));
  if (room(mtu, ip.header_length) == 0) return Failure{DropReason::OutboundInvalid};
  // A fragment may be cut again: its own offset and flag go on.
  const std::size_t first_offset = ip.fragment ? ip.fragment->offset : 0;
  const bool more_behind = ip.fragment && ip.fragment->more;

  ByteVector piece;
  piece.reserve(mtu);
  Bytes payload = whole.subspan(ip.header_length);
  Bytes header = whole.first(ip.header_length);
  for (std::size_t offset = first_offset; !payload.empty();) {
    const bool fits = header.size() + payload.size() <= mtu;
    const std::size_t taken = fits ? payload.size() : room(mtu, header.size());
    piece.assign(header.begin(), header.end());
    piece.insert(piece.end(), payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(taken));
    write_ipv4(piece, piece.size(), offset, more_behind || !fits);
    TRY_DONE(emit(piece));
    payload = payload.subspan(taken);
    offset += taken;
    header = Bytes{later.bytes}.first(later.length);
  }
  return Done{};
}

/// RFC 791 section 3.1: only options with the copied flag stand in the fragments behind the first.
Result<Ipv4Header, DropReason> later_header(Bytes whole, const IpView& ip) {
  constexpr std::uint8_t kEnd = 0, kNoOperation = 1, kCopied = 0x80;
  Ipv4Header later;
  std::ranges::copy(whole.first(packet::kIpv4Header), later.bytes.begin());
  wire::Reader options{whole.subspan(packet::kIpv4Header, ip.header_length - packet::kIpv4Header)};
  while (!options.empty() && options.rest()[0] != kEnd) {
    const std::uint8_t type = options.rest()[0];
    const std::size_t length = type == kNoOperation ? 1 : options.remaining() < 2 ? 0 : options.rest()[1];
    if (length == 0 || (length == 1 && type != kNoOperation)) return Failure{DropReason::OutboundInvalid};
    const auto option = options.take(length);
    if (!option) return Failure{DropReason::OutboundInvalid};
    if ((type & kCopied) == 0) continue;
    std::ranges::copy(*option, later.bytes.begin() + static_cast<std::ptrdiff_t>(later.length));
    later.length += length;
  }
  later.length = (later.length + 3) / 4 * 4;
  later.bytes[0] = static_cast<std::uint8_t>(0x40 | later.length / 4);
  return later;
}

void write_ipv4(MutableBytes header, std::size_t total, std::size_t offset, bool more) {
  packet::set_total_length(header, total);
  put_be16(header.data() + 6, static_cast<std::uint16_t>(offset / kUnit | (more ? kMore : 0U)));
  packet::update_ipv4_checksum(header);
}

Status<DropReason> fragment_ipv6(Bytes whole, const IpView& ip, std::size_t mtu, std::uint32_t id, const Emit& emit) {
  // RFC 8200 section 4.5: only the source fragments; a fragment that is too big stays too big.
  if (ip.fragment) return Failure{DropReason::NeedsFragmentation};
  const PerFragmentPart part = per_fragment_part(ip);
  const std::size_t header = part.length + packet::kIpv6FragmentHeader, most = room(mtu, header);
  if (most == 0) return Failure{DropReason::OutboundInvalid};

  ByteVector piece;
  piece.reserve(mtu);
  const Bytes payload = whole.subspan(part.length);
  const std::uint8_t next = whole[part.next_header_offset];
  for (std::size_t offset = 0; offset < payload.size();) {
    const bool fits = header + payload.size() - offset <= mtu;
    const Bytes data = payload.subspan(offset, fits ? payload.size() - offset : most);
    piece.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(part.length));
    piece.resize(header);
    piece.insert(piece.end(), data.begin(), data.end());
    piece[part.next_header_offset] = protocol::kFragment;
    std::uint8_t* fragment_header = piece.data() + part.length;
    fragment_header[0] = next;
    put_be16(fragment_header + 2, static_cast<std::uint16_t>(offset | (fits ? 0U : 1U)));
    put_be32(fragment_header + 4, id);
    packet::set_total_length(piece, piece.size());
    TRY_DONE(emit(piece));
    offset += data.size();
  }
  return Done{};
}

/// RFC 8200 section 4.5: "… the IPv6 header plus any extension headers that must be processed by nodes en route to the
/// destination, that is, all headers up to and including the Routing header if present, else the Hop-by-Hop Options
/// header if present, else no extension headers".
PerFragmentPart per_fragment_part(const IpView& ip) {
  PerFragmentPart part;
  for (std::size_t i = 0; i < ip.extension_count; ++i) {
    const packet::Extension& extension = ip.extensions[i];
    if (extension.protocol == protocol::kRouting || extension.protocol == protocol::kHopByHop)
      part = {std::size_t{extension.offset} + extension.length, extension.offset};
    if (extension.protocol == protocol::kFragment) break;
  }
  return part;
}

}  // namespace

}  // namespace testudo::transform
