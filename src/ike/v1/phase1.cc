// Phase 1 as exchanges.h drives it.
#include <algorithm>

#include "base/endian.h"
#include "ike/negotiate/phase1.h"
#include "ike/v1/crypt.h"
#include "ike/v1/exchanges.h"
#include "ike/v1/nat.h"
#include "ike/v1/proof.h"
#include "ike/v1/required.h"
#include "ike/v1/signature.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Exchange;
using v1wire::Notify;
using v1wire::Payload;

std::uint64_t fresh_cookie(Random& random) {
  std::array<std::uint8_t, 8> bytes{};
  do {
    random.fill(bytes);
  } while (be64(bytes.data()) == 0);
  return be64(bytes.data());
}

wire::ike::Header header_of(const IkeSa& sa) {
  wire::ike::Header header;
  header.initiator = sa.cookies.initiator;
  header.responder = sa.cookies.responder;
  header.exchange = static_cast<std::uint8_t>(sa.mode);
  return header;
}

ByteVector in_clear(wire::ike::Header header, const v1wire::ChainWriter& payloads) {
  header.next = static_cast<std::uint8_t>(payloads.first());
  return wire::ike::compose(header, payloads.bytes());
}

/// A repeated message is answered again.  The last one has no answer: to say the one before it again would make two
/// machines talk for ever.
void note(IkeSa& sa, const v1wire::ChainWriter& reply, ByteVector digest) {
  if (reply.first() == Payload::None) {
    sa.seen.ignore(std::move(digest));
  } else {
    sa.seen.answer(std::move(digest));
  }
}

std::string text_of(Exchange mode) {
  return std::string{v1wire::name_of(mode)};
}

/// What one datagram may not carry was sent, or is awaited: paths that drop IP fragments are many.
bool may_need_fragments(const IkeSa& sa) {
  static constexpr std::size_t kUsualPath = 1400;
  const bool awaits_certificate = sa.state == State::KeSent && sa.role == Role::Responder && uses_signatures(sa);
  return !sa.sends_fragments && (sa.sent.message().size() > kUsualPath || awaits_certificate);
}

/// Whoever reads our proof with another key finds nothing in it, and some say nothing then: pluto does.
bool awaits_answer_to_proof(const IkeSa& sa) {
  return sa.role == Role::Initiator && sa.mode == Exchange::Main && sa.state == State::IdSent;
}

std::string_view cause_of_silence(const IkeSa& sa) {
  if (sa.role == Role::Responder) return "the peer began and did not go on: the peer's log may say why";
  if (!awaits_answer_to_proof(sa)) {
    return sa.nat.floated ? "check the peer's log"
                          : "check that the peer runs IKE, that UDP port 500 is open in between, and the peer's log";
  }
  return uses_signatures(sa)
             ? "the peer answered until we proved who we are: it may refuse our certificate or identifier, see its log"
             : "the peer answered until we proved who we are: most likely it has another pre-shared key for us, see "
               "its log";
}

std::string hint_for_silence(const IkeSa& sa) {
  std::string hint{cause_of_silence(sa)};
  if (sa.role == Role::Initiator && sa.nat.floated) {
    hint += "; NAT-T goes on at UDP port 4500: check that it is open in between";
  }
  if (may_need_fragments(sa)) {
    hint += "; a message with certificates may be longer than the path takes: ike_frag on at both ends cuts it";
  }
  return hint;
}

/// There is no block for the peer, or none that allows the mode.
Mismatch no_block_for(const Mode& mode, const std::vector<const Remote*>& blocks, const net::Address& peer) {
  const std::string word{mode.word};
  if (blocks.empty()) {
    return {"configuration",
            "no configuration found for " + peer.to_string(),
            "",
            "",
            "add a remote block for this address, or remote anonymous, with exchange_mode " + word,
            Notify::NoProposalChosen};
  }
  std::string ours;
  for (const Exchange each : blocks.front()->exchange_modes) ours += (ours.empty() ? "" : " or ") + text_of(each);
  return {"exchange mode",
          ours,
          text_of(mode.exchange),
          "",
          "add " + word + " to exchange_mode of remote " + blocks.front()->name + " here, or let the peer use another",
          Notify::InvalidExchangeType};
}

}  // namespace

