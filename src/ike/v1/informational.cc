// Informational exchanges (RFC 2409 section 5.7), DELETE, INITIAL-CONTACT and dead peer detection (RFC 3706, the
// answering half), as exchanges.h drives them; and the end of SAs, which is told by them.
#include <algorithm>

#include "ike/negotiate/phase1.h"
#include "ike/negotiate/phase2.h"
#include "ike/selector_id.h"
#include "ike/v1/crypt.h"
#include "ike/v1/exchanges.h"
#include "ike/v1/nat.h"
#include "ike/v1/proof.h"
#include "ike/v1/required.h"
#include "ike/v1/signature.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Chain;
using v1wire::Exchange;
using v1wire::Notify;
using v1wire::Payload;

std::string proposals_text(const Remote& block) {
  std::string text;
  for (const Phase1Transform& t : block.proposals) text += (text.empty() ? "" : " | ") + negotiate::to_string(t);
  return text;
}

/// Whether the peer judges our proof now.
bool is_being_judged(const IkeSa& sa) {
  if (sa.established()) return true;
  if (sa.mode == Exchange::Main) return sa.state == State::IdSent;
  const Edge* const edge = next_edge(sa);
  return edge != nullptr && edge->to == State::Established;
}

/// What an error most likely means at this point of phase 1.
Mismatch explain(const IkeSa& sa, Notify type) {
  const std::string said{v1wire::name_of(type)};
  if (type == Notify::NoProposalChosen) {
    return {"proposal", proposals_text(*sa.block), said, "", "the log of the peer names the attribute that differs",
            type};
  }
  const bool about_keys = type == Notify::AuthenticationFailed || type == Notify::PayloadMalformed ||
                          type == Notify::InvalidHashInformation;
  if (is_being_judged(sa) && about_keys && sa.agreed.authentication == v1wire::oakley::kPreSharedKey) {
    return {"pre-shared key",
            "",
            said,
            "",
            "most likely the keys for " + sa.remote.address.to_string() + " here and for this host there differ",
            type};
  }
  const bool about_certificates = type == Notify::InvalidCertificate || type == Notify::InvalidSignature ||
                                  type == Notify::InvalidCertAuthority || type == Notify::CertificateUnavailable;
  if (is_being_judged(sa) && (about_certificates || type == Notify::AuthenticationFailed) && sa.block->plain_own) {
    return about_plain_key(sa, type);
  }
  if (about_certificates && sa.block->credentials) {
    return {"certificate",
            sa.block->credentials->certificate().subject_text(),
            said,
            "",
            "the peer does not believe it: it has to know the CA that signed it (ca_type x509 there)",
            type,
            "is not believed"};
  }
  if (type == Notify::InvalidPayloadType && sa.sends_fragments) {
    return {"fragmentation",
            "ike_frag of remote " + sa.block->name + ": messages in fragments",
            said,
            "",
            "the peer takes none: set ike_frag on there, or on instead of force here",
            type,
            "is not taken"};
  }
  if (type == Notify::InvalidMajorVersion) {
    return {"IKE version", "1", said, "", "the peer does not speak version 1: let it, or speak its version with it",
            type};
  }
  if (type == Notify::InvalidExchangeType || type == Notify::UnsupportedExchangeType) {
    return {"exchange mode",
            std::string{v1wire::name_of(sa.mode)},
            said,
            "",
            "the peer does not take it: allow it there, or begin exchange_mode of remote " + sa.block->name +
                " here with another",
            type};
  }
  if (type == Notify::InvalidIdInformation) {
    return {"identifier", own_identity(sa).to_string(), said, "", "the peer expects another identifier of this host",
            type};
  }
  return {"negotiation", "", said, "", "the log of the peer says why", type};
}

/// The number of the message that did not come; of who has sent the last one, that.
int awaited(const IkeSa& sa) {
  const Edge* const edge = next_edge(sa);
  return edge != nullptr ? edge->message : sa.mode == Exchange::Aggressive ? 3 : 0;
}

