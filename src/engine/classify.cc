#include "engine/classify.h"

#include <atomic>
#include <optional>
#include <utility>

#include "net/protocol.h"
#include "wire/packet/icmp.h"

namespace testudo::engine {
namespace {

using Answer = Classified::Answer;

Classified by_default(const net::Flow& flow, const Settings& settings) {
  const FamilySettings& family = flow.destination.is_v4() ? settings.v4 : settings.v6;
  return {family.def_policy == 0 ? Answer::DefaultDiscard : Answer::Clear, nullptr, flow};
}

/// The flow in the direction of the error of the traffic that the packet complains about, if it is an ICMP error.
std::optional<net::Flow> flow_complained_about(const Passage& passage) {
  const Bytes packet = passage.packet->bytes();
  const auto error = wire::packet::parse_icmp_error(passage.ip, packet);
  if (!error) return std::nullopt;
  net::Flow flow = wire::packet::flow_of(error->ip.ip, error->quoted);
  std::swap(flow.source, flow.destination);
  if (!net::has_type_and_code(flow.protocol)) std::swap(flow.source_port, flow.destination_port);
  return flow;
}

struct Match {
  const spd::Policy* policy = nullptr;
  net::Flow flow;
};

Match match(const Passage& passage, spd::Direction direction, const spd::SocketPolicy* socket,
            const spd::View& policies) {
  const spd::Policy* listed = policies.lookup(direction, passage.flow);
  if (socket != nullptr && spd::decides(*socket, listed)) return {&socket->policy, passage.flow};
  if (listed != nullptr) return {listed, passage.flow};
  const auto about = flow_complained_about(passage);
  const spd::Policy* policy = about ? policies.lookup(direction, *about) : nullptr;
  return policy == nullptr ? Match{nullptr, passage.flow} : Match{policy, *about};
}

}  // namespace

bool active(const Engine::Parts& parts) {
  const Settings& settings = parts.settings;
  // Several workers may find at once that it was not set before.
  const std::atomic_ref<std::int32_t> used{parts.settings.used};
  if (used.load(std::memory_order_relaxed) == 0 && parts.policies().size() != 0)
    used.store(1, std::memory_order_relaxed);
  return settings.enabled == 2 || (settings.enabled == 1 && used.load(std::memory_order_relaxed) != 0);
}

bool selector_is_hidden(const Passage& passage, spd::Direction direction, const spd::View& policies) {
  const spd::Policy* first = policies.first_for_addresses(direction, passage.ip.source, passage.ip.destination);
  if (first == nullptr) return false;
  const net::Selector& s = first->selector;
  return s.protocol != net::protocol::kAny || s.source_port != 0 || s.destination_port != 0;
}

Classified classify(const Passage& passage, spd::Direction direction, const spd::SocketPolicy* socket,
                    const Engine::Parts& parts, Verdicts& verdicts) {
  if (!active(parts)) return {};
  const auto [policy, flow] = match(passage, direction, socket, parts.policies());
  verdicts.trace({.kind = TraceStep::Kind::Policy, .policy = policy == nullptr ? PolicyId{} : policy->id}, passage);
  count_lookup(policy, verdicts);
  return answer_of(policy, flow, parts.settings);
}

void count_lookup(const spd::Policy* policy, Verdicts& verdicts) {
  Statistics& statistics = verdicts.statistics();
  ++statistics.spd_lookups;
  if (policy == nullptr) {
    ++statistics.spd_misses;
  } else {
    policy->count(1, verdicts.now());
  }
}

Classified answer_of(const spd::Policy* policy, const net::Flow& flow, const Settings& settings) {
  if (policy == nullptr) return by_default(flow, settings);
  switch (policy->action) {
    case spd::Action::None:
    case spd::Action::Bypass:
      return {Answer::Clear, policy, flow};
    case spd::Action::Discard:
      return {Answer::Discard, policy, flow};
    case spd::Action::Ipsec:
      return {Answer::Protect, policy, flow};
    case spd::Action::Entrust:  // of sockets: "consult the SPD", which has nothing more to say
      break;
  }
  return by_default(flow, settings);
}

}  // namespace testudo::engine
