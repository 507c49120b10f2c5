// Quick mode as exchanges.h drives it.
#include <algorithm>
#include <utility>

#include "ike/selector_id.h"
#include "ike/v1/crypt.h"
#include "ike/v1/exchanges.h"
#include "ike/v1/mode_config.h"
#include "ike/v1/nat.h"
#include "ike/v1/quick_mode.h"
#include "ike/v1/required.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Exchange;
using v1wire::Notify;
using v1wire::Payload;

/// A message whose HASH is wrong proves nothing about the peer, so nobody is told but the log.
bool is_unproven(const Mismatch& why) {
  return why.notify == Notify::InvalidHashInformation;
}

Mismatch no_answer() {
  return {"answer", "a message waits for one", "none came", "", "the log of the peer may say why", Notify{}};
}

Mismatch login_first() {
  return {"XAUTH",
          "somebody has to log in first",
          "phase 2",
          "",
          "Attempt to start phase 2 whereas Xauth failed: the "
          "client has to answer the question for a password",
          Notify::AuthenticationFailed,
          "is not done"};
}

Mismatch not_its_own(const IkeSa& sa, const net::Prefix& asked) {
  return {"networks",
          sa.assignment.address ? sa.assignment.address->to_string() + " was lent to it" : "it was lent no address",
          asked.to_string(),
          "",
          "let the client use the address that mode-config gives it",
          Notify::InvalidIdInformation,
          "belong to another client"};
}

std::string spi_text(const std::vector<ChildSa>& sas) {
  std::string text;
  for (const ChildSa& sa : sas) {
    text += (text.empty() ? "" : ", ") + std::string{v1wire::name_of(sa.item.protocol)} +
            " spi=" + std::to_string(sa.spi.value);
  }
  return text;
}

}  // namespace

void Exchanges::quick_mode(IkeSa* sa, const Received& datagram, const wire::ike::Message& message, Context& context) {
  if (sa == nullptr) return drop(datagram, "no phase 1 has these cookies", context);
  if (!sa->established()) return drop(datagram, "quick mode before phase 1 is established", context);
  const bool encrypted = (message.header.flags & v1wire::flag::kEncryption) != 0;
  if (!encrypted || message.header.message_id == 0) return drop(datagram, "quick mode in clear", context);
  const auto known = std::ranges::find(sa->quicks, message.header.message_id, &Quick::message_id);
  if (known == sa->quicks.end()) return take_offer(*sa, datagram, message, context);
  if (known->seen.is_answered(digest_of(datagram.bytes))) return send(*sa, known->sent.message(), context);
  take_quick(*sa, *known, datagram, message, context);
}

// ---- initiator

void Exchanges::begin_quick(IkeSa& sa, const ChildRequest& request, Context& context) {
  const net::Selector& s = request.outbound;
  Quick quick;
  quick.work = Workbench{slow_work_};
  quick.id = ChildId{next_child_++};
  quick.request = request;
  quick.sainfo = sa.policy->sainfo_for({id_of(s.source, s.protocol, s.source_port),
                                        id_of(s.destination, s.protocol, s.destination_port), sa.peer, sa.block->ph1id,
                                        sa.client_address()});
  if (quick.sainfo == nullptr) {
    Mismatch why{"sainfo", "none", to_string(s), "", "add a sainfo for it, or sainfo anonymous, here", Notify{}};
    refuse_child(sa, s, 0, std::move(why), context);
    context.out.emplace_back(Abandon{request.acquire_sequence});
    return;
  }
  if (const auto possible = check_nat(sa, request.items); !possible) {
    refuse_child(sa, s, 0, possible.error(), context);
    context.out.emplace_back(Abandon{request.acquire_sequence});
    return;
  }
  quick.message_id = fresh_message_id(sa, context);
  quick.iv = phase2_iv(sa, quick.message_id);
  quick.deadline = context.now + sa.policy->limits.phase2;
  allocate_spis(sa, quick, context);
  tell_child(Fact::Phase2Started, sa, s, "", context);
  keep(sa, std::move(quick));
}

void Exchanges::allocate_spis(const IkeSa& sa, Quick& quick, Context& context) {
  quick.spis.assign(quick.request.items.size(), Spi{});
  quick.spis_missing = quick.spis.size();
  for (std::size_t i = 0; i < quick.spis.size(); ++i) {
    context.out.emplace_back(AllocateSpi{quick.id, i, quick.request.items[i], sa.remote.address, sa.local.address});
  }
}

Quick* Exchanges::find(ChildId id, IkeSa*& sa) const {
  const auto owner = quick_owners_.find(id);
  IkeSa* const candidate = owner == quick_owners_.end() ? nullptr : sas_.find(owner->second);
  if (candidate == nullptr) return nullptr;
  const auto quick = std::ranges::find(candidate->quicks, id, &Quick::id);
  if (quick == candidate->quicks.end()) return nullptr;
  sa = candidate;
  return &*quick;
}

