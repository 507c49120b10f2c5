#include "pfkey/server/session.h"

#include <utility>

#include "base/secret.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Message;
using wire::pfkey::SaType;

constexpr std::size_t kErrnoAt = 2;  // in a message's header

std::size_t index_of(SaType satype) {
  return static_cast<std::size_t>(satype);
}

}  // namespace

Dump::Dump(std::size_t count, Describe describe) : count_(count), describe_(std::move(describe)) {
  advance();
}

Message Dump::take() {
  Message message = *std::exchange(next_, std::nullopt);
  const std::size_t behind = count_ - position_;
  advance();
  message.sequence = next_ ? static_cast<std::uint32_t>(behind) : 0;
  return message;
}

void Dump::advance() {
  while (!next_ && position_ < count_) next_ = describe_(position_++);
}

Sessions::Session::~Session() {
  for (auto& entry : output) {
    if (auto* message = std::get_if<ByteVector>(&entry)) wipe(*message);
  }
}

ClientId Sessions::connect(bool privileged) {
  sessions_[++last_].privileged = privileged;
  return last_;
}

void Sessions::disconnect(ClientId client) {
  sessions_.erase(client);
}

bool Sessions::privileged(ClientId client) const {
  const auto found = sessions_.find(client);
  return found != sessions_.end() && found->second.privileged;
}

void Sessions::set_promiscuous(ClientId client, bool on) {
  if (Session* session = find(client)) session->promiscuous = on;
}

bool Sessions::register_for(ClientId client, SaType satype) {
  Session* session = find(client);
  if (session == nullptr || session->registered.test(index_of(satype))) return false;
  session->registered.set(index_of(satype));
  return true;
}

void Sessions::to_one(ClientId client, ByteVector message) {
  count(message);
  to_promiscuous(message);
  Session* session = find(client);
  if (session == nullptr) return wipe(message);
  enqueue(*session, std::move(message));
  ++counters_.to_one;
}

void Sessions::to_all(ClientId requester, const ByteVector& message) {
  count(message);
  to_promiscuous(message);
  for (auto& [id, session] : sessions_) {
    if (id == requester || !session.privileged) continue;
    enqueue(session, message);
    ++counters_.to_all;
  }
  if (Session* session = find(requester)) {
    enqueue(*session, message);
    ++counters_.to_all;
  }
}

void Sessions::to_all_when_settled(ClientId requester, const ByteVector& message) {
  to_all(requester, message);
  Session* session = find(requester);
  if (session == nullptr || session->output.empty()) return;
  // Unless there was no room for it.
  auto* last = std::get_if<ByteVector>(&session->output.back());
  if (last != nullptr && *last == message) session->unsettled.push_back(last);
}

void Sessions::settle(Outcome outcome) {
  for (auto& [id, session] : sessions_) {
    for (ByteVector* message : std::exchange(session.unsettled, {})) {
      if (!outcome) (*message)[kErrnoAt] = static_cast<std::uint8_t>(outcome.error());
    }
  }
}

void Sessions::to_registered(SaType satype, const ByteVector& message, std::optional<ClientId> requester) {
  count(message);
  to_promiscuous(message);
  for (auto& [id, session] : sessions_) {
    const bool wanted = satype == SaType::Unspec ? session.registered.any() : session.registered.test(index_of(satype));
    if (!wanted || id == requester) continue;
    enqueue(session, message);
    ++counters_.to_registered;
  }
  if (!requester) return;
  if (Session* session = find(*requester)) {
    enqueue(*session, message);
    ++counters_.to_registered;
  }
}

Outcome Sessions::to_one(ClientId client, Dump dump) {
  if (dump.finished()) return Failure{Errno::NoEntry};
  Session* session = find(client);
  if (session == nullptr) return Done{};
  if (session->dumps >= kMaxDumps) {
    ++counters_.no_memory;
    return Failure{Errno::NoBuffers};
  }
  session->output.emplace_back(std::move(dump));
  ++session->dumps;
  return Done{};
}

std::optional<ByteVector> Sessions::next_output(ClientId client) {
  Session* session = find(client);
  if (session == nullptr || session->output.empty()) return std::nullopt;
  session->unsettled.clear();
  if (std::holds_alternative<Dump>(session->output.front())) return next_of_dump(*session);
  ByteVector message = std::get<ByteVector>(std::move(session->output.front()));
  session->output.pop_front();
  session->bytes -= message.size();
  return message;
}

bool Sessions::has_output(ClientId client) const {
  const auto found = sessions_.find(client);
  return found != sessions_.end() && !found->second.output.empty();
}

Sessions::Session* Sessions::find(ClientId client) {
  const auto found = sessions_.find(client);
  return found == sessions_.end() ? nullptr : &found->second;
}

void Sessions::count(const ByteVector& message) {
  const auto header = wire::pfkey::peek(message);
  if (!header) return;
  ++counters_.to_user.total;
  counters_.to_user.bytes += message.size();
  ++counters_.to_user.by_type[static_cast<std::uint8_t>(header->type)];
}

void Sessions::enqueue(Session& session, ByteVector message) {
  if (session.output.size() >= kMaxQueued || session.bytes + message.size() > kMaxQueuedBytes) {
    ++counters_.overflow;
    return wipe(message);
  }
  session.bytes += message.size();
  session.output.emplace_back(std::move(message));
}

void Sessions::to_promiscuous(const ByteVector& message) {
  for (auto& [id, session] : sessions_) {
    if (!session.promiscuous) continue;
    ++counters_.to_user.by_type[static_cast<std::uint8_t>(wire::pfkey::Type::Promisc)];
    enqueue(session, wire::pfkey::wrap_promiscuous(message));
  }
}

std::optional<ByteVector> Sessions::next_of_dump(Session& session) {
  Dump& dump = std::get<Dump>(session.output.front());
  ByteVector message = wire::pfkey::compose(dump.take());
  if (dump.finished()) {
    session.output.pop_front();
    --session.dumps;
  }
  count(message);
  to_promiscuous(message);
  ++counters_.to_one;
  return message;
}

}  // namespace testudo::pfkey::server
