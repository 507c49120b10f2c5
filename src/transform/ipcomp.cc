#include "transform/ipcomp.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/endian.h"
#include "net/protocol.h"
#include "transform/rewrite.h"
#include "wire/reader.h"

namespace testudo::transform {
namespace {

using crypto::CompressionError;

constexpr std::size_t kHeader = 4;  // next header, flags, CPI
constexpr std::size_t kMaxPayload = 65535;

/// RFC 3173 section 3.3: 0-63 are the well-known numbers of the algorithms; `-R` sends the SPI itself.
std::uint16_t wire_cpi(const sad::Sa& sa) {
  const sad::SaParameters& p = sa.parameters();
  return p.flags.raw_cpi ? static_cast<std::uint16_t>(p.spi.value) : std::uint16_t{p.compression->id};
}

}  // namespace

Result<Compressed, DropReason> compress_ipcomp(sad::Sa& sa, PacketBuffer& packet, const IpView& ip,
                                               sad::Worker worker) {
  // RFC 3173 section 2: compression comes before any fragmentation.
  if (ip.fragment) return Failure{DropReason::OutboundInvalid};
  packet.trim_back(packet.size() - ip.total_length);
  const MutableBytes payload = packet.bytes().subspan(ip.transport_offset);
  if (payload.size() < std::max<std::size_t>(sa.parameters().compression->minimum, kHeader + 1)) {
    return Compressed::TooShort;
  }
  // Anything that with the header is not smaller than before does not fit here.
  std::array<std::uint8_t, kMaxPayload> work;
  const std::size_t room = std::min(payload.size() - kHeader - 1, work.size());
  const auto length = sad::Sa::compressor(sa.share(worker))->compress(payload, MutableBytes{work}.first(room));
  if (!length) return Compressed::Useless;

  payload[0] = ip.transport_protocol;
  payload[1] = 0;
  put_be16(&payload[2], wire_cpi(sa));
  std::ranges::copy(Bytes{work}.first(*length), payload.subspan(kHeader).begin());
  packet.set_size(ip.transport_offset + kHeader + *length);
  announce(packet, ip, ip.transport_next_header_offset, net::protocol::kIpcomp);
  return Compressed::Yes;
}

Result<Opened, DropReason> expand_ipcomp(sad::Sa& sa, PacketBuffer& packet, const IpView& ip, PacketBuffer& scratch,
                                         sad::Worker worker) {
  if (ip.fragment) return Failure{DropReason::InboundMalformed};
  wire::Reader reader{std::as_const(packet).bytes().first(ip.total_length)};
  const auto front = reader.take(ip.upper_offset);
  const auto header = reader.take(kHeader);
  if (!front || !header) return Failure{DropReason::InboundMalformed};
  const std::uint8_t next_header = (*header)[0];
  // What was compressed may be anything that can follow an IP header, AH, ESP and whole IP packets included; hop-by-hop
  // options must be visible to routers (RFC 3173 section 2).
  if (next_header == net::protocol::kHopByHop) return Failure{DropReason::BadNextHeader};

  scratch.reset();
  const MutableBytes space = scratch.free_space();
  const std::size_t limit = std::min(space.size(), largest_packet(ip.is_v4()));
  if (limit < front->size()) return Failure{DropReason::NoRoom};
  std::ranges::copy(*front, space.begin());
  const auto length =
      sad::Sa::compressor(sa.share(worker))->expand(reader.rest(), space.first(limit).subspan(front->size()));
  if (!length) {
    const bool too_big = length.error() == CompressionError::DoesNotFit;
    return Failure{too_big ? DropReason::ExpandsTooBig : DropReason::BadCompression};
  }
  scratch.set_size(front->size() + *length);
  std::swap(packet, scratch);
  announce(packet, ip, ip.next_header_offset, next_header);
  return Opened{next_header, 0};
}

}  // namespace testudo::transform