void Exchanges::keep(IkeSa& sa, Quick quick) {
  quick_owners_[quick.id] = own_cookie(sa);
  if (quick.state == Quick::State::PolicyWanted) wanting_policies_.insert(quick.id);
  sa.quicks.push_back(std::move(quick));
}

void Exchanges::forget(IkeSa& sa, ChildId quick) {
  quick_owners_.erase(quick);
  wanting_policies_.erase(quick);
  unused_.erase(quick);
  std::erase_if(sa.quicks, [quick](const Quick& each) { return each.id == quick; });
}

void Exchanges::spi_allocated(const SpiAllocated& event, Context& context) {
  IkeSa* sa = nullptr;
  Quick* const quick = find(event.child, sa);
  if (quick == nullptr || event.item >= quick->spis.size() || quick->spis_missing == 0) return;
  if (std::exchange(quick->spis[event.item], event.spi) != Spi{}) return;
  if (--quick->spis_missing == 0) spis_complete(*sa, *quick, context);
}

void Exchanges::spi_refused(const SpiRefused& event, Context& context) {
  IkeSa* sa = nullptr;
  Quick* const quick = find(event.child, sa);
  if (quick == nullptr) return;
  const Mismatch why = broken("SPI", "the key table gives none: is testudod well?", Notify::NoProposalChosen);
  if (quick->role == Role::Responder) tell_failure(*sa, why, context);
  refuse_child(*sa, quick->request.outbound, 0, why, context);
  fail_quick(*sa, *quick, context);
}

/// The peer need not wait until its time is up, and reads there why.  It has proved who it is; what our policies are is
/// not its affair all the same.
void Exchanges::tell_failure(IkeSa& sa, const Mismatch& why, Context& context) {
  v1wire::Notification notification{v1wire::kDoiIpsec, v1wire::Protocol::Esp, why.notify, {}, {}};
  if (notification.type == Notify{}) notification.type = Notify::NoProposalChosen;
  notification.data = owned(as_bytes(reason_for_peer(why)));
  send_protected(sa, Payload::Notification, v1wire::compose_notification(notification), context);
}

void Exchanges::install_refused(const InstallRefused& event, Context& context) {
  Mismatch why{"the key table", "", "", "", event.why, Notify::NoProposalChosen, "refuses the SA"};
  IkeSa* sa = nullptr;
  Quick* const quick = find(event.child, sa);
  Child* const child = children_.find(event.child);
  if (child != nullptr) {
    Refusal refusal{
        {child->request.local, 0}, {child->request.remote, 0}, child->role, 2, Exchange::Quick, 0, {}, false};
    if (sa != nullptr) refusal.local = sa->local, refusal.remote = sa->remote;
    refusal.why = why;
    refusal.networks = child->request.outbound;
    if (IkeSa* const with = established_with(*child)) tell_failure(*with, why, context);
    context.out.emplace_back(std::move(refusal));
    return end_children({child}, "its SAs are not whole", context);
  }
  if (quick == nullptr) return;
  tell_failure(*sa, why, context);
  refuse_child(*sa, quick->request.outbound, 0, std::move(why), context);
  // The peer has our answer and takes the SAs for made.
  for (std::size_t i = 0; i < quick->spis.size(); ++i) {
    const ChildProtocol protocol = quick->request.items[i].protocol;
    send_deletion(*sa, protocol, {negotiate::spi_bytes(protocol, quick->spis[i])}, context);
  }
  fail_quick(*sa, *quick, context);
}

void Exchanges::spis_complete(IkeSa& sa, Quick& quick, Context& context) {
  Environment env = environment(sa, context);
  const bool initiator = quick.role == Role::Initiator;
  auto message = initiator ? compose_offer(sa, quick, env) : compose_answer(sa, quick, env);
  if (!message && quick.work.waits()) return begin_work(sa, quick.work, context);
  quick.work.clear();
  if (!message) {
    if (!initiator) tell_failure(sa, message.error(), context);
    refuse_child(sa, quick.request.outbound, initiator ? 0 : 1, message.error(), context);
    return fail_quick(sa, quick, context);
  }
  quick.state = initiator ? Quick::State::OfferSent : Quick::State::AnswerSent;
  if (!initiator) install(sa, quick, ChildSa::Direction::In, context);
  send(sa, *message, context);
  quick.sent.start(*std::move(message), context.now, sa.policy->limits);
}

// ---- responder

