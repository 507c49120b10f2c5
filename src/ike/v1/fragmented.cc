// Messages that come in pieces, as exchanges.h takes them.  Pieces of a first message belong to no SA: they are kept
// only where a remote block takes such, few at a time, and what is kept for who does not go on makes room.
#include <algorithm>

#include "ike/v1/exchanges.h"
#include "ike/v1/fragments.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Notify;
using v1wire::Payload;

Mismatch no_fragments(const Remote& block) {
  return {"fragmentation",
          "ike_frag off in remote " + block.name,
          "fragments of a message",
          "",
          "set ike_frag on here, or on instead of force at the peer",
          Notify::InvalidPayloadType};
}

}  // namespace

/// Null when no block answers such a message at all.
const Remote* Exchanges::block_for_fragments(v1wire::Exchange exchange, const net::Address& peer) const {
  const Remote* fits = nullptr;
  for (const Remote* block : policy_->remotes_for(peer)) {
    if (!block->allows(exchange)) continue;
    if (block->ike_frag != Fragmentation::Off) return block;
    if (fits == nullptr) fits = block;
  }
  return fits;
}

void Exchanges::fragment(IkeSa* sa, const Received& datagram, const wire::ike::Message& message, Context& context) {
  const auto chain = v1wire::walk(Payload::Fragment, message.body);
  if (!chain || chain->payloads.size() != 1) return drop(datagram, "a fragment that cannot be read", context);
  const auto piece = v1wire::parse_fragment(chain->payloads.front().body);
  if (!piece) return drop(datagram, "a fragment that cannot be read", context);
  const v1wire::Exchange exchange{message.header.exchange};
  const bool first = sa == nullptr && message.header.responder == 0 && message.header.message_id == 0;
  if (sa == nullptr && !first) return drop(datagram, "no phase 1 has these cookies", context);
  const Remote* const block = first ? block_for_fragments(exchange, datagram.remote.address) : sa->block;
  if (block == nullptr) return drop(datagram, "a fragment of what nobody answers", context);
  if (block->ike_frag == Fragmentation::Off) {
    if (piece->index != 1) return;  // it was said for the first of them
    const Role role = first ? Role::Responder : sa->role;
    Refusal refusal{datagram.local, datagram.remote, role, 1, exchange, 0, no_fragments(*block), false};
    send_clear_notify(datagram, {message.header.initiator, message.header.responder}, refusal.why.notify, context);
    context.out.emplace_back(std::move(refusal));
    return;
  }
  Reassembly& pieces = first ? first_fragments(datagram.remote, message.header.initiator, context.now) : sa->fragments;
  const Limits& limits = policy_->limits;
  const auto whole = pieces.add(*piece, context.now, first ? limits.first_fragments_bytes : limits.fragments_bytes);
  if (!whole) return drop(datagram, std::string{whole.error()}, context);
  if (!*whole) return;
  const Received joined{datagram.local, datagram.remote, **whole, datagram.floated};
  const auto inside = wire::ike::parse(joined.bytes);
  const bool fits = inside && inside->header.major == message.header.major &&
                    inside->header.next != static_cast<std::uint8_t>(Payload::Fragment) &&
                    inside->header.initiator == message.header.initiator &&
                    inside->header.responder == message.header.responder;
  if (!fits) return drop(datagram, "fragments that are no message of theirs", context);
  receive(joined, *inside, context);
}

/// Of what strangers send, the newest is kept.
Reassembly& Exchanges::first_fragments(const net::Endpoint& remote, std::uint64_t cookie, Time now) {
  const Limits& limits = policy_->limits;
  auto& all = first_fragments_;
  std::erase_if(all, [&](const FirstFragments& each) {
    const auto since = each.pieces.since();
    return !since || now >= *since + limits.fragments;
  });
  const auto same = [&](const FirstFragments& each) { return each.remote == remote && each.cookie == cookie; };
  if (const auto known = std::ranges::find_if(all, same); known != all.end()) return known->pieces;
  const auto of_source = [&](const FirstFragments& each) { return each.remote.address == remote.address; };
  if (static_cast<std::size_t>(std::ranges::count_if(all, of_source)) >= limits.first_fragments_per_source) {
    all.erase(std::ranges::find_if(all, of_source));
  } else if (all.size() >= limits.first_fragments_total) {
    all.erase(all.begin());
  }
  return all.emplace_back(FirstFragments{remote, cookie, {}}).pieces;
}

}  // namespace testudo::ike::v1
