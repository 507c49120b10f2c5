#include "engine/classify.h"

namespace testudo::engine {
namespace {

using Answer = Classified::Answer;

/// net.inet.ipsec.enabled: "0 never, 1 when policies exist, 2 always".  Once a policy existed, it stays so.
bool active(const Engine::Parts& parts) {
  Settings& settings = parts.settings;
  if (parts.spd.size() != 0) settings.used = 1;
  return settings.enabled == 2 || (settings.enabled == 1 && settings.used != 0);
}

Classified by_default(const net::Flow& flow, const Settings& settings) {
  const FamilySettings& family = flow.destination.is_v4() ? settings.v4 : settings.v6;
  return {family.def_policy == 0 ? Answer::DefaultDiscard : Answer::Clear, nullptr};
}

}  // namespace

Classified classify(const Passage& passage, spd::Direction direction, const Engine::Parts& parts, Verdicts& verdicts) {
  if (!active(parts)) return {};
  Statistics& statistics = verdicts.statistics();
  ++statistics.spd_lookups;
  const spd::Policy* policy = parts.spd.lookup(direction, passage.flow);
  verdicts.trace({.kind = TraceStep::Kind::Policy, .policy = policy == nullptr ? PolicyId{} : policy->id}, passage);
  if (policy == nullptr) {
    ++statistics.spd_misses;
    return by_default(passage.flow, parts.settings);
  }
  policy->last_used = verdicts.now();
  ++policy->hits;
  switch (policy->action) {
    case spd::Action::None:
    case spd::Action::Bypass:
      return {Answer::Clear, policy};
    case spd::Action::Discard:
      return {Answer::Discard, policy};
    case spd::Action::Ipsec:
      return {Answer::Protect, policy};
    case spd::Action::Entrust:  // of sockets: "consult the SPD", which has nothing more to say
      break;
  }
  return by_default(passage.flow, parts.settings);
}

}  // namespace testudo::engine