void Exchanges::take_offer(IkeSa& sa, const Received& datagram, const wire::ike::Message& message, Context& context) {
  if (is_used_up(sa, context)) return;
  if (sa.message_ids.contains(message.header.message_id)) return drop(datagram, "a message id of old", context);
  const auto unfinished =
      std::ranges::count_if(sa.quicks, [](const Quick& q) { return q.state != Quick::State::Done; });
  if (std::cmp_greater_equal(unfinished, sa.policy->limits.quick_per_sa)) {
    return drop(datagram, "too many quick modes", context);
  }
  Quick quick;
  quick.work = Workbench{slow_work_};
  quick.role = Role::Responder;
  quick.state = Quick::State::AnswerSpisWanted;
  quick.message_id = message.header.message_id;
  quick.iv = phase2_iv(sa, quick.message_id);
  quick.deadline = context.now + sa.policy->limits.phase2;
  const auto opened = open(sa, quick.iv, message);
  if (!opened) return drop(datagram, "quick mode that cannot be decrypted", context);
  auto judged = judge_offer(sa, quick, opened->chain, opened->plain, policies_);
  if (judged) judged = claim(sa, quick);
  if (!judged && is_unproven(judged.error())) return drop(datagram, judged.error().hint, context);
  // From here on the message is known to be the peer's, so its id is spent whatever comes of it.
  follow_peer(sa, datagram, context);
  heard(sa, context);
  sa.message_ids.insert(quick.message_id);
  if (!sa.login.done()) judged = Failure{login_first()};
  const net::Prefix& asked = quick.request.outbound.destination;
  if (judged && (is_of_another(sa.policy->mode_config, sa.assignment.address, asked) || is_lent_to_another(sa, quick)))
    judged = Failure{not_its_own(sa, asked)};
  if (!judged) {
    tell_failure(sa, judged.error(), context);
    return refuse(sa, Exchange::Quick, 1, judged.error(), context);
  }
  quick.iv = opened->next_iv;
  quick.id = ChildId{next_child_++};
  quick.seen.answer(digest_of(datagram.bytes));
  tell_child(Fact::Phase2Started, sa, quick.request.outbound, "", context);
  quick.generates ? make_policy(sa, quick, context) : allocate_spis(sa, quick, context);
  keep(sa, std::move(quick));
}

// ---- messages 2 and 3

void Exchanges::take_quick(IkeSa& sa, Quick& quick, const Received& datagram, const wire::ike::Message& message,
                           Context& context) {
  const auto opened = open(sa, quick.iv, message);
  if (!opened) return drop(datagram, "quick mode that cannot be decrypted", context);
  if (quick.state == Quick::State::OfferSent) {
    const auto judged = judge_answer(sa, quick, opened->chain, opened->plain);
    if (!judged && quick.work.waits()) {
      quick.parked = held_of(datagram);
      return begin_work(sa, quick.work, context);
    }
    quick.work.clear();
    if (!judged && is_unproven(judged.error())) return drop(datagram, judged.error().hint, context);
    if (!judged) {
      tell_failure(sa, judged.error(), context);
      refuse_child(sa, quick.request.outbound, 2, judged.error(), context);
      return fail_quick(sa, quick, context);
    }
    heard(sa, context);
    quick.iv = opened->next_iv;
    quick.seen.answer(digest_of(datagram.bytes));
    return take_answer(sa, quick, context);
  }
  if (quick.state == Quick::State::AnswerSent) {
    if (!judge_confirmation(sa, quick, opened->chain)) return drop(datagram, "a wrong HASH(3)", context);
    quick.seen.ignore(digest_of(datagram.bytes));
    install(sa, quick, ChildSa::Direction::Out, context);
    return finish(sa, quick, context);
  }
  drop(datagram, "no message of quick mode is awaited", context);
}

void Exchanges::take_answer(IkeSa& sa, Quick& quick, Context& context) {
  install(sa, quick, ChildSa::Direction::In, context);
  const bool waits = may_wait(sa, quick, context);
  if (!waits) install(sa, quick, ChildSa::Direction::Out, context);
  ByteVector message = compose_confirmation(sa, quick);
  send(sa, message, context);
  quick.sent.keep(std::move(message));
  finish(sa, quick, context);
  if (!waits) return;
  quick.out_due = context.now + sa.policy->limits.before_use;
  unused_.insert(quick.id);
}

/// Nobody waits for it, and others carry the same packets for some time to come.
bool Exchanges::may_wait(const IkeSa& sa, const Quick& quick, const Context& context) const {
  const Duration wait = sa.policy->limits.before_use;
  if (wait == Duration{} || quick.request.acquire_sequence != 0) return false;
  return std::ranges::any_of(children_.with(quick.request.outbound), [&](const Child* child) {
    return child->request.remote == quick.request.remote && child->request.local == quick.request.local &&
           child->peer == sa.peer && child->ends_at > context.now + 2 * wait;
  });
}