Environment Exchanges::environment(const IkeSa& sa, Context& context) {
  // Only who begins says INITIAL-CONTACT: a responder to thousands need not look through them for each message.
  if (sa.role == Role::Responder) return {context.now, context.random, keys_, strangers_, sa.local, sa.remote, false};
  const auto same_peer = [&](const IkeSa* other) { return other != &sa && other->established(); };
  // While SAs with the peer are in use, INITIAL-CONTACT would take the peer's halves of them away.
  const bool has_children = !children_.with(sa.remote.address).empty();
  const bool first = !has_children && std::ranges::none_of(sas_.with(sa.remote.address), same_peer);
  return {context.now, context.random, keys_, strangers_, sa.local, sa.remote, first};
}

/// Null, and a refusal, when this machine cannot.
IkeSa* Exchanges::start_phase1(const Remote& block, const ChildRequest& request, Context& context) {
  auto sa = std::make_unique<IkeSa>();
  sa->role = Role::Initiator;
  sa->mode = block.exchange_modes.front();
  sa->work = Workbench{slow_work_};
  sa->cookies.initiator = fresh_cookie(context.random);
  sa->local = {request.local, policy_->ports.isakmp};
  sa->remote = {request.remote, block.port};
  sa->policy = policy_;
  sa->block = &block;
  sa->created = context.now;
  sa->sends_fragments = block.ike_frag == Fragmentation::Force;
  return launch(*sa, context) ? &sas_.add(std::move(sa)) : nullptr;
}

/// Message 1, at once or when there is time for its public value; false when this machine cannot.
bool Exchanges::launch(IkeSa& sa, Context& context) {
  Environment env = environment(sa, context);
  const Mode* const mode = mode_of(sa.mode);
  const auto first = mode == nullptr ? Reply{Failure{Mismatch{}}} : mode->start(sa, env);
  if (!first && sa.work.waits()) {
    begin_work(sa, sa.work, context);
    return true;
  }
  sa.work.clear();
  if (!first) {
    refuse(sa, sa.mode, 1, first.error(), context);
    return false;
  }
  sa.state = State::SaSent;
  ByteVector message = in_clear(header_of(sa), *first);
  tell(Fact::Phase1Started, sa, text_of(sa.mode), context);
  send(sa, message, context);
  sa.sent.start(std::move(message), context.now, sa.policy->limits);
  return true;
}

void Exchanges::phase1(IkeSa* sa, const Received& datagram, const wire::ike::Message& message, Context& context) {
  if (message.header.message_id != 0) return drop(datagram, "a message id in phase 1", context);
  const Exchange exchange{message.header.exchange};
  if (sa != nullptr && sa->mode != exchange) return drop(datagram, "the exchange of another phase 1", context);
  if (sa != nullptr) return step(*sa, datagram, message, context);
  if (message.header.responder != 0) return drop(datagram, "no phase 1 has these cookies", context);
  answer_first(*mode_of(exchange), datagram, message, context);
}

