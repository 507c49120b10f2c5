#include "engine/reassembly.h"

#include <algorithm>

#include "base/endian.h"
#include "net/protocol.h"
#include "transform/ecn.h"

namespace testudo::engine {

namespace protocol = net::protocol;
using net::DropReason;
using transform::Ecn;
using wire::packet::IpView;
using wire::packet::PacketBuffer;

namespace {

constexpr std::size_t kLargest = 65535;
/// What a context and a piece cost beside their bytes: nodes, table entries, allocator overhead, rounded up.
constexpr std::size_t kContextCost = 512, kPieceCost = 112;
constexpr std::uint16_t kDontFragment = 0x4000;

/// How a fragment divides: the header that the whole packet will have, and the payload.
struct Division {
  std::size_t header = 0;              ///< bytes in front of the fragment header (IPv4: of the payload)
  std::size_t payload = 0;             ///< where the payload starts
  std::size_t next_header_offset = 0;  ///< of the byte that will announce the payload
  std::uint8_t next = 0;
};

Division divide(Bytes packet, const IpView& ip) {
  if (ip.is_v4()) return {ip.header_length, ip.header_length, ip.next_header_offset, ip.upper_protocol};
  Division division{ip.upper_offset, ip.upper_offset, ip.next_header_offset, ip.upper_protocol};
  std::size_t announced_at = 6;
  for (std::size_t i = 0; i < ip.extension_count; ++i) {
    const wire::packet::Extension& extension = ip.extensions[i];
    // The last one counts: an atomic fragment header may stand in front of a real one.
    if (extension.protocol == protocol::kFragment)
      division = {extension.offset, std::size_t{extension.offset} + extension.length, announced_at,
                  packet[extension.offset]};
    announced_at = extension.offset;
  }
  return division;
}

unsigned bit(Ecn ecn) {
  return 1U << static_cast<unsigned>(ecn);
}

/// RFC 3168 section 5.3; nothing when congestion was marked on a packet that cannot carry the mark.
std::optional<Ecn> joined_ecn(unsigned seen, Ecn first) {
  if ((seen & bit(Ecn::Ce)) == 0) return first;
  if ((seen & bit(Ecn::NotEct)) != 0) return std::nullopt;
  return Ecn::Ce;
}

/// Turns the header of the first fragment into that of the whole packet, which it stands in front of.
void complete_header(MutableBytes packet, Ecn ecn) {
  wire::packet::set_total_length(packet, packet.size());
  const bool v4 = packet[0] >> 4 == 4;
  const auto traffic_class = v4 ? packet[1] : static_cast<std::uint8_t>(be16(packet.data()) >> 4);
  wire::packet::set_traffic_class(packet, transform::with_ecn(traffic_class, ecn));
  if (!v4) return;
  put_be16(packet.data() + 6, be16(packet.data() + 6) & kDontFragment);
  wire::packet::update_ipv4_checksum(packet);
}

Reassembler::Drop drop_one(DropReason reason) {
  return {reason, 1};
}

}  // namespace

Reassembler::Added Reassembler::add(PacketBuffer& packet, const IpView& ip, Time now, const Way& way) {
  const Bytes bytes = packet.bytes().first(ip.total_length);
  const Division division = divide(bytes, ip);
  const Piece piece{ip.fragment->offset, bytes.subspan(division.payload), !ip.fragment->more};
  // RFC 8200 section 4.5: a length that is not a multiple of 8 with more to come, or an end beyond 65535, discards
  // "that fragment" alone.  So does an empty one.
  const std::size_t header = ip.is_v4() ? division.header : division.header - wire::packet::kIpv6Header;
  if (piece.data.empty() || (!piece.last && piece.data.size() % 8 != 0) || header + piece.end() > kLargest)
    return drop_one(DropReason::ReassemblyInvalid);

  make_room(kContextCost + kPieceCost + bytes.size());
  Context& context = context_of(ip, now, way);
  if (context.broken) return drop_one(DropReason::ReassemblyInvalid);
  switch (fit(context, piece)) {
    case Fit::Contradiction:
      return break_up(context);
    case Fit::Duplicate:
      ++context.fragments;
      return Held{};
    case Fit::New:
      break;
  }
  keep(context, piece, bytes, ip);
  if (context.received != context.total) return Held{};
  return join(context, packet);
}

void Reassembler::tick(Time now) {
  for (auto it = contexts_.begin(); it != contexts_.end();) {
    const auto context = it++;
    if (context->deadline <= now) give_up(context, DropReason::ReassemblyTimeout);
  }
}

/// The unfinished packet that this fragment belongs to, new or known.
Reassembler::Context& Reassembler::context_of(const IpView& ip, Time now, const Way& way) {
  const Key key{ip.source, ip.destination, ip.fragment->id, ip.is_v4() ? ip.upper_protocol : std::uint8_t{0}, way};
  if (const auto known = by_key_.find(key); known != by_key_.end()) return *known->second;
  while (!contexts_.empty() && contexts_.size() >= limits_.packets)
    give_up(contexts_.begin(), DropReason::ReassemblyOverflow);
  Context& context = contexts_.emplace_back();
  context.key = key;
  context.flow = {ip.source, ip.destination, ip.upper_protocol};
  context.deadline = now + (ip.is_v4() ? limits_.timeout_v4 : limits_.timeout_v6);
  context.cost = kContextCost;
  bytes_kept_ += context.cost;
  by_key_.emplace(key, std::prev(contexts_.end()));
  return context;
}

void Reassembler::make_room(std::size_t cost) {
  while (!contexts_.empty() && bytes_kept_ + cost > limits_.bytes)
    give_up(contexts_.begin(), DropReason::ReassemblyOverflow);
}

/// RFC 8200 section 4.5: fragments that overlap spoil the whole packet, except that "an implementation may choose to
/// detect this case and drop exact duplicates while keeping the other fragments".
Reassembler::Fit Reassembler::fit(const Context& context, const Piece& piece) {
  const auto same = context.data.find(piece.begin);
  if (same != context.data.end() && std::ranges::equal(same->second, piece.data) &&
      piece.last == (context.total == piece.end()))
    return Fit::Duplicate;
  if (context.total && (piece.last ? piece.end() != *context.total : piece.end() > *context.total))
    return Fit::Contradiction;
  const auto after = context.data.lower_bound(piece.begin);
  // A last fragment must be the last.
  if (after != context.data.end() && (piece.last || after->first < piece.end())) return Fit::Contradiction;
  if (after == context.data.begin()) return Fit::New;
  const auto before = std::prev(after);
  return before->first + before->second.size() > piece.begin ? Fit::Contradiction : Fit::New;
}

void Reassembler::keep(Context& context, const Piece& piece, Bytes packet, const IpView& ip) {
  if (piece.begin == 0) {
    const Division division = divide(packet, ip);
    context.header.assign(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(division.header));
    context.header[division.next_header_offset] = division.next;
    context.flow.protocol = division.next;
  }
  context.data.emplace(piece.begin, ByteVector(piece.data.begin(), piece.data.end()));
  context.received += piece.data.size();
  if (piece.last) context.total = piece.end();
  ++context.fragments;
  context.largest = std::max(context.largest, packet.size());
  context.ecn_seen |= bit(transform::ecn_of(ip.traffic_class));
  const std::size_t cost = kPieceCost + piece.data.size() + (piece.begin == 0 ? context.header.size() : 0);
  context.cost += cost;
  bytes_kept_ += cost;
}

/// RFC 5722 section 4: "… the entire datagram (and any constituent fragments, including those not yet received) MUST be
/// silently discarded."  The empty context stays to catch those.
Reassembler::Drop Reassembler::break_up(Context& context) {
  const Drop drop{DropReason::ReassemblyInvalid, context.fragments + 1};
  context.header = {};
  context.data.clear();
  context.fragments = 0;
  context.broken = true;
  bytes_kept_ -= context.cost - kContextCost;
  context.cost = kContextCost;
  return drop;
}

Reassembler::Added Reassembler::join(Context& context, PacketBuffer& packet) {
  const Complete complete{context.fragments, context.largest};
  const std::size_t length = context.header.size() + context.received;
  const Ecn first = transform::ecn_of(
      static_cast<std::uint8_t>(context.key.source.is_v4() ? context.header[1] : be16(context.header.data()) >> 4));
  const auto ecn = joined_ecn(context.ecn_seen, first);
  const std::size_t counted = context.key.source.is_v4() ? length : length - wire::packet::kIpv6Header;
  packet.reset();
  const MutableBytes space = packet.free_space();
  std::optional<DropReason> reason;
  if (!ecn || counted > kLargest) reason = DropReason::ReassemblyInvalid;
  if (!reason && length > space.size()) reason = DropReason::NoRoom;
  if (!reason) {
    auto out = std::ranges::copy(context.header, space.begin()).out;
    for (const auto& [offset, data] : context.data) out = std::ranges::copy(data, out).out;
    packet.set_size(length);
    complete_header(packet.bytes(), *ecn);
  }
  forget(by_key_.find(context.key)->second);
  if (reason) return Drop{*reason, complete.fragments};
  return complete;
}

void Reassembler::give_up(Contexts::iterator context, DropReason reason) {
  // What was broken was counted when it broke.
  const Lost lost{context->flow, reason, context->fragments};
  forget(context);
  if (lost.fragments > 0) on_lost_(lost);
}

void Reassembler::forget(Contexts::iterator context) {
  bytes_kept_ -= context->cost;
  by_key_.erase(context->key);
  contexts_.erase(context);
}

std::size_t Reassembler::KeyHash::operator()(const Key& k) const noexcept {
  const std::hash<net::Address> address;
  std::size_t h = address(k.source) * 31 + address(k.destination);
  h = (h ^ k.id) * 0x9e3779b97f4a7c15U + k.protocol;
  return h ^ (h >> 32);
}

}  // namespace testudo::engine
