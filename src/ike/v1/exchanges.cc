#include "ike/v1/exchanges.h"

#include <algorithm>

#include "ike/selector_id.h"
#include "ike/v1/deadline.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Exchange;

constexpr std::uint8_t kKnownFlags =
    v1wire::flag::kEncryption | v1wire::flag::kCommit | v1wire::flag::kAuthenticationOnly;

void earlier(std::optional<Time>& first, std::optional<Time> other) {
  if (other && (!first || *other < *first)) first = other;
}

/// Its source may be forged: message 3 alone shows that our answer reached somebody.
bool is_unconfirmed(const IkeSa& sa) {
  return is_half_open(sa) && (sa.state == State::Idle || sa.state == State::SaSent);
}

Variables environment_of(const IkeSa& sa) {
  Variables all = variables_of(sa.assignment);
  if (sa.login.state == Login::State::Passed) all.emplace_back("XAUTH_USER", sa.login.user);
  return all;
}

}  // namespace

Exchanges::Exchanges(std::shared_ptr<const Policy> policy, const KeyStore& keys, const PolicyBase& policies,
                     SlowWork slow_work)
    : policy_(std::move(policy)),
      keys_(keys),
      policies_(policies),
      slow_work_(slow_work),
      strangers_(policy_->limits.aggressive_burst, policy_->limits.aggressive_refill) {}

void Exchanges::receive(const Received& datagram, const wire::ike::Message& message, Context& context) {
  const wire::ike::Header& header = message.header;
  if (header.initiator == 0) return drop(datagram, "the initiator's cookie is zero", context);
  if ((header.flags & ~kKnownFlags) != 0) return drop(datagram, "unknown flags", context);
  IkeSa* const sa = find(header, datagram.remote);
  if (sa != nullptr && sa->is_busy()) return hold(*sa, datagram, context);
  if (header.next == static_cast<std::uint8_t>(v1wire::Payload::Fragment)) {
    return fragment(sa, datagram, message, context);
  }
  const bool encrypted = (header.flags & v1wire::flag::kEncryption) != 0;
  const bool goes_on = header.exchange == static_cast<std::uint8_t>(Exchange::Quick);
  if (sa != nullptr && encrypted && goes_on && awaits_lost_proof(*sa)) return send_again(*sa, context);
  switch (Exchange{header.exchange}) {
    case Exchange::Main:
    case Exchange::Aggressive:
    case Exchange::Base:
      return phase1(sa, datagram, message, context);
    case Exchange::Quick:
      return quick_mode(sa, datagram, message, context);
    case Exchange::Transaction:
      return transaction(sa, datagram, message, context);
    case Exchange::Informational:
      return informational(sa, datagram, message, context);
    default:
      const auto name = v1wire::name_of(Exchange{header.exchange});
      return drop(datagram,
                  (name.empty() ? "exchange " + std::to_string(header.exchange) : std::string{name}) + " is not spoken",
                  context);
  }
}

IkeSa* Exchanges::find(const wire::ike::Header& header, const net::Endpoint& remote) const {
  if (IkeSa* const ours = sas_.find(header.initiator); ours != nullptr && ours->role == Role::Initiator) {
    const bool first_answer = ours->cookies.responder == 0 && ours->remote.address == remote.address;
    return first_answer || ours->cookies.responder == header.responder ? ours : nullptr;
  }
  if (IkeSa* const ours = sas_.find(header.responder); ours != nullptr && ours->role == Role::Responder) {
    return ours->cookies.initiator == header.initiator ? ours : nullptr;
  }
  if (header.responder != 0) return nullptr;
  // A first message that was sent again.
  return sas_.answer_to(header.initiator, remote);
}

/// The newest with this peer.
IkeSa* Exchanges::established_with(const Child& child) const {
  IkeSa* newest = nullptr;
  for (IkeSa* const sa : sas_.with(child.request.remote)) {
    if (!sa->ready() || !(sa->peer == child.peer)) continue;
    if (newest == nullptr || sa->expires > newest->expires) newest = sa;
  }
  return newest;
}

/// Behind one address there may be several peers: the one that has these networks already, else the newest.
IkeSa* Exchanges::established_for(const ChildRequest& request) const {
  const auto for_them = children_.with(request.outbound);
  const auto known = std::find_if(for_them.rbegin(), for_them.rend(),
                                  [&](const Child* child) { return child->request.remote == request.remote; });
  if (known != for_them.rend()) {
    if (IkeSa* const sa = established_with(**known)) return sa;
  }
  IkeSa* newest = nullptr;
  for (IkeSa* const sa : sas_.with(request.remote)) {
    if (sa->ready() && (newest == nullptr || sa->expires > newest->expires)) newest = sa;
  }
  return newest;
}