/// What goes out, unless the whole has gone meanwhile.
void Exchanges::use(const IkeSa& sa, Quick& quick, Context& context) {
  if (!std::exchange(quick.out_due, std::nullopt)) return;
  unused_.erase(quick.id);
  if (children_.find(quick.id) != nullptr) install(sa, quick, ChildSa::Direction::Out, context);
}

/// It goes: what waits in its shadow steps forth, and it itself does no longer.
void Exchanges::use_instead_of(const Child& child, Context& context) {
  for (const ChildId id : std::set<ChildId>{unused_}) {
    IkeSa* sa = nullptr;
    Quick* const quick = find(id, sa);
    if (quick == nullptr) continue;
    if (id == child.id) {
      quick->out_due.reset();
      unused_.erase(id);
    } else if (quick->request.remote == child.request.remote && quick->request.outbound == child.request.outbound) {
      use(*sa, *quick, context);
    }
  }
}

void Exchanges::install(const IkeSa& sa, const Quick& quick, ChildSa::Direction direction, Context& context) {
  for (ChildSa& child : child_sas(sa, quick, direction)) context.out.emplace_back(Install{std::move(child)});
}

/// Both directions are in use.  The exchange itself stays until its time is up, to answer repeated messages.
void Exchanges::finish(IkeSa& sa, Quick& quick, Context& context) {
  quick.state = Quick::State::Done;
  quick.sent.stop();
  quick.key_exchange.reset();
  Child child{
      quick.id, sa.cookies, quick.role, quick.request, {}, sa.peer, {sa.local.address, 0}, {sa.remote.address, 0},
      false};
  if (modes_of(sa).in_udp()) {
    child.local = sa.local;
    child.remote = sa.remote;
    child.behind_nat = sa.nat.here;
  }
  child.user = sa.login.user;
  child.renewed_at = context.now + std::chrono::seconds{soft_of(quick.choice.lifetime)};
  child.ends_at = context.now + std::chrono::seconds{quick.choice.lifetime};
  for (std::size_t i = 0; i < quick.request.items.size(); ++i) {
    child.pairs.push_back({quick.request.items[i].protocol, quick.spis[i], quick.choice.items[i].peer_spi});
  }
  tell_child(Fact::Phase2Established, sa, quick.request.outbound,
             ", in: " + spi_text(child_sas(sa, quick, ChildSa::Direction::In)) +
                 ", out: " + spi_text(child_sas(sa, quick, ChildSa::Direction::Out)),
             context);
  children_.add(std::move(child));
  announce(sa, context);
}

/// What was allocated or installed for it goes again, and whoever waited is told.
void Exchanges::fail_quick(IkeSa& sa, Quick& quick, Context& context) {
  for (std::size_t i = 0; i < quick.spis.size(); ++i) {
    if (quick.spis[i] == Spi{}) continue;
    context.out.emplace_back(
        Remove{quick.request.items[i].protocol, quick.spis[i], {sa.remote.address, 0}, {sa.local.address, 0}});
  }
  if (quick.role == Role::Initiator) context.out.emplace_back(Abandon{quick.request.acquire_sequence});
  if (quick.generates) perhaps_unused_.push_back(quick.request.outbound);
  forget(sa, quick.id);
}

/// Whatever state it is in; a finished one leaves its SAs.
void Exchanges::end_quick(IkeSa& sa, Quick& quick, Context& context) {
  if (quick.state != Quick::State::Done) return fail_quick(sa, quick, context);
  use(sa, quick, context);
  forget(sa, quick.id);
}

void Exchanges::tick_quicks(IkeSa& sa, Context& context) {
  std::vector<ChildId> dead;
  for (Quick& quick : sa.quicks) {
    if (quick.out_due && context.now >= *quick.out_due) use(sa, quick, context);
    const auto due = quick.sent.check(context.now, sa.policy->limits);
    if (due == Retransmission::Due::Again) send(sa, quick.sent.message(), context);
    if (due == Retransmission::Due::Dead || context.now >= quick.deadline) dead.push_back(quick.id);
  }
  for (const ChildId id : dead) {
    IkeSa* owner = nullptr;
    Quick* const quick = find(id, owner);
    if (quick == nullptr) continue;
    if (quick->state != Quick::State::Done) {
      refuse_child(sa, quick->request.outbound, quick->role == Role::Initiator ? 2 : 3, no_answer(), context);
      tell_child(Fact::Phase2TimedOut, sa, quick->request.outbound, "", context);
    }
    end_quick(sa, *quick, context);
  }
}

}  // namespace testudo::ike::v1