bool is_error(Notify type) {
  return static_cast<std::uint16_t>(type) < v1wire::kFirstStatus;
}

}  // namespace

void Exchanges::informational(IkeSa* sa, const Received& datagram, const wire::ike::Message& message,
                              Context& context) {
  if (sa == nullptr) return drop(datagram, "no phase 1 has these cookies", context);
  const bool encrypted = (message.header.flags & v1wire::flag::kEncryption) != 0;
  if (!encrypted) {
    const auto chain = v1wire::walk(Payload{message.header.next}, message.body);
    // Who began aggressive mode has the keys before it knows whether its proof was taken.
    if (chain && sa->established() && chain->find(Payload::Delete) != nullptr) {
      return deleted_in_clear(*sa, datagram, *chain, context);
    }
    const bool in_doubt = !sa->established() || sa->sent.active();
    if (!chain || !in_doubt) return drop(datagram, "an informational message in clear", context);
    return hearsay(*sa, *chain, false, context);
  }
  const std::uint32_t id = message.header.message_id;
  if (!sa->established()) return early_word(*sa, datagram, message, context);
  if (is_used_up(*sa, context)) return;
  if (id == 0 || sa->message_ids.contains(id)) return drop(datagram, "a message id of old", context);
  const auto opened = open_proven(*sa, phase2_iv(*sa, id), message);
  if (!opened) return drop(datagram, opened.error(), context);
  sa->message_ids.insert(id);
  follow_peer(*sa, datagram, context);
  heard(*sa, context);
  for (const auto& payload : opened->chain.payloads) {
    if (payload.type == Payload::Notification) notified(*sa, payload.body, context);
    if (payload.type == Payload::Delete) deleted(*sa, payload.body, context);
  }
}

/// An encrypted message before phase 1 is done: charon says so that it refuses.  Whoever has other keys cannot be read.
void Exchanges::early_word(IkeSa& sa, const Received& datagram, const wire::ike::Message& message, Context& context) {
  if (sa.cipher_key.size() == 0 || message.header.message_id == 0) {
    return drop(datagram, "informational before there are keys", context);
  }
  if (const auto opened = open_proven(sa, phase2_iv(sa, message.header.message_id), message)) {
    hearsay(sa, opened->chain, true, context);
    if (!sa.told && awaits_lost_proof(sa)) send_again(sa, context);
    return;
  }
  const bool by_key = sa.agreed.authentication == v1wire::oakley::kPreSharedKey;
  if (sa.told || !by_key || !is_being_judged(sa)) return drop(datagram, "a message that cannot be read", context);
  sa.told = Refusal{sa.local, sa.remote, sa.role, 1, sa.mode, awaited(sa), undecipherable(sa), true};
  context.out.emplace_back(*sa.told);
}

/// RFC 2408 section 5.3 would end the negotiation; anybody could then end any.  It is kept for the day it times out.
void Exchanges::hearsay(IkeSa& sa, const Chain& chain, bool proven, Context& context) {
  const auto* payload = chain.find(Payload::Notification);
  if (payload == nullptr || sa.told) return;
  const auto notification = v1wire::parse_notification(payload->body);
  if (!notification || !is_error(notification->type)) return;
  sa.told = Refusal{sa.local, sa.remote, sa.role, 1, sa.mode, awaited(sa), explain(sa, notification->type), !proven};
  context.out.emplace_back(*sa.told);
}

