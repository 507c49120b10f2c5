// The policies of generate_policy as PF_KEY messages, for key_table.h.  Both directions carry one sequence, so that
// what testudod answers is known for theirs.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/racoon/key_table.h"
#include "ike/selector_id.h"

namespace testudo::app {
namespace {

/// By which such a policy is known after this program was killed.  Nobody writes that number by chance; where numbers
/// decide (Linux), it is behind all that people write.
constexpr std::uint32_t kMark = 0xfe9e5a7e;

using wire::pfkey::Direction;
using wire::pfkey::Message;
using wire::pfkey::PolicyType;
using wire::pfkey::Type;

net::Selector selected_by(const Message& m) {
  return {m.source->prefix(), m.destination->prefix(), m.source->protocol, m.source->endpoint.port,
          m.destination->endpoint.port};
}

net::Selector as_outbound(Direction direction, const net::Selector& selector) {
  return direction == Direction::In ? ike::mirrored(selector) : selector;
}

wire::pfkey::AddressExt policy_address(const net::Prefix& prefix, std::uint16_t port, std::uint8_t protocol) {
  return {{prefix.masked(), port}, protocol, static_cast<std::uint8_t>(prefix.length)};
}

std::uint16_t ip_protocol_of(ike::ChildProtocol protocol) {
  return protocol == ike::ChildProtocol::Ah ? net::protocol::kAh : net::protocol::kEsp;
}

/// One direction; `known` is what it replaces, whose reqid stays.
Message policy_message(const ike::MakePolicy& wish, Direction direction, const wire::pfkey::PolicyExt* known) {
  const bool in = direction == Direction::In;
  const net::Selector s = as_outbound(direction, wish.request.outbound);
  Message m;
  m.type = known != nullptr ? Type::SpdUpdate : Type::SpdAdd;
  m.source = policy_address(s.source, s.source_port, s.protocol);
  m.destination = policy_address(s.destination, s.destination_port, s.protocol);
  m.policy.emplace();
  m.policy->type = PolicyType::Ipsec;
  m.policy->direction = direction;
  m.policy->priority = kMark;
  for (const ike::ChildItem& item : wish.request.items) {
    wire::pfkey::RequestExt request;
    request.protocol = ip_protocol_of(item.protocol);
    const bool tunnel = item.mode == ike::Encapsulation::Tunnel;
    request.mode = tunnel ? wire::pfkey::Mode::Tunnel : wire::pfkey::Mode::Transport;
    request.level = wish.unique ? wire::pfkey::Level::Unique : wire::pfkey::Level::Require;
    const net::Endpoint here{wish.request.local, 0}, there{wish.request.remote, 0};
    if (tunnel) request.source = in ? there : here, request.destination = in ? here : there;
    if (known != nullptr && wish.unique && !known->requests.empty()) request.reqid = known->requests.front().reqid;
    m.policy->requests.push_back(request);
  }
  m.hard = wire::pfkey::LifetimeExt{.addtime = wish.seconds};
  return m;
}

}  // namespace

const KeyTable::Generated* KeyTable::generated_by(PolicyId id) const {
  const auto found =
      std::ranges::find_if(generated_, [&](const Generated& each) { return each.out == id || each.in == id; });
  return found == generated_.end() ? nullptr : &*found;
}

bool KeyTable::is_orphan(PolicyId id) const {
  const Generated* const own = generated_by(id);
  return own != nullptr && own->orphan;
}

/// What SPDDUMP shows at the start.
void KeyTable::adopt(const Message& m) {
  if (m.error != 0 || !m.policy || !m.source || !m.destination || m.policy->priority != kMark) return;
  if (m.policy->type != PolicyType::Ipsec || generated_by(m.policy->id) != nullptr) return;
  const Direction direction = m.policy->direction;
  if (direction != Direction::In && direction != Direction::Out) return;
  Generated& own = generated_for(as_outbound(direction, selected_by(m)));
  own.orphan = true;
  (direction == Direction::In ? own.in : own.out) = m.policy->id;
}

KeyTable::Generated& KeyTable::generated_for(const net::Selector& outbound) {
  const auto own = std::ranges::find(generated_, outbound, &Generated::outbound);
  return own != generated_.end() ? *own : generated_.emplace_back(Generated{outbound, {}, {}, false});
}

void KeyTable::disown(PolicyId id) {
  for (Generated& each : generated_) {
    if (each.out == id) each.out.reset();
    if (each.in == id) each.in.reset();
  }
  std::erase_if(generated_, [](const Generated& each) { return each.orphan && !each.out && !each.in; });
}

void KeyTable::delete_policy(PolicyId id) {
  Message m;
  m.type = Type::SpdDelete2;
  m.policy.emplace();
  m.policy->id = id;
  m.sequence = own_sequence();
  send(std::move(m));
}

void KeyTable::make_policy(const ike::MakePolicy& wish) {
  const net::Selector& outbound = wish.request.outbound;
  const Generated& own = generated_for(outbound);
  const std::uint32_t sequence = own_sequence();
  making_.emplace(sequence, Making{wish.child, outbound, 2, 0});
  for (const Direction direction : {Direction::Out, Direction::In}) {
    const auto& id = direction == Direction::Out ? own.out : own.in;
    const auto* const known = id ? policies_.find(*id) : nullptr;
    Message m = policy_message(wish, direction, known == nullptr ? nullptr : &known->policy);
    m.sequence = sequence;
    send(std::move(m));
  }
}

/// By their ids: somebody else may have made others for the same packets by now.
void KeyTable::drop_policy(const net::Selector& outbound) {
  const auto own = std::ranges::find(generated_, outbound, &Generated::outbound);
  if (own == generated_.end()) return;
  if (own->out) delete_policy(*own->out);
  if (own->in) delete_policy(*own->in);
  generated_.erase(own);
}

std::optional<ike::Event> KeyTable::policy_heard(const Message& m) {
  const bool own = m.pid == static_cast<std::uint32_t>(::getpid());
  if (own && m.type != Type::SpdExpire) return policy_answered(m);
  if (m.error != 0 || !m.policy || !m.source || !m.destination) return std::nullopt;
  const net::Selector outbound = as_outbound(m.policy->direction, selected_by(m));
  if (m.type == Type::SpdExpire) {
    if (is_orphan(m.policy->id)) disown(m.policy->id);
    return ike::PolicyGone{outbound};
  }
  const auto near = [&](const Generated& each) { return ike::overlap(each.outbound, outbound); };
  const bool any = std::ranges::any_of(generated_, near);
  disown(m.policy->id);  // with SADB_X_SPDUPDATE somebody has made it theirs
  if (!any) return std::nullopt;
  return ike::PolicyAdded{outbound};
}

std::optional<ike::Event> KeyTable::policy_answered(const Message& m) {
  const auto asked = making_.find(m.sequence);
  if (asked == making_.end()) return std::nullopt;
  Making& making = asked->second;
  // With EINPROGRESS it is stored too, and the host's rules do not follow.
  if (m.policy && m.policy->id != PolicyId{}) {
    Generated& own = generated_for(making.outbound);
    (m.policy->direction == Direction::In ? own.in : own.out) = m.policy->id;
    own.orphan = own.orphan && m.error != 0;
    if (m.type == Type::SpdAdd) making.made.push_back(m.policy->id);
  }
  if (m.error != 0) making.error = m.error;
  if (--making.answers != 0) return std::nullopt;
  const Making done = making;
  making_.erase(asked);
  if (done.error == 0) return ike::PolicyMade{done.child, done.outbound};
  // What was there before stays: it may be in use.
  for (const PolicyId id : done.made) {
    delete_policy(id);
    disown(id);
  }
  std::erase_if(generated_,
                [&](const Generated& each) { return each.outbound == done.outbound && !each.out && !each.in; });
  return ike::PolicyRefused{done.child, std::strerror(done.error)};
}

/// What is bypassed stands in front of a generated policy and stays what it is.  An orphan can be taken over whole;
/// where it overlaps, the rest of what it protects would go in clear without it.
std::string KeyTable::in_the_way(const net::Selector& outbound) const {
  std::vector<PolicyId> own;
  for (const Generated& each : generated_) {
    if (each.orphan && !(each.outbound == outbound)) continue;
    for (const auto& id : {each.out, each.in}) {
      if (id) own.push_back(*id);
    }
  }
  std::ranges::sort(own);
  for (const auto& [id, entry] : policies_.entries()) {
    if (entry.policy.type == PolicyType::None || std::ranges::binary_search(own, id)) continue;
    const net::Selector selector = as_outbound(entry.policy.direction, entry.selector);
    if (ike::overlap(selector, outbound)) return ike::to_string(selector);
  }
  return "";
}

}  // namespace testudo::app
