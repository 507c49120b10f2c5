#include "transform/ah_mutable.h"

#include <algorithm>
#include <span>

#include "base/endian.h"
#include "net/protocol.h"
#include "wire/reader.h"

namespace testudo::transform {
namespace {

using wire::Malformed;
using wire::Reader;
using wire::packet::Extension;
using wire::packet::IpView;

namespace option {
// The type byte: copied flag, class, number.
constexpr std::uint8_t kEnd = 0, kNop = 1, kLooseRoute = 131, kStrictRoute = 137;
constexpr std::array<std::uint8_t, 5> kImmutable{
    130,  // Security, RFC 1108
    133,  // Extended Security
    134,  // Commercial Security
    148,  // Router Alert, RFC 2113
    149,  // Sender Directed Multi-Destination Delivery, RFC 1770
};
}  // namespace option

constexpr std::uint8_t kPad1 = 0, kMayChange = 0x20;  // RFC 8200 section 4.2
constexpr std::size_t kIpv6Destination = 24, kIpv6Address = 16, kRoutingFixed = 8;

void zero(MutableBytes bytes) {
  std::ranges::fill(bytes, std::uint8_t{0});
}

/// While a source route has addresses left, the packet will arrive with the last of them as its destination.
Status<Malformed> predict_source_route(Bytes data, MutableBytes destination) {
  Reader reader{data};
  TRY(const std::uint8_t pointer, reader.u8());
  const std::size_t option_length = data.size() + 2;
  if (reader.remaining() % 4 != 0) return Failure{Malformed::BadLength};
  if (pointer > option_length || reader.empty()) return Done{};
  TRY(const Bytes last, reader.take_back(4));
  std::ranges::copy(last, destination.begin());
  return Done{};
}

Status<Malformed> cook_ipv4_options(MutableBytes options, AhSide side, MutableBytes destination) {
  Reader reader{options};
  while (!reader.empty()) {
    const std::size_t start = options.size() - reader.remaining();
    TRY(const std::uint8_t type, reader.u8());
    if (type == option::kEnd) return Done{};
    if (type == option::kNop) continue;
    TRY(const std::uint8_t length, reader.u8());
    if (length < 2) return Failure{Malformed::BadLength};
    TRY(const Bytes data, reader.take(length - 2U));
    if (std::ranges::find(option::kImmutable, type) != option::kImmutable.end()) continue;
    if (side == AhSide::Sender && (type == option::kLooseRoute || type == option::kStrictRoute)) {
      TRY_DONE(predict_source_route(data, destination));
    }
    zero(options.subspan(start, length));  // "the entire option": type and length too
  }
  return Done{};
}

Status<Malformed> cook_ipv4(MutableBytes header, AhSide side, const HeaderSettings& settings) {
  if (settings.ah_cleartos != 0) header[1] = 0;
  const auto mask = static_cast<std::uint16_t>(settings.ah_offsetmask);
  put_be16(&header[6], be16(&header[6]) & mask);
  header[8] = 0;             // TTL
  put_be16(&header[10], 0);  // checksum
  return cook_ipv4_options(header.subspan(wire::packet::kIpv4Header), side, header.subspan(16, 4));
}

/// Hop-by-hop and destination options: "the entire Option Data field must be treated as zero-valued octets"; type and
/// length stay.
Status<Malformed> cook_ipv6_options(MutableBytes extension) {
  Reader reader{extension};
  TRY_DONE(reader.skip(2));
  while (!reader.empty()) {
    TRY(const std::uint8_t type, reader.u8());
    if (type == kPad1) continue;
    TRY(const std::uint8_t length, reader.u8());
    const std::size_t data = extension.size() - reader.remaining();
    TRY_DONE(reader.skip(length));
    if ((type & kMayChange) != 0) zero(extension.subspan(data, length));
  }
  return Done{};
}

/// Types 0 (RFC 2460) and 2 (RFC 6275): each hop swaps the destination with the next address, so that in the end the
/// addresses have moved on by one place and none is left.
Status<Malformed> predict_routing(MutableBytes extension, MutableBytes destination) {
  Reader reader{extension};
  TRY_DONE(reader.skip(2));
  TRY(const std::uint8_t type, reader.u8());
  TRY(const std::uint8_t left, reader.u8());
  if (left == 0) return Done{};
  if (type != 0 && type != 2) return Failure{Malformed::Unsupported};
  TRY_DONE(reader.skip(4));
  const std::size_t count = reader.remaining() / kIpv6Address;
  if (reader.remaining() % kIpv6Address != 0 || left > count) return Failure{Malformed::BadLength};
  for (std::size_t i = count - left; i < count; ++i) {
    const MutableBytes next = extension.subspan(kRoutingFixed + i * kIpv6Address, kIpv6Address);
    std::ranges::swap_ranges(next, destination);
  }
  extension[3] = 0;
  return Done{};
}

Status<Malformed> cook_extension(MutableBytes header, const Extension& extension, AhSide side) {
  const MutableBytes bytes = header.subspan(extension.offset, extension.length);
  switch (extension.protocol) {
    case net::protocol::kHopByHop:
    case net::protocol::kDestination:
      return cook_ipv6_options(bytes);
    case net::protocol::kRouting:
      if (side == AhSide::Receiver) return Done{};
      return predict_routing(bytes, header.subspan(kIpv6Destination, kIpv6Address));
    default:
      return Done{};
  }
}

/// The extension headers that stand in front of AH.
std::span<const Extension> chain_of(const IpView& ip, std::size_t ah_offset) {
  const auto all = std::span{ip.extensions}.first(ip.extension_count);
  const auto end = std::ranges::find_if(all, [=](const Extension& e) { return e.offset >= ah_offset; });
  return all.first(static_cast<std::size_t>(end - all.begin()));
}

/// "AH MUST 'remove' (or skip over) this header and change the previous header's 'Next Header' field": what reassembly
/// leaves behind, or a sender's fragment header of a packet that is whole.
void skip_fragment_header(std::span<const Extension> chain, CookedHeader& out) {
  const auto fragment = std::ranges::find(chain, net::protocol::kFragment, &Extension::protocol);
  if (fragment == chain.end()) return;
  const std::size_t announcer = fragment == chain.begin() ? 6 : (fragment - 1)->offset;
  out.storage[announcer] = out.storage[fragment->offset];
  const MutableBytes rest = MutableBytes{out.storage}.first(out.size).subspan(fragment->offset);
  std::ranges::copy(rest.subspan(fragment->length), rest.begin());
  out.size -= fragment->length;
  put_be16(&out.storage[4], static_cast<std::uint16_t>(be16(&out.storage[4]) - fragment->length));
}

Status<Malformed> cook_ipv6(const IpView& ip, AhSide side, CookedHeader& out) {
  const MutableBytes header = MutableBytes{out.storage}.first(out.size);
  put_be32(header.data(), 0x60000000);  // traffic class and flow label
  header[7] = 0;                        // hop limit
  const std::span<const Extension> chain = chain_of(ip, out.size);
  for (const Extension& extension : chain) TRY_DONE(cook_extension(header, extension, side));
  skip_fragment_header(chain, out);
  return Done{};
}

}  // namespace

Status<Malformed> cook_header(Bytes header, const IpView& ip, AhSide side, const HeaderSettings& settings,
                              CookedHeader& out) {
  if (header.size() > out.storage.size()) return Failure{Malformed::TooDeep};
  std::ranges::copy(header, out.storage.begin());
  out.size = header.size();
  if (ip.is_v4()) return cook_ipv4(MutableBytes{out.storage}.first(out.size), side, settings);
  return cook_ipv6(ip, side, out);
}

}  // namespace testudo::transform