/// False when no more negotiations may be begun: a refusal of newcomers alone would let a flood keep everybody out.
bool Exchanges::make_room(const net::Address& source, Context& context) {
  std::size_t all = 0, of_source = 0;
  const IkeSa *oldest = nullptr, *oldest_of_source = nullptr;
  const auto older = [](const IkeSa* known, const IkeSa& sa) {
    return known == nullptr || sa.created < known->created;
  };
  for (const IkeSa* const sa : sas_.half_open()) {
    const bool same = sa->remote.address == source;
    ++all;
    of_source += same ? 1 : 0;
    if (!is_unconfirmed(*sa)) continue;
    if (older(oldest, *sa)) oldest = sa;
    if (same && older(oldest_of_source, *sa)) oldest_of_source = sa;
  }
  const IkeSa* leaves = nullptr;
  if (of_source >= policy_->limits.half_open_per_source) {
    leaves = oldest_of_source;
  } else if (all >= policy_->limits.half_open_total) {
    leaves = oldest;
  } else {
    return true;
  }
  IkeSa* const found = leaves == nullptr ? nullptr : sas_.find(own_cookie(*leaves));
  if (found == nullptr) return false;
  end(*found, context);
  return true;
}

/// Its quick modes end with it and who waits is told; SAs that are in use stay.
void Exchanges::end(IkeSa& sa, Context& context) {
  if (sa.announced) hook(Hook::Event::Phase1Down, sa, context);
  end_session(sa, context);
  give_back(sa, context);
  while (!sa.quicks.empty()) end_quick(sa, sa.quicks.back(), context);
  for (const Waiting& waiting : sa.waiting) context.out.emplace_back(Abandon{waiting.request.acquire_sequence});
  sa.waiting.clear();
  sas_.end(sa);
}

void Exchanges::send(const IkeSa& sa, ByteVector bytes, Context& context) {
  if (bytes.empty()) return;
  auto pieces = sa.sends_fragments ? split(bytes) : std::vector<ByteVector>{};
  if (pieces.empty()) pieces.push_back(std::move(bytes));
  for (ByteVector& piece : pieces) {
    context.out.emplace_back(Send{sa.local, sa.remote, std::move(piece), sa.nat.floated});
  }
}

/// A stranger's address may be that of somebody else, who would get all of them.
void Exchanges::send_again(IkeSa& sa, Context& context) {
  if (is_unconfirmed(sa) && ++sa.repeats > sa.policy->limits.repeats_to_strangers) return;
  send(sa, sa.sent.message(), context);
}

void Exchanges::drop(const Received& datagram, std::string why, Context& context) {
  context.out.emplace_back(Told{Fact::Dropped, datagram.local, datagram.remote, 0, 0, std::move(why)});
}

void Exchanges::tell(Fact fact, const IkeSa& sa, std::string text, Context& context) {
  context.out.emplace_back(
      Told{fact, sa.local, sa.remote, sa.cookies.initiator, sa.cookies.responder, std::move(text), is_half_open(sa)});
}

void Exchanges::refuse(const IkeSa& sa, Exchange exchange, int message, Mismatch why, Context& context) {
  const int phase = exchange == Exchange::Quick ? 2 : 1;
  context.out.emplace_back(Refusal{sa.local, sa.remote, sa.role, phase, exchange, message, std::move(why), false});
}

void Exchanges::tell_child(Fact fact, const IkeSa& sa, const net::Selector& networks, const std::string& more,
                           Context& context) {
  tell(fact, sa, to_string(networks) + more, context);
  std::get<Told>(context.out.back()).networks = networks;
}

void Exchanges::refuse_child(const IkeSa& sa, const net::Selector& networks, int message, Mismatch why,
                             Context& context) {
  refuse(sa, Exchange::Quick, message, std::move(why), context);
  std::get<Refusal>(context.out.back()).networks = networks;
}

void Exchanges::hook(Hook::Event event, const IkeSa& sa, Context& context) {
  using enum Hook::Event;
  const Remote::Scripts& scripts = sa.block->scripts;
  const std::string& script = event == Phase1Up ? scripts.up : event == Phase1Down ? scripts.down : scripts.dead;
  if (script.empty()) return;
  context.out.emplace_back(Hook{event, script, sa.local, sa.remote, sa.established() ? sa.peer.to_string() : "",
                                sa.cookies.initiator, sa.cookies.responder, environment_of(sa)});
}

void Exchanges::want(const ChildRequest& request, Context& context) {
  const auto same = [&](const ChildRequest& r) { return r.remote == request.remote && r.outbound == request.outbound; };
  for (IkeSa* const sa : sas_.with(request.remote)) {
    const bool waits = std::ranges::any_of(sa->waiting, same, &Waiting::request);
    const bool runs = std::ranges::any_of(sa->quicks, [&](const Quick& quick) {
      // For a policy that is being made, the peer's own exchange brings the SAs.
      const bool comes = quick.role == Role::Initiator || quick.generates;
      return comes && quick.state != Quick::State::Done && same(quick.request);
    });
    if (waits || runs) return;
  }
  if (IkeSa* const sa = established_for(request)) {
    if (!sa->paused_for) return begin_quick(*sa, request, context);
    sa->waiting.push_back({request, context.now + sa->policy->limits.phase1});
    return;
  }
  for (IkeSa* const sa : sas_.with(request.remote)) {
    if (sa->role != Role::Initiator || sa->state == State::Dead) continue;
    sa->waiting.push_back({request, context.now + sa->policy->limits.phase1});
    return;
  }
  if (IkeSa* const sa = begin_phase1(request, "", context)) {
    sa->waiting.push_back({request, context.now + policy_->limits.phase1});
    return;
  }
  context.out.emplace_back(Abandon{request.acquire_sequence});
}

