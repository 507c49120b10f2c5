#include "engine/outbound.h"

#include <algorithm>

#include "net/protocol.h"
#include "transform/fragment.h"

namespace testudo::engine {
namespace {

using net::DropReason;

/// The head of a packet that may turn out too big, for the ICMP error that will say so.
ByteVector quote_of(Bytes packet, std::size_t most) {
  if (packet.size() <= most) return {};
  const Bytes head = packet.first(std::min(packet.size(), kMaxQuote));
  return {head.begin(), head.end()};
}

}  // namespace

void Outbound::process(std::span<PacketBuffer* const> batch, const spd::SocketPolicy* of_socket, Verdicts& verdicts) {
  of_socket_ = of_socket;
  last_ = {};  // between batches the databases may have changed
  const bool express = of_socket == nullptr && express_.open(verdicts);
  clear_.forget();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    PacketBuffer* const packet = batch[i];
    if (express && i % ForeseenPolicies::kMost == 0) express_.foresee(batch.subspan(i));
    wire::packet::fetch_behind(batch, i);
    const auto taken = express ? express_.take(*packet) : ExpressOut::Taken::OtherPolicy;
    if (express_.full() || taken == ExpressOut::Taken::UnusualPacket) finish_express(verdicts);
    if (taken == ExpressOut::Taken::Waits) continue;
    if (!express || !send_on(*packet, verdicts)) admit(verdicts.enter(*packet, spd::Direction::Out), verdicts);
  }
  finish_express(verdicts);
  finish_run(verdicts);
}

void Outbound::finish_express(Verdicts& verdicts) {
  if (express_.empty()) return;
  finish_run(verdicts);  // what waits there came before those of its flows that wait here
  for (PacketBuffer* packet : express_.finish(verdicts)) admit(verdicts.enter(*packet, spd::Direction::Out), verdicts);
}

/// In clear and as it is.
bool Outbound::send_on(PacketBuffer& packet, Verdicts& verdicts) {
  const auto plain = wire::packet::read_plain(packet.bytes());
  if (!plain || (plain->protocol != net::protocol::kTcp && plain->protocol != net::protocol::kUdp)) return false;
  if (!clear_.knows(*plain)) learn_flow(packet.bytes());
  if (!clear_.passes() || !fits(*plain, packet.bytes(), verdicts.now())) return false;
  finish_run(verdicts);  // in the order in which they came
  clear_.enter(packet, *plain, verdicts);
  verdicts.to_wire_in_clear(packet);
  return true;
}

/// Reads the packet once more, as ExpressOut::lane_for() does.
void Outbound::learn_flow(Bytes packet) {
  const auto plain = wire::packet::read_plain(packet);
  if (!plain) return;
  clear_.learn(*plain, wire::packet::flow_of(*plain, packet), true);
  clear_most_ = kMinimumIpv6Mtu;
}

/// No link is asked about packets that fit every link.
bool Outbound::fits(const wire::packet::Plain& plain, Bytes packet, Time now) {
  if (plain.total_length <= clear_most_) return true;
  const std::size_t mtu = emitter_.mtu_towards(wire::packet::destination_of(plain, packet), now);
  clear_most_ = std::max(clear_most_, mtu);
  return plain.total_length <= clear_most_;
}

void Outbound::admit(Passage passage, Verdicts& verdicts) {
  const auto ip = wire::packet::parse_ip(passage.packet->bytes());
  if (!ip) return verdicts.drop(DropReason::OutboundInvalid, passage);
  passage.ip = *ip;
  passage.packet->trim_back(passage.packet->size() - ip->total_length);
  passage.flow = wire::packet::flow_of(*ip, passage.packet->bytes());
  // Fragments of our own host: no transport SA may carry them.  Those of others pass through tunnels as they are,
  // unless a policy asks for what only the whole packet shows.
  if (ip->fragment &&
      (parts_.host.is_local(ip->source) || selector_is_hidden(passage, spd::Direction::Out, parts_.policies()))) {
    if (!joiner_.join(passage, {}, verdicts)) return;
  }

  // "… match the packet headers … against the outbound SPD" (step 2), and do what it says (step 3).
  const Classified found = classify(passage, spd::Direction::Out, of_socket_, parts_, verdicts);
  switch (found.answer) {
    case Classified::Answer::Clear:
      return send_in_clear(passage, verdicts);
    case Classified::Answer::Protect:
      return protect(passage, found, verdicts);
    case Classified::Answer::Discard:
      return verdicts.drop(DropReason::PolicyDiscard, passage);
    case Classified::Answer::DefaultDiscard:
      return verdicts.drop(DropReason::DefaultDiscard, passage);
  }
}