void Exchanges::notified(IkeSa& sa, Bytes body, Context& context) {
  const auto notification = v1wire::parse_notification(body);
  if (!notification) return;
  if (notification->type == Notify::InitialContact) {
    sa.initial_contact = true;
    return sa.ready() ? forget_others(sa, context) : void();
  }
  if (notification->type == Notify::RUThere) {
    if (notification->spi != sa.cookies.bytes() || notification->data.size() != 4) return;
    v1wire::Notification answer = *notification;
    answer.type = Notify::RUThereAck;
    return send_protected(sa, Payload::Notification, v1wire::compose_notification(answer), context);
  }
  if (notification->type == Notify::RUThereAck && notification->spi == sa.cookies.bytes()) {
    return acknowledged(sa, notification->data, context);
  }
  if (!is_error(notification->type)) return;
  // Nothing in it names the quick mode, so it ends one only when it can mean no other.
  const auto waits = [](const Quick& quick) {
    return quick.state == Quick::State::OfferSent || quick.state == Quick::State::AnswerSent;
  };
  Mismatch why = explain(sa, notification->type);
  why.attribute = notification->type == Notify::InvalidIdInformation ? "networks" : why.attribute;
  if (const std::string reason = reason_of_peer(notification->data); !reason.empty()) {
    why.theirs += ", the peer says \"" + reason + "\"";
  }
  const auto count = std::ranges::count_if(sa.quicks, waits);
  // What has come about ends by DELETE; this says why.
  if (count == 0) return refuse(sa, Exchange::Quick, 0, std::move(why), context);
  if (count != 1) return;
  Quick& quick = *std::ranges::find_if(sa.quicks, waits);
  why.ours = to_string(quick.request.outbound) + " under sainfo " + quick.sainfo->name;
  refuse_child(sa, quick.request.outbound, 2, std::move(why), context);
  fail_quick(sa, quick, context);
}

void Exchanges::deleted(IkeSa& sa, Bytes body, Context& context) {
  const auto deletion = v1wire::parse_deletion(body);
  if (!deletion) return;
  if (deletion->protocol == v1wire::Protocol::Isakmp) {
    if (std::ranges::find(deletion->spis, sa.cookies.bytes()) == deletion->spis.end()) return;
    tell(Fact::Phase1Deleted, sa, "by the peer", context);
    if (!sa.login.done() && sa.login.state != Login::State::Failed) tell(Fact::LoginFailed, sa, sa.login.user, context);
    return end(sa, context);
  }
  if (!sa.ready()) return;
  const auto meant = [&](const Child& child) {
    if (!(child.peer == sa.peer)) return false;
    return std::ranges::any_of(child.pairs, [&](const Child::Pair& pair) {
      return pair.protocol == deletion->protocol &&
             std::ranges::find(deletion->spis, negotiate::spi_bytes(pair.protocol, pair.out)) != deletion->spis.end();
    });
  };
  auto gone = children_.with(sa.remote.address);
  std::erase_if(gone, [&](const Child* child) { return !meant(*child); });
  for (const Child* const child : gone) {
    remove_child(*child, context);
    tell_child(Fact::Phase2Deleted, sa, child->request.outbound, ", by the peer", context);
  }
  forget_children(gone);
}

/// Each once: what is done for one may need another.
void Exchanges::forget_children(const std::vector<Child*>& gone) {
  std::vector<ChildId> ids;
  for (const Child* const child : gone) ids.push_back(child->id);
  for (const ChildId id : ids) children_.erase(id);
}

std::vector<Child*> Exchanges::children_that(const std::function<bool(const Child&)>& which) const {
  std::vector<Child*> found;
  for (const Child& child : children_.all()) {
    if (which(child)) found.push_back(children_.find(child.id));
  }
  return found;
}

/// Nobody has proved that it is the peer's; racoon leaves it to the administrator whether to believe it.
void Exchanges::deleted_in_clear(IkeSa& sa, const Received& datagram, const Chain& chain, Context& context) {
  if (!sa.block->weak_phase1_check || datagram.remote != sa.remote) {
    return drop(datagram, "Ignoring unencrypted delete payload (check the weak_phase1_check option)", context);
  }
  for (const auto& payload : chain.payloads) {
    if (payload.type == Payload::Delete) deleted(sa, payload.body, context);
  }
}

void Exchanges::remove_child(const Child& child, Context& context) {
  use_instead_of(child, context);
  perhaps_unused_.push_back(child.request.outbound);
  for (const Child::Pair& pair : child.pairs) {
    // What carries no ports is found without.
    const bool esp = pair.protocol == ChildProtocol::Esp;
    const net::Endpoint local = esp ? child.local : net::Endpoint{child.local.address, 0};
    const net::Endpoint remote = esp ? child.remote : net::Endpoint{child.remote.address, 0};
    context.out.emplace_back(Remove{pair.protocol, pair.in, remote, local});
    context.out.emplace_back(Remove{pair.protocol, pair.out, local, remote});
  }
}