void Exchanges::tick(Context& context) {
  const std::vector<IkeSa*> due = sas_.due(context.now);
  for (IkeSa* const sa : due) {
    if (sa->state != State::Dead) tick_sa(*sa, context);
  }
  for (IkeSa* const sa : due) {
    if (sa->established() && sa->rekey && context.now >= *sa->rekey) rekey_phase1(*sa, context);
  }
  tick_renewals(context);
  tick_keepalives(context);
}

/// RFC 3948 section 4 leaves keepalives to the side behind the NAT, whose mapping it is.
std::set<std::pair<net::Endpoint, net::Endpoint>> Exchanges::mappings() const {
  std::set<std::pair<net::Endpoint, net::Endpoint>> all;
  for (const std::uint64_t cookie : sas_.with_mapping()) {
    const IkeSa& sa = *sas_.all().at(cookie);
    all.emplace(sa.local, sa.remote);
  }
  for (const ChildId id : children_.behind_nat()) {
    const Child& child = *children_.find(id);
    all.emplace(child.local, child.remote);
  }
  return all;
}

void Exchanges::tick_keepalives(Context& context) {
  const Duration interval = policy_->limits.natt_keepalive;
  if (interval == Duration{} || context.now < last_keepalive_ + interval) return;
  last_keepalive_ = context.now;
  for (const auto& [local, remote] : mappings()) context.out.emplace_back(KeepAlive{local, remote});
}

void Exchanges::reap(Context& context) {
  drop_policies(context);
  sas_.settle();
}

void Exchanges::tick_sa(IkeSa& sa, Context& context) {
  const Limits& limits = sa.policy->limits;
  switch (sa.sent.check(context.now, limits)) {
    case Retransmission::Due::No:
      break;
    case Retransmission::Due::Again:
      send(sa, sa.sent.message(), context);
      break;
    case Retransmission::Due::Dead:
      if (sa.established()) {
        sa.sent.stop();
        break;
      }
      return phase1_timed_out(sa, context);
  }
  if (is_half_open(sa) && context.now >= sa.created + limits.half_open) return phase1_timed_out(sa, context);
  if (sa.established() && context.now >= sa.expires) {
    tell(Fact::Phase1Expired, sa, "", context);
    send_deletion(sa, ChildProtocol::Isakmp, {sa.cookies.bytes()}, context);
    return end(sa, context);
  }
  if (const auto since = sa.fragments.since(); since && context.now >= *since + limits.fragments) sa.fragments.forget();
  if (sa.liveness.next && context.now >= *sa.liveness.next) ask_whether_alive(sa, context);
  tick_login(sa, context);
  tick_transactions(sa, context);
  tick_waiting(sa, context);
  begin_waiting(sa, context);
  tick_quicks(sa, context);
}

void Exchanges::tick_waiting(IkeSa& sa, Context& context) {
  const auto late = [&](const Waiting& waiting) { return context.now >= waiting.until; };
  for (const Waiting& waiting : sa.waiting) {
    if (!late(waiting)) continue;
    tell_child(Fact::Phase2TimedOut, sa, waiting.request.outbound, ", waiting for phase 1", context);
    context.out.emplace_back(Abandon{waiting.request.acquire_sequence});
  }
  std::erase_if(sa.waiting, late);
}

/// Ends one that is established and tells the peer.
void Exchanges::retire(IkeSa& sa, std::string why, Context& context) {
  tell(Fact::Phase1Deleted, sa, std::move(why), context);
  send_deletion(sa, ChildProtocol::Isakmp, {sa.cookies.bytes()}, context);
  end(sa, context);
}

bool Exchanges::is_used_up(IkeSa& sa, Context& context) {
  if (!sa.established() || sa.message_ids.size() < sa.policy->limits.message_ids_per_sa) return false;
  retire(sa, "too many exchanges under it", context);
  return true;
}

std::optional<Time> Exchanges::next_deadline() const {
  std::optional<Time> first = sas_.next_deadline();
  earlier(first, children_.next_last_chance());
  const Duration interval = policy_->limits.natt_keepalive;
  const bool has_mappings = !sas_.with_mapping().empty() || !children_.behind_nat().empty();
  if (interval != Duration{} && has_mappings) earlier(first, last_keepalive_ + interval);
  return first;
}

std::uint32_t Exchanges::fresh_message_id(IkeSa& sa, Context& context) {
  std::uint32_t id = 0;
  do {
    id = context.random.between(1, 0xffffffff);
  } while (!sa.message_ids.insert(id).second);
  return id;
}

}  // namespace testudo::ike::v1
