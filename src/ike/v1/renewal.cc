#include "ike/v1/exchanges.h"

// Which pairs of SAs are replaced before their time is over, and by whom: each by the host that began it.  Where both
// began at once there are two pairs for the same packets, and one of them is let go:
//
//            made        renewed (soft)     last chance   over (hard)
//              │───────────────│──────────────────│───────────│
//                              │                  └ nothing will outlive it: renew it after all
//                              └ another pair lives clearly longer, or is as old and greater: leave it
//
// Two hosts see these times nearly, not exactly, alike; so both may leave it to the other, and then there is the last
// chance.
//
// Who renews a pair goes on sending by the old one for a second (take_answer() in phase2.cc).

#include <algorithm>

namespace testudo::ike::v1 {
namespace {

bool for_the_same_packets(const Child& a, const Child& b) {
  return a.id != b.id && a.peer == b.peer && a.request.outbound == b.request.outbound &&
         a.request.local == b.request.local && a.request.remote == b.request.remote;
}

/// The same at both ends.
std::pair<Spi, Spi> rank(const Child& child) {
  const auto& [protocol, in, out] = child.pairs.front();
  return std::minmax({in, out});
}

}  // namespace

/// Between its last chance and its end.
Duration Exchanges::margin_of(const Child& child) {
  return (child.ends_at - child.renewed_at) / 2;
}

bool Exchanges::is_outlived(const Child& child, const Context& context) const {
  const Duration margin = margin_of(child);
  return std::ranges::any_of(children_.with(child.request.outbound), [&](const Child* other) {
    if (!for_the_same_packets(child, *other) || other->renewed_at <= context.now - margin) return false;
    return other->renewed_at > context.now + margin || rank(*other) > rank(child);
  });
}

void Exchanges::renew(const Child& child, Context& context) {
  ChildRequest again = child.request;
  again.acquire_sequence = 0;  // its ACQUIRE was answered long ago
  want(again, context);
}

void Exchanges::expired(const Expired& event, Context& context) {
  auto meant = children_.with(event.protocol, event.spi);
  std::erase_if(meant, [&](const Child* child) { return !child->has(event.protocol, event.destination, event.spi); });
  if (event.hard) return end_children(meant, "its lifetime is over", context);
  // The responder leaves it to the initiator, so that both do not begin at once.
  if (meant.empty() || meant.front()->role != Role::Initiator) return;
  Child& known = *meant.front();
  if (is_outlived(known, context)) {
    children_.set_last_chance(known, known.ends_at - margin_of(known));
  } else {
    renew(known, context);
  }
}

void Exchanges::tick_renewals(Context& context) {
  for (Child* const child : children_.at_last_chance(context.now)) {
    children_.set_last_chance(*child, std::nullopt);
    const auto outlives = [&](const Child* other) {
      return for_the_same_packets(*child, *other) && other->renewed_at > context.now;
    };
    if (std::ranges::none_of(children_.with(child->request.outbound), outlives)) renew(*child, context);
  }
}

}  // namespace testudo::ike::v1
