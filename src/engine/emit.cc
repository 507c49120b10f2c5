#include "engine/emit.h"

#include <algorithm>

#include "transform/fragment.h"
#include "wire/packet/icmp.h"

namespace testudo::engine {
namespace {

using net::DropReason;

}  // namespace

std::size_t Emitter::mtu_towards(const net::Address& destination, Time now) const {
  return learned_.towards(destination, parts_.host.mtu_towards(destination), now);
}

void Emitter::emit(const Departure& departure, const Path& path, Verdicts& verdicts) {
  Passage passage = departure.passage;
  if (passage.packet->size() <= path.mtu) return verdicts.to_wire(passage, path.in_clear);
  const Oversize fate = oversize(departure, path);
  const std::size_t usable = path.mtu - std::min(path.mtu, path.overhead);
  if (fate == Oversize::Refuse) return refuse(departure, usable, verdicts);
  if (fate == Oversize::CutAndTell) tell(departure, usable, verdicts);
  if (passage.ip.dont_fragment) wire::packet::clear_dont_fragment(passage.packet->bytes(), passage.ip);
  cut(passage, path, verdicts);
}

/// Whether the source of the original packet asked for it to stay whole, and can do something about it, decides; the
/// header around it only where net.inet.ipsec.dfbit says so.  docs/adr/0012-path-mtu.md.
Emitter::Oversize Emitter::oversize(const Departure& departure, const Path& path) const {
  const wire::packet::IpView& now = departure.passage.ip;
  if (departure.passage.joined()) return Oversize::Cut;
  const auto original = wire::packet::parse_quoted_ip(departure.quote);
  if (!original || path.in_clear) return may_cut(now) ? Oversize::Cut : Oversize::Refuse;
  if (!original->ip.is_v4()) return oversize_ipv6(original->ip, original->stated_length, now);
  const bool copied = !now.is_v4() || transform::copies_df(parts_.settings.headers);
  const bool whole = copied ? original->ip.dont_fragment : now.dont_fragment;
  return whole ? Oversize::Refuse : Oversize::Cut;
}

Emitter::Oversize Emitter::oversize_ipv6(const wire::packet::IpView& original, std::size_t length,
                                         const wire::packet::IpView& now) const {
  // "IPv6 requires that every link … have an MTU of 1280 octets or greater" (RFC 8200 section 5), so no source can be
  // told less: a smaller packet is encapsulated and cut, whatever the outer header says (RFC 2473 section 7.1).
  if (length <= kMinimumIpv6Mtu || (now.is_v4() && !now.dont_fragment)) return Oversize::Cut;
  if (now.is_v4() && parts_.settings.headers.dfbit == transform::kSetDf) return Oversize::Refuse;
  // Our own host may cut what it sends; told the size it soon makes whole packets, and none is lost until then.
  return parts_.host.is_local(original.source) ? Oversize::CutAndTell : Oversize::Refuse;
}

/// RFC 8200 section 4.5: "unlike IPv4, fragmentation in IPv6 is performed only by source nodes".
bool Emitter::may_cut(const wire::packet::IpView& ip) const {
  return ip.is_v4() ? !ip.dont_fragment : parts_.host.is_local(ip.source);
}

void Emitter::cut(const Passage& whole, const Path& path, Verdicts& verdicts) {
  const std::uint32_t identification = parts_.random.between(0, UINT32_MAX);
  Passage piece = whole;
  piece.packet = &scratch_;
  std::size_t pieces = 0;
  const auto send = [&](Bytes fragment) -> Status<DropReason> {
    if (!scratch_.assign(fragment)) return Failure{DropReason::NoRoom};
    scratch_.leave_by(whole.packet->link());
    if (pieces++ > 0) verdicts.made_fragment();
    verdicts.to_wire(piece, path.in_clear);
    return Done{};
  };
  const auto done = transform::fragment(whole.packet->bytes(), whole.ip, path.mtu, identification, send);
  if (done) return;
  if (pieces > 0) verdicts.made_fragment();  // what is dropped now is one more than what was sent
  verdicts.drop(done.error(), whole);
}

void Emitter::refuse(const Departure& departure, std::size_t usable, Verdicts& verdicts) {
  verdicts.drop(DropReason::NeedsFragmentation, departure.passage);
  tell(departure, usable, verdicts);
}

void Emitter::tell(const Departure& departure, std::size_t usable, Verdicts& verdicts) {
  const auto original = wire::packet::parse_quoted_ip(departure.quote);
  if (!original) return;
  const net::Address& source = original->ip.source;
  const std::size_t mtu = source.is_v4() ? usable : std::max(usable, kMinimumIpv6Mtu);
  const auto message =
      wire::packet::compose_too_big(parts_.host.source_towards(source), departure.quote, original->ip, mtu);
  if (message && scratch_.assign(*message)) verdicts.icmp_to_host(scratch_);
}

}  // namespace testudo::engine
