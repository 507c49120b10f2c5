// SADB_X_SPD*: KAME's messages about policies.
#include <array>
#include <memory>
#include <vector>

#include "pfkey/server/context.h"
#include "pfkey/server/policy_message.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Ext;
using wire::pfkey::Message;

constexpr std::array kInstalled{Ext::Policy, Ext::LifetimeHard, Ext::AddressSrc, Ext::AddressDst};
constexpr std::array kShown{Ext::AddressSrc, Ext::AddressDst, Ext::Policy};
constexpr std::array kPolicyOnly{Ext::Policy};
constexpr std::size_t kHeader = 16;
constexpr const char* kUnprotected =
    "an opened packet comes in by testudod's device, where no link-local address is, so what is between two of them "
    "cannot be protected";

using Stored = Result<const spd::Policy*, spd::DatabaseError>;

Outcome answer_installed(Context& context, const Request& request, const Stored& stored) {
  if (!stored) {
    const bool exists = stored.error() == spd::DatabaseError::Exists;
    return Failure{exists ? Errno::Exists : Errno::Invalid};
  }
  Message reply = wire::pfkey::clone(request.message);
  // As stored, so that an allocated reqid can be seen; KAME echoes the request and hides it.
  reply.policy = policy_ext(**stored);
  context.sessions.to_all_when_settled(request.client, wire::pfkey::compose(reply, kInstalled));
  context.policies_changed();
  return Done{};
}

/// KAME says EINVAL for a policy that is not there, or that is the system's own.
Outcome answer_removed(Context& context, const Request& request, PolicyId id, std::span<const Ext> order) {
  Message reply = wire::pfkey::clone(request.message);
  reply.policy->id = id;
  context.sessions.to_all_when_settled(request.client, wire::pfkey::compose(reply, order));
  context.policies_changed();
  return Done{};
}

/// The inbound policy that stands already where a program of Linux asks for `fwd`; or null.  It stays as it is: what
/// such a program says of forwarded packets alone must not make less of what it says of those that are for this host.
const spd::Policy* inbound_that_stands(const Context& context, const Message& message, const spd::Policy& wanted) {
  if (message.policy->direction != wire::pfkey::Direction::Fwd) return nullptr;
  return context.parts.spd.find(spd::Direction::In, wanted.selector);
}

/// As policy_of(); and the log is told what no errno says.
Result<spd::Policy, Errno> judged(const Context& context, const Request& request, Requests requests) {
  auto policy = policy_of(request.message, requests, request.now);
  if (!policy && policy.error() == Errno::NotSupported) {
    const auto text = [](const auto& address) { return address ? address->prefix().to_string() : std::string{"?"}; };
    context.refused("a policy for packets from " + text(request.message.source) + " to " +
                    text(request.message.destination) + " is refused: " + kUnprotected);
  }
  return policy;
}

Message shown(const spd::Policy& policy, const Message& request) {
  Message m;
  m.type = request.type;
  m.sequence = request.sequence;
  m.pid = request.pid;
  describe_policy(policy, m);
  m.order.assign(kShown.begin(), kShown.end());
  return m;
}

std::vector<PolicyId> ids_of(const spd::Database& spd) {
  std::vector<PolicyId> ids;
  ids.reserve(spd.size());
  for (const spd::Direction direction : {spd::Direction::In, spd::Direction::Out})
    spd.for_each(direction, [&ids](const spd::Policy& policy) { ids.push_back(policy.id); });
  return ids;
}

}  // namespace

Outcome spd_add(Context& context, const Request& request) {
  TRY(auto policy, judged(context, request, Requests::Needed));
  if (const auto* in = inbound_that_stands(context, request.message, policy))
    return answer_installed(context, request, in);
  return answer_installed(context, request, context.parts.spd.add(std::move(policy)));
}

Outcome spd_set_index(Context& context, const Request& request) {
  TRY(auto policy, judged(context, request, Requests::MayLack));
  return answer_installed(context, request, context.parts.spd.add(std::move(policy)));
}

Outcome spd_update(Context& context, const Request& request) {
  TRY(auto policy, judged(context, request, Requests::Needed));
  if (const auto* in = inbound_that_stands(context, request.message, policy))
    return answer_installed(context, request, in);
  return answer_installed(context, request, context.parts.spd.update(std::move(policy)));
}

Outcome spd_delete(Context& context, const Request& request) {
  const Message& message = request.message;
  if (!message.policy) return Failure{Errno::Invalid};
  TRY(const auto selector, selector_of(message));
  TRY(const auto direction, direction_of(*message.policy));
  const auto removed = context.parts.spd.remove(direction, selector);
  if (!removed) return Failure{Errno::Invalid};
  return answer_removed(context, request, removed->id, message.order);
}

Outcome spd_delete_by_id(Context& context, const Request& request) {
  if (!request.message.policy) return Failure{Errno::Invalid};
  const auto removed = context.parts.spd.remove(request.message.policy->id);
  if (!removed) return Failure{Errno::Invalid};
  return answer_removed(context, request, removed->id, kPolicyOnly);
}

Outcome spd_get(Context& context, const Request& request) {
  if (!request.message.policy) return Failure{Errno::Invalid};
  const spd::Policy* policy = context.parts.spd.find(request.message.policy->id);
  if (policy == nullptr) return Failure{Errno::NoEntry};
  context.sessions.to_one(request.client, wire::pfkey::compose(shown(*policy, request.message)));
  return Done{};
}

Outcome spd_flush(Context& context, const Request& request) {
  if (request.bytes.size() != kHeader) return Failure{Errno::Invalid};
  context.parts.spd.flush([&context] { context.breathe(); });
  context.sessions.to_all_when_settled(request.client, wire::pfkey::compose(request.message, {}));
  context.policies_changed();
  return Done{};
}

Outcome spd_dump(Context& context, const Request& request) {
  const auto ids = std::make_shared<const std::vector<PolicyId>>(ids_of(context.parts.spd));
  const auto asked = std::make_shared<const Message>(wire::pfkey::clone(request.message));
  const auto describe = [&parts = context.parts, ids, asked](std::size_t n) -> std::optional<Message> {
    const spd::Policy* policy = parts.spd.find((*ids)[n]);
    if (policy == nullptr) return std::nullopt;
    return shown(*policy, *asked);
  };
  return context.sessions.to_one(request.client, Dump{ids->size(), describe});
}

}  // namespace testudo::pfkey::server