/// RFC 2407 section 4.6.3.3: the peer has no other SAs with us.  Only what was made with the same identity goes.
void Exchanges::forget_others(const IkeSa& sa, Context& context) {
  tell(Fact::InitialContact, sa, sa.peer.to_string(), context);
  for (IkeSa* const other : sas_.with(sa.remote.address)) {
    if (other == &sa || !other->established() || !(other->peer == sa.peer)) continue;
    end(*other, context);
  }
  auto of_the_past = children_.with(sa.remote.address);
  std::erase_if(of_the_past,
                [&](const Child* child) { return child->cookies == sa.cookies || !(child->peer == sa.peer); });
  for (const Child* const child : of_the_past) remove_child(*child, context);
  forget_children(of_the_past);
}

void Exchanges::send_protected(IkeSa& sa, Payload type, ByteVector body, Context& context) {
  const std::uint32_t id = fresh_message_id(sa, context);
  ByteVector iv = phase2_iv(sa, id);
  send(sa, seal_proven(sa, iv, {Exchange::Informational, id, type, std::move(body)}), context);
}

void Exchanges::send_deletion(IkeSa& sa, ChildProtocol protocol, std::vector<ByteVector> spis, Context& context) {
  const v1wire::Deletion deletion{v1wire::kDoiIpsec, protocol, std::move(spis)};
  send_protected(sa, Payload::Delete, v1wire::compose_deletion(deletion), context);
}

/// They go here and the peer is told.
void Exchanges::end_children(const std::vector<Child*>& ended, const std::string& why, Context& context) {
  for (const Child* const child : ended) {
    remove_child(*child, context);
    IkeSa* const sa = established_with(*child);
    if (sa == nullptr) continue;
    for (const Child::Pair& pair : child->pairs) {
      send_deletion(*sa, pair.protocol, {negotiate::spi_bytes(pair.protocol, pair.in)}, context);
    }
    tell_child(Fact::Phase2Deleted, *sa, child->request.outbound, ", " + why, context);
  }
  forget_children(ended);
}

void Exchanges::removed(const Removed& event, Context& context) {
  const auto meant = [&](const Child& child) {
    const net::Address &local = child.request.local, &remote = child.request.remote;
    const bool between = (event.source == local && event.destination == remote) ||
                         (event.source == remote && event.destination == local);
    return between && child.has(event.protocol, event.destination, event.spi);
  };
  // SPI 0 is all between the two, in whichever direction.
  auto gone = event.spi != Spi{} ? children_.with(event.protocol, event.spi) : children_.with(event.source);
  if (event.spi == Spi{} && event.source != event.destination) {
    const auto others = children_.with(event.destination);
    gone.insert(gone.end(), others.begin(), others.end());
  }
  std::erase_if(gone, [&](const Child* child) { return !meant(*child); });
  end_children(gone, "another program here removed it", context);
}

void Exchanges::flushed(const Flushed& event, Context& context) {
  const auto meant = [&](const Child& child) {
    return !event.protocol ||
           std::ranges::find(child.pairs, *event.protocol, &Child::Pair::protocol) != child.pairs.end();
  };
  end_children(children_that(meant), "another program here emptied the key table", context);
}

void Exchanges::shutdown(Context& context) {
  end_children(children_that([](const Child&) { return true; }), "the daemon ends", context);
  for (IkeSa* const sa : sas_.every()) {
    if (sa->established()) send_deletion(*sa, ChildProtocol::Isakmp, {sa->cookies.bytes()}, context);
    tell(Fact::Phase1Deleted, *sa, "the daemon ends", context);
    end(*sa, context);
  }
  sas_.clear();
  quick_owners_.clear();
  wanting_policies_.clear();
  unused_.clear();
}

}  // namespace testudo::ike::v1