/// A new negotiation: the first block that takes an offer of the peer; when none does, the best one says why.
void Exchanges::answer_first(const Mode& mode, const Received& datagram, const wire::ike::Message& message,
                             Context& context) {
  const auto chain = v1wire::walk(Payload{message.header.next}, message.body);
  const bool clear = (message.header.flags & v1wire::flag::kEncryption) == 0;
  if (!chain || !clear) return drop(datagram, "the first message cannot be read", context);
  if (!make_room(datagram.remote.address, context)) {
    return drop(datagram, "too many unfinished negotiations", context);
  }
  std::optional<Refusal> refusal;
  const auto blocks = policy_->remotes_for(datagram.remote.address);
  for (const Remote* block : blocks) {
    if (!block->allows(mode.exchange)) continue;
    auto sa = std::make_unique<IkeSa>();
    sa->role = Role::Responder;
    sa->mode = mode.exchange;
    sa->work = Workbench{slow_work_};
    sa->cookies = {message.header.initiator, fresh_cookie(context.random)};
    sa->local = datagram.local;
    sa->remote = datagram.remote;
    sa->policy = policy_;
    sa->block = block;
    sa->created = context.now;
    const Edge& edge = *edge_of(mode, Role::Responder, State::Idle);
    Environment env = environment(*sa, context);
    auto reply = edge.handler(*sa, *chain, env);
    if (!reply && sa->work.waits()) {
      if (park(*sa, datagram, context)) sas_.add(std::move(sa));
      return;
    }
    if (!reply) {
      if (!refusal) refusal = Refusal{sa->local, sa->remote, sa->role, 1, mode.exchange, 1, reply.error(), false};
      continue;
    }
    take_first(*sa, edge, *reply, datagram, context);
    sas_.add(std::move(sa));
    return;
  }
  if (!refusal) {
    refusal = Refusal{datagram.local, datagram.remote, Role::Responder, 1, mode.exchange, 1, {}, false};
    refusal->why = no_block_for(mode, blocks, datagram.remote.address);
  }
  send_clear_notify(datagram, {message.header.initiator, 0}, refusal->why.notify, context);
  context.out.emplace_back(*std::move(refusal));
}

void Exchanges::take_first(IkeSa& sa, const Edge& edge, const v1wire::ChainWriter& reply, const Received& datagram,
                           Context& context) {
  sa.work.clear();
  sa.state = edge.to;
  ByteVector answer = in_clear(header_of(sa), reply);
  sa.seen.answer(digest_of(datagram.bytes));
  tell(Fact::Phase1Started, sa, text_of(sa.mode), context);
  send(sa, answer, context);
  sa.sent.keep(std::move(answer));
}

/// Its block was found and its work is done: nothing can be wrong any more but what only the work shows.
void Exchanges::answer_first_again(IkeSa& sa, const Received& datagram, const wire::ike::Message& message,
                                   Context& context) {
  const Edge* const edge = next_edge(sa);
  const auto chain = v1wire::walk(Payload{message.header.next}, message.body);
  if (edge == nullptr || !chain) return end(sa, context);
  Environment env = environment(sa, context);
  const auto reply = edge->handler(sa, *chain, env);
  if (reply) return take_first(sa, *edge, *reply, datagram, context);
  if (sa.work.waits() && park(sa, datagram, context)) return;
  send_clear_notify(datagram, {message.header.initiator, 0}, reply.error().notify, context);
  refuse(sa, sa.mode, 1, reply.error(), context);
  end(sa, context);
}

