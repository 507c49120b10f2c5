// Dead peer detection (RFC 3706, the asking half) and the renewal of phase 1, as exchanges.h drives them.
#include <algorithm>

#include "base/endian.h"
#include "ike/selector_id.h"
#include "ike/v1/exchanges.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {

/// A proven message came: RFC 3706 section 5.5 asks only peers that have been silent.
void Exchanges::heard(IkeSa& sa, Context& context) {
  sa.liveness.unanswered = 0;
  sa.sent.stop();
  const Duration delay = sa.block->dpd_delay;
  if (!sa.block->dpd || !sa.liveness.peer_answers || delay == Duration{}) return;
  sa.liveness.next = context.now + delay;
}

/// heard() has counted it as a sign of life already, for its HASH was right; what does not answer a question is told.
void Exchanges::acknowledged(IkeSa& sa, Bytes sequence, Context& context) {
  if (sequence.size() == 4 && be32(sequence.data()) == sa.liveness.sequence) return;
  context.out.emplace_back(Told{Fact::Dropped, sa.local, sa.remote, sa.cookies.initiator, sa.cookies.responder,
                                "Wrong DPD sequence number"});
}

void Exchanges::ask_whether_alive(IkeSa& sa, Context& context) {
  Liveness& liveness = sa.liveness;
  if (liveness.unanswered >= sa.block->dpd_maxfail) return give_up_peer(sa, context);
  // RFC 3706 section 6.2: the first number is random, its high bit clear.
  if (liveness.sequence == 0) liveness.sequence = context.random.between(1, 0x7fffffff);
  ++liveness.sequence;
  ++liveness.unanswered;
  liveness.next = context.now + sa.block->dpd_retry;
  ByteVector number(4);
  put_be32(number.data(), liveness.sequence);
  send_protected(sa, v1wire::Payload::Notification,
                 v1wire::compose_notification({v1wire::kDoiIpsec, v1wire::Protocol::Isakmp, v1wire::Notify::RUThere,
                                               sa.cookies.bytes(), std::move(number)}),
                 context);
}

/// Its SAs go, so that the next packet asks for new ones.
void Exchanges::give_up_peer(IkeSa& sa, Context& context) {
  tell(Fact::PeerDead, sa, std::to_string(sa.liveness.unanswered) + " questions without an answer", context);
  hook(Hook::Event::Phase1Dead, sa, context);
  auto lost = children_.with(sa.remote.address);
  std::erase_if(lost, [&](const Child* child) { return !(child->peer == sa.peer); });
  for (const Child* const child : lost) {
    remove_child(*child, context);
    tell_child(Fact::Phase2Deleted, sa, child->request.outbound, ", its peer is dead", context);
  }
  forget_children(lost);
  end(sa, context);
}

/// The old one stays until its time is over: nothing waits for the new one.
void Exchanges::rekey_phase1(IkeSa& sa, Context& context) {
  sa.rekey.reset();
  const auto of_address = children_.with(sa.remote.address);
  const auto child = std::ranges::find_if(of_address, [&](const Child* each) { return each->peer == sa.peer; });
  if (child == of_address.end()) return;
  for (const IkeSa* const other : sas_.with(sa.remote.address)) {
    if (other != &sa && other->role == Role::Initiator && other->created > sa.created) return;
  }
  for (const Remote* block : policy_->remotes_for(sa.remote.address)) {
    if (block->name != sa.block->name) continue;
    tell(Fact::Phase1Rekeyed, sa, "", context);
    if (IkeSa* const next = start_phase1(*block, (*child)->request, context)) next->login.given = sa.login.given;
    return;
  }
}

/// What was installed is gone, and what was asked for is not known there.
void Exchanges::restarted(Context& context) {
  for (IkeSa* const sa : sas_.every()) {
    std::vector<ChildId> lost;
    for (Quick& quick : sa->quicks) {
      const bool waits = quick.state == Quick::State::SpisWanted || quick.state == Quick::State::AnswerSpisWanted;
      if (waits) allocate_spis(*sa, quick, context);
      if (!waits && quick.state != Quick::State::Done) lost.push_back(quick.id);
    }
    for (const ChildId id : lost) {
      IkeSa* owner = nullptr;
      if (Quick* const quick = find(id, owner)) fail_quick(*owner, *quick, context);
    }
  }
  end_children(children_that([](const Child&) { return true; }), "the key table was restarted", context);
}

}  // namespace testudo::ike::v1