void Outbound::protect(const Passage& passage, const Classified& found, Verdicts& verdicts) {
  const spd::Policy& policy = *found.policy;
  const Assembly& assembly = bundle_for(found.flow, policy);
  if (!assembly.missing.empty()) announce(passage, policy, verdicts);
  if (!assembly.bundle) return verdicts.drop(assembly.bundle.error(), passage, assembly.refused);
  // Every request was `use`, and nothing serves it: "the kernel keeps on the normal operation" (setkey(8)).
  if (assembly.bundle->steps().empty()) return send_in_clear(passage, verdicts);
  join_run(passage, *assembly.bundle, verdicts);
}

void Outbound::send_in_clear(const Passage& passage, Verdicts& verdicts) {
  finish_run(verdicts);  // in the order in which they came
  const std::size_t size = passage.packet->size();
  Path path{.mtu = size, .in_clear = true};
  // No link is asked about packets that fit every link.
  if (size > kMinimumIpv6Mtu) path.mtu = emitter_.mtu_towards(passage.ip.destination, verdicts.now());
  emitter_.emit({passage, quote_of(passage.packet->bytes(), path.mtu)}, path, verdicts);
}

const Assembly& Outbound::bundle_for(const net::Flow& flow, const spd::Policy& policy) {
  const bool same = last_.policy == &policy && last_.source == flow.source && last_.destination == flow.destination;
  if (!same) last_ = {&policy, flow.source, flow.destination, assemble(policy, flow, parts_)};
  return last_.assembly;
}

void Outbound::announce(const Passage& passage, const spd::Policy& policy, Verdicts& verdicts) {
  for (const sad::SaGroup& wanted : last_.assembly.missing) {
    const auto sequence = acquires_.want(wanted, verdicts.now());
    if (!sequence) {
      ++verdicts.statistics().acquires_suppressed;
      continue;
    }
    ++verdicts.statistics().acquires;
    verdicts.acquire({wanted, policy.id, spd::Direction::Out, passage.flow, *sequence});
  }
}

void Outbound::join_run(const Passage& passage, const Bundle& bundle, Verdicts& verdicts) {
  if (run_.departures.empty() || !(run_.bundle == bundle)) {
    finish_run(verdicts);
    run_.bundle = bundle;
    run_.path = {emitter_.mtu_towards(bundle.destination(), verdicts.now()), bundle.overhead()};
    run_.fragment_size = bundle.fragment_size();
  }
  const std::size_t most =
      std::min(run_.path.mtu - std::min(run_.path.mtu, run_.path.overhead), run_.fragment_size.value_or(SIZE_MAX));
  Departure departure{passage, quote_of(passage.packet->bytes(), most)};
  if (passage.packet->size() > run_.fragment_size.value_or(SIZE_MAX)) return cut_and_seal(departure, verdicts);
  run_.departures.push_back(std::move(departure));
}

/// Many NATs do not pass fragments of UDP; so a packet that would need them is cut before it is encapsulated, and each
/// piece is sealed (netipsec's esp_frag).
void Outbound::cut_and_seal(const Departure& whole, Verdicts& verdicts) {
  const Passage& passage = whole.passage;
  const bool local = parts_.host.is_local(passage.ip.source);
  const bool may_cut = passage.ip.is_v4() ? !passage.ip.dont_fragment : local && !passage.ip.fragment;
  const bool may_tell = passage.ip.is_v4() || passage.packet->size() > kMinimumIpv6Mtu;
  // Too large for the NAT perhaps, but nobody can make it smaller.
  if (!may_cut && !may_tell) return run_.departures.push_back(whole);
  finish_run(verdicts);
  if (!may_cut) return emitter_.refuse(whole, *run_.fragment_size, verdicts);
  if (!passage.ip.is_v4() && may_tell && !passage.joined()) emitter_.tell(whole, *run_.fragment_size, verdicts);

  std::size_t count = 0;
  const auto keep = [&](Bytes piece) -> Status<DropReason> {
    if (count == pieces_.size()) pieces_.push_back(std::make_unique<PacketBuffer>());
    if (!pieces_[count]->assign(piece)) return Failure{DropReason::NoRoom};
    ++count;
    return Done{};
  };
  const std::uint32_t identification = parts_.random.between(0, UINT32_MAX);
  const auto done = transform::fragment(passage.packet->bytes(), passage.ip, *run_.fragment_size, identification, keep);
  if (!done) return verdicts.drop(done.error(), passage);

  for (std::size_t i = 0; i < count; ++i) {
    Departure piece{passage, {}};
    piece.passage.packet = pieces_[i].get();
    piece.passage.largest_piece = pieces_[i]->size();
    const auto ip = wire::packet::parse_ip(piece.passage.packet->bytes());
    if (ip) piece.passage.ip = *ip;
    if (i > 0) verdicts.made_fragment();
    run_.departures.push_back(std::move(piece));
  }
  finish_run(verdicts);
}

void Outbound::finish_run(Verdicts& verdicts) {
  if (run_.departures.empty()) return;
  sealer_.seal(run_.bundle, run_.departures, verdicts);
  for (const Departure& departure : run_.departures) emitter_.emit(departure, run_.path, verdicts);
  run_.departures.clear();
}

}  // namespace testudo::engine