/// The next message of a phase 1 that exists.
void Exchanges::step(IkeSa& sa, const Received& datagram, const wire::ike::Message& message, Context& context) {
  ByteVector digest = digest_of(datagram.bytes);
  if (sa.seen.is_answered(digest)) return send_again(sa, context);
  if (sa.seen.is_old(digest)) return;
  const Edge* const edge = next_edge(sa);
  if (edge == nullptr) return drop(datagram, "no message of phase 1 is awaited", context);
  // Only a first message has none, and that was answered above.
  if (message.header.responder == 0) return drop(datagram, "the responder's cookie is zero", context);
  const bool encrypted = (message.header.flags & v1wire::flag::kEncryption) != 0;
  if (edge->cover != Cover::Either && encrypted != (edge->cover == Cover::Encrypted)) {
    return drop(datagram, "encrypted at the wrong time", context);
  }
  const auto fail = [&](Mismatch why) {
    send_clear_notify(datagram, {sa.cookies.initiator, message.header.responder}, why.notify, context);
    sa.seen.ignore(digest);
    wrong_message(sa, edge->message, std::move(why), context);
  };
  Environment env = environment(sa, context);
  env.local = datagram.local;
  env.remote = datagram.remote;
  if (!encrypted) {
    const auto chain = v1wire::walk(Payload{message.header.next}, message.body);
    if (!chain) return drop(datagram, "the payloads cannot be read", context);
    // Message 2 tells it to us; as long as none was accepted, any responder may.
    const std::uint64_t known = std::exchange(sa.cookies.responder, message.header.responder);
    auto reply = edge->handler(sa, *chain, env);
    if (!reply) sa.cookies.responder = known;
    if (!reply && sa.work.waits()) return static_cast<void>(park(sa, datagram, context));
    sa.work.clear();
    if (!reply) return fail(reply.error());
    if (sa.role == Role::Responder && edge->to == State::Established) follow_peer(sa, datagram, context);
    note(sa, *reply, std::move(digest));
    return take(sa, *edge, *reply, false, context);
  }
  const auto opened = open(sa, sa.iv, message);
  if (!opened) return fail(undecipherable(sa));
  const ByteVector before = sa.iv;
  sa.iv = opened->next_iv;
  auto reply = edge->handler(sa, opened->chain, env);
  if (!reply) sa.iv = before;
  if (!reply && sa.work.waits()) return static_cast<void>(park(sa, datagram, context));
  sa.work.clear();
  if (!reply) return fail(reply.error());
  follow_peer(sa, datagram, context);
  note(sa, *reply, std::move(digest));
  take(sa, *edge, *reply, says_initial_contact(opened->chain), context);
}

/// What the peer wants may be a lie of somebody else, so the right message is still awaited, but not for ever more
/// work.
void Exchanges::wrong_message(IkeSa& sa, int number, Mismatch why, Context& context) {
  refuse(sa, sa.mode, number, std::move(why), context);
  if (sa.role == Role::Initiator || ++sa.wrong_messages < sa.policy->limits.wrong_messages) return;
  tell(Fact::Phase1Deleted, sa, "too many wrong messages", context);
  end(sa, context);
}

/// `initial_contact`: it was said under protection.
void Exchanges::take(IkeSa& sa, const Edge& edge, const v1wire::ChainWriter& reply, bool initial_contact,
                     Context& context) {
  sa.state = edge.to;
  sa.sent.stop();
  ByteVector message;
  if (reply.first() != Payload::None) {
    message = edge.seals ? seal(sa, sa.iv, header_of(sa), reply) : in_clear(header_of(sa), reply);
    send(sa, message, context);
    sa.sent.keep(message);
  }
  if (sa.established()) on_established(sa, initial_contact, context);
  // The last message of aggressive mode has no answer of its own: it is said again until anything proven comes.
  const bool waits = sa.role == Role::Initiator && !message.empty();
  if (waits) sa.sent.start(std::move(message), context.now, sa.policy->limits);
}

void Exchanges::on_established(IkeSa& sa, bool initial_contact, Context& context) {
  sa.expires = context.now + std::chrono::seconds{sa.agreed.lifetime};
  if (sa.block->rekey && sa.role == Role::Initiator) {
    sa.rekey = context.now + std::chrono::seconds{sa.agreed.lifetime} * 4 / 5;
  }
  sa.key_exchange.reset();
  heard(sa, context);
  const std::string nat = nat_text(sa);
  tell(Fact::Phase1Established, sa, negotiate::to_string(sa.agreed) + (nat.empty() ? "" : ", " + nat), context);
  sa.initial_contact = initial_contact;
  if (sa.agreed.xauth == Xauth::None) {
    on_logged_in(sa, context);
  } else {
    begin_login(sa, context);
  }
  limit_established(sa, context);
}

