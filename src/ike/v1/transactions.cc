// The transaction exchange (draft-ietf-ipsec-isakmp-mode-cfg-05 section 3), as exchanges.h drives it: who began, what
// is said again, what is forgotten.  What is said is xauth.h's.
//
//     HDR*, HASH, ATTR(REQUEST or SET)  -->
//                                       <--  HDR*, HASH, ATTR(REPLY or ACK)
#include <algorithm>

#include "ike/v1/crypt.h"
#include "ike/v1/exchanges.h"
#include "ike/v1/nat.h"
#include "ike/v1/xauth.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Exchange;
using v1wire::Payload;
using Type = Configuration::Type;

ByteVector compose(const IkeSa& sa, Transaction& transaction, Configuration configuration) {
  configuration.identifier = transaction.identifier;
  ByteVector body = v1wire::compose_configuration(configuration);
  wipe_values(configuration);
  return seal_proven(sa, transaction.iv,
                     {Exchange::Transaction, transaction.message_id, Payload::Attributes, std::move(body)});
}

std::optional<Configuration> read(const Opened& opened) {
  const auto* const payload = opened.chain.find(Payload::Attributes);
  if (payload == nullptr || opened.chain.count(Payload::Attributes) != 1) return std::nullopt;
  auto configuration = v1wire::parse_configuration(payload->body);
  if (!configuration) return std::nullopt;
  return *std::move(configuration);
}

}  // namespace

void Exchanges::transaction(IkeSa* sa, const Received& datagram, const wire::ike::Message& message, Context& context) {
  if (sa == nullptr) return drop(datagram, "no phase 1 has these cookies", context);
  if (!sa->established()) return drop(datagram, "a transaction before phase 1 is established", context);
  const std::uint32_t id = message.header.message_id;
  const bool encrypted = (message.header.flags & v1wire::flag::kEncryption) != 0;
  if (!encrypted || id == 0) return drop(datagram, "a transaction in clear", context);
  const auto known = std::ranges::find(sa->transactions, id, &Transaction::message_id);
  const bool begins = known == sa->transactions.end();
  if (!begins && known->seen.is_answered(digest_of(datagram.bytes))) return send(*sa, known->sent.message(), context);
  if (!begins && known->purpose == Transaction::Purpose::Answer) {
    return drop(datagram, "no message of this transaction is awaited", context);
  }
  if (begins && is_used_up(*sa, context)) return;
  if (begins && sa->message_ids.contains(id)) return drop(datagram, "a message id of old", context);
  if (begins && sa->transactions.size() >= sa->policy->limits.transactions_per_sa) {
    return drop(datagram, "too many transactions", context);
  }
  auto opened = open_proven(*sa, begins ? phase2_iv(*sa, id) : known->iv, message);
  if (!opened) return drop(datagram, opened.error(), context);
  const WipeAtEnd wiped{opened->plain};
  sa->message_ids.insert(id);
  follow_peer(*sa, datagram, context);
  heard(*sa, context);
  auto said = read(*opened);
  if (!said) return drop(datagram, "a transaction that cannot be read", context);
  if (begins) {
    Transaction answer;
    answer.message_id = id;
    answer.iv = opened->next_iv;
    answer.deadline = context.now + sa->policy->limits.phase2;
    answer.seen.answer(digest_of(datagram.bytes));
    take_transaction(*sa, std::move(answer), *said, context);
  } else {
    const Transaction::Purpose purpose = known->purpose;
    sa->transactions.erase(known);
    take_reply(*sa, purpose, *said, context);
  }
  wipe_values(*said);
}

void Exchanges::begin_transaction(IkeSa& sa, Transaction::Purpose purpose, Configuration configuration,
                                  Context& context) {
  Transaction transaction;
  transaction.purpose = purpose;
  transaction.message_id = fresh_message_id(sa, context);
  transaction.identifier = static_cast<std::uint16_t>(context.random.between(1, 0xffff));
  transaction.iv = phase2_iv(sa, transaction.message_id);
  ByteVector message = compose(sa, transaction, std::move(configuration));
  send(sa, message, context);
  transaction.sent.start(std::move(message), context.now, sa.policy->limits);
  sa.transactions.push_back(std::move(transaction));
}

void Exchanges::answer(IkeSa& sa, Transaction transaction, Configuration reply, Context& context) {
  transaction.identifier = reply.identifier;
  ByteVector message = compose(sa, transaction, std::move(reply));
  send(sa, message, context);
  transaction.sent.keep(std::move(message));
  sa.transactions.push_back(std::move(transaction));
}

/// The peer began it.
void Exchanges::take_transaction(IkeSa& sa, Transaction transaction, const Configuration& said, Context& context) {
  const bool xauth = is_about_xauth(said);
  if (said.type == Type::Request && !xauth) return answer_configuration(sa, std::move(transaction), said, context);
  if (said.type == Type::Set && !xauth && sa.configuring) {
    answer(sa, std::move(transaction), acknowledgement(said), context);
    return take_configuration(sa, said, context);
  }
  if (said.type == Type::Request && xauth) return answer_login(sa, std::move(transaction), said, context);
  if (said.type == Type::Set && xauth) {
    answer(sa, std::move(transaction), acknowledgement(said), context);
    return take_verdict(sa, said, context);
  }
  tell(Fact::Dropped, sa, "a transaction that nobody here answers", context);
}

void Exchanges::take_reply(IkeSa& sa, Transaction::Purpose purpose, const Configuration& said, Context& context) {
  switch (purpose) {
    case Transaction::Purpose::Login:
      return take_login(sa, said, context);
    case Transaction::Purpose::Verdict:
      if (sa.login.state == Login::State::Failed) retire(sa, "nobody logged in", context);
      return;
    case Transaction::Purpose::Configuration:
      return take_configuration(sa, said, context);
    case Transaction::Purpose::Answer:
      return;
  }
}

void Exchanges::transaction_timed_out(IkeSa& sa, Transaction::Purpose purpose, Context& context) {
  if (purpose == Transaction::Purpose::Login) {
    return give_up_login(sa,
                         {"answer", "XAUTH asks for a user's name and password", "none came", "",
                          "is the peer a client of XAUTH, and does its log say why it is silent?", v1wire::Notify{}},
                         context);
  }
  if (purpose == Transaction::Purpose::Configuration) {
    return give_up_configuration(sa,
                                 {"answer", "mode_cfg asks for an address", "none came", "",
                                  "does the peer give addresses (mode_cfg with network4 there)?", v1wire::Notify{}},
                                 context);
  }
  if (sa.login.state == Login::State::Failed) retire(sa, "nobody logged in", context);
}

void Exchanges::tick_transactions(IkeSa& sa, Context& context) {
  std::vector<Transaction::Purpose> dead;
  std::erase_if(sa.transactions, [&](Transaction& each) {
    if (each.purpose == Transaction::Purpose::Answer) return context.now >= each.deadline;
    const auto due = each.sent.check(context.now, sa.policy->limits);
    if (due == Retransmission::Due::Again) send(sa, each.sent.message(), context);
    if (due == Retransmission::Due::Dead) dead.push_back(each.purpose);
    return due == Retransmission::Due::Dead;
  });
  for (const auto purpose : dead) {
    if (sa.established()) transaction_timed_out(sa, purpose, context);
  }
}

}  // namespace testudo::ike::v1
