// A peer's NAT has given it another port: RFC 3947 section 7.  Only what the peer has proved moves anything: a message
// of IKE under an ISAKMP SA, or ESP, whose ICV and window testudod has judged before it says so.  Its address does not
// move: it names the peer in policies and tunnels, which are the administrator's.
#include <algorithm>

#include "ike/v1/exchanges.h"
#include "ike/v1/nat.h"

namespace testudo::ike::v1 {
namespace {

std::string text_of(const net::Endpoint& at) {
  return at.address.to_string() + "[" + std::to_string(at.port) + "]";
}

}  // namespace

/// Both directions of what one child has in UDP.
void Exchanges::move_child(Child& child, const net::Endpoint& now, Context& context) {
  for (const Child::Pair& pair : child.pairs) {
    if (pair.protocol != ChildProtocol::Esp) continue;
    context.out.emplace_back(Move{pair.protocol, pair.in, {child.remote, child.local}, {now, child.local}});
    context.out.emplace_back(Move{pair.protocol, pair.out, {child.local, child.remote}, {child.local, now}});
  }
  child.remote = now;
}

/// All that the peer has goes by one mapping, that of its port 4500.
void Exchanges::move_peer(const Identity& peer, const net::Endpoint& was, const net::Endpoint& now, Context& context) {
  for (IkeSa* const sa : sas_.with(was.address)) {
    if (!sa->established() || !sa->nat.floated || sa->remote != was || !(sa->peer == peer)) continue;
    sa->remote = now;
    tell(Fact::PeerMoved, *sa, "was " + text_of(was), context);
  }
  for (Child* const child : children_.with(was.address)) {
    if (child->remote == was && child->peer == peer) move_child(*child, now, context);
  }
}

void Exchanges::follow_peer(IkeSa& sa, const Received& datagram, Context& context) {
  const net::Endpoint was = sa.remote;
  const bool was_floated = sa.nat.floated;
  follow(sa, datagram);
  if (!sa.established() || !was_floated || !sa.nat.floated || sa.remote == was) return;
  // Each move is work of the key table, and a peer may change its port with every message; its ESP will say it again.
  static constexpr Duration kPatience = std::chrono::seconds{1};
  if (sa.moved && context.now - *sa.moved < kPatience) return;
  sa.moved = context.now;
  tell(Fact::PeerMoved, sa, "was " + text_of(was), context);
  move_peer(sa.peer, was, sa.remote, context);
}

void Exchanges::new_mapping(const NewMapping& event, Context& context) {
  const auto with_spi = children_.with(ChildProtocol::Esp, event.spi);
  const auto found = std::ranges::find_if(with_spi, [&](const Child* each) {
    return each->remote.port != 0 && each->remote.address == event.was.address &&
           std::ranges::any_of(each->pairs, [&](const Child::Pair& pair) {
             return pair.protocol == ChildProtocol::Esp && pair.in == event.spi;
           });
  });
  if (found == with_spi.end()) return;
  const Child* const child = *found;
  if (event.now.address != event.was.address) {
    if (const IkeSa* const sa = established_with(*child)) {
      tell(Fact::PeerElsewhere, *sa, text_of(event.now), context);
    }
    return;
  }
  // Negotiated while the mapping changed: the others are there already.
  if (child->remote == event.now) {
    context.out.emplace_back(Move{ChildProtocol::Esp, event.spi, {event.was, child->local}, {event.now, child->local}});
  } else if (child->remote == event.was) {
    move_peer(Identity{child->peer}, event.was, event.now, context);
  }
}

}  // namespace testudo::ike::v1