/// All that phase 2 needs is there.  When it is our message that tells the peer so, phase 2 waits a moment: peers that
/// work on several messages at once (charon) may see the later one first, and end a phase 1 that was not ready for it.
void Exchanges::on_ready(IkeSa& sa, Context& context) {
  tell(Fact::Phase1Ready, sa, "", context);
  Variables& variables = std::get<Told>(context.out.back()).variables;
  variables = variables_of(sa.assignment);
  if (!sa.assignment.banner.empty()) variables.emplace_back("BANNER", sa.assignment.banner);
  const ModeConfig& conf = sa.policy->mode_config;
  const bool given = conf.conf_source != ModeConfig::ConfSource::Local && sa.login.address;
  const bool may_ask = sa.role == Role::Responder && (conf.network4 || given);
  if (!may_ask) announce(sa, context);
  if (sa.initial_contact) forget_others(sa, context);
  const bool tells_peer = std::ranges::any_of(context.out, [&](const Action& action) {
    const auto* message = std::get_if<Send>(&action);
    return message != nullptr && message->remote == sa.remote;
  });
  sa.paused_for = context.now + (tells_peer ? sa.policy->limits.pause : Duration{});
  begin_waiting(sa, context);
}

void Exchanges::begin_waiting(IkeSa& sa, Context& context) {
  if (!sa.paused_for || context.now < *sa.paused_for) return;
  sa.paused_for.reset();
  const auto waiting = std::exchange(sa.waiting, {});
  for (const Waiting& each : waiting) begin_quick(sa, each.request, context);
}

/// A peer may have several, since either side begins them, but not any number.
void Exchanges::limit_established(const IkeSa& newest, Context& context) {
  IkeSa* oldest = nullptr;
  std::size_t count = 0;
  for (IkeSa* const sa : sas_.with(newest.remote.address)) {
    if (!sa->established()) continue;
    ++count;
    if (sa != &newest && (oldest == nullptr || sa->created < oldest->created)) oldest = sa;
  }
  if (oldest == nullptr || count <= newest.policy->limits.established_per_address) return;
  retire(*oldest, "its peer has too many", context);
}

void Exchanges::phase1_timed_out(IkeSa& sa, Context& context) {
  if (sa.told) {
    Refusal refusal = *sa.told;
    refusal.hearsay = false;
    refusal.why.hint += "; nothing else came from the peer until the time was up";
    context.out.emplace_back(std::move(refusal));
  } else if (sa.wrong_messages == 0) {  // else it was said what was wrong with them
    Mismatch why{"answer", "a message waits for one", "none came", "", hint_for_silence(sa), Notify{}};
    const Edge* const edge = next_edge(sa);
    refuse(sa, sa.mode, edge == nullptr ? 0 : edge->message, std::move(why), context);
  }
  tell(Fact::Phase1TimedOut, sa, "", context);
  // Not for strangers, who come and go as they like.
  if (sa.role == Role::Initiator) hook(Hook::Event::Phase1Dead, sa, context);
  end(sa, context);
}

void send_clear_notify(const Received& datagram, const keys::Cookies& cookies, Notify type, Context& context) {
  if (type == Notify{}) return;
  v1wire::ChainWriter payloads;
  payloads.add(Payload::Notification,
               v1wire::compose_notification({v1wire::kDoiIpsec, v1wire::Protocol::Isakmp, type, {}, {}}));
  wire::ike::Header header;
  header.initiator = cookies.initiator;
  header.responder = cookies.responder;
  header.exchange = static_cast<std::uint8_t>(Exchange::Informational);
  header.message_id = context.random.between(1, 0xffffffff);
  ByteVector message = in_clear(header, payloads);
  if (message.size() > datagram.bytes.size()) return;
  context.out.emplace_back(Send{datagram.local, datagram.remote, std::move(message), datagram.floated});
}

}  // namespace testudo::ike::v1
