#include "app/testudod/plan.h"

#include <algorithm>

namespace testudo::app {
namespace {

constexpr int kRequire = 2, kNever = 0, kDiscard = 0;

int default_level(const spd::Request& r, const engine::FamilySettings& s) {
  const bool tunnel = r.mode == spd::RequestMode::Tunnel;
  if (r.protocol == spd::RequestProtocol::Ah) return tunnel ? s.ah_net_deflev : s.ah_trans_deflev;
  return tunnel ? s.esp_net_deflev : s.esp_trans_deflev;
}

// An IPcomp request never fails a packet: what does not shrink travels uncompressed (RFC 3173 section 2.2).
bool requires_protection(const spd::Request& r, const engine::FamilySettings& s) {
  if (r.protocol == spd::RequestProtocol::Ipcomp) return false;
  if (r.level == spd::Level::Default) return default_level(r, s) == kRequire;
  return r.level == spd::Level::Require || r.level == spd::Level::Unique;
}

bool asks_for_protection(const spd::Policy& p, const engine::Settings& settings) {
  if (p.direction == spd::Direction::Out) return p.action != spd::Action::None && p.action != spd::Action::Bypass;
  if (p.action == spd::Action::Discard) return true;
  if (p.action != spd::Action::Ipsec) return false;
  if (p.requests.empty()) return true;  // incomplete: SADB_X_SPDSETIDX
  const auto& family = p.selector.source.address.is_v4() ? settings.v4 : settings.v6;
  return std::ranges::any_of(p.requests, [&](const spd::Request& r) { return requires_protection(r, family); });
}

host::FilterRule rule_of(const spd::Policy& p, const PlanSources& from) {
  const bool limited = p.direction == spd::Direction::Out && p.action == spd::Action::Ipsec && from.mss_of;
  const bool protect = asks_for_protection(p, from.settings);
  return {p.selector, protect ? host::Treatment::Protect : host::Treatment::Clear,
          limited ? from.mss_of(p) : std::uint16_t{0}, p.id.value};
}

std::vector<host::FilterChange> changes_of(const PlanSources& from, spd::Direction direction, std::uint64_t since) {
  using Kind = spd::Journal::Change::Kind;
  const spd::Journal& journal = from.spd.journal(direction);
  std::vector<host::FilterChange> changes;
  for (std::uint64_t n = since + 1; n <= journal.epoch(); ++n) {
    const spd::Journal::Change& change = journal.change(n);
    if (change.kind == Kind::Removed) {
      changes.push_back({host::FilterChange::Kind::Removed, {{}, host::Treatment::Clear, 0, change.id.value}});
      continue;
    }
    const spd::Policy* policy = from.spd.find(change.id);
    if (policy == nullptr) continue;  // gone again, which the journal says further on
    const bool fresh = change.kind == Kind::Appended;
    const auto kind = fresh ? host::FilterChange::Kind::Appended : host::FilterChange::Kind::Replaced;
    changes.push_back({kind, rule_of(*policy, from)});
  }
  return changes;
}

host::SocketRule::Out out_rule(const spd::SocketPolicy& socket) {
  switch (socket.policy.action) {
    case spd::Action::Entrust:
      return host::SocketRule::Out::ByPolicies;
    case spd::Action::Bypass:
      return host::SocketRule::Out::Clear;
    default:
      return host::SocketRule::Out::Engine;
  }
}

host::SocketRule::In in_rule(const spd::SocketPolicy& socket, const engine::Settings& settings) {
  using In = host::SocketRule::In;
  if (socket.policy.action == spd::Action::Entrust) return In::ByPolicies;
  const bool refuse = asks_for_protection(socket.policy, settings);
  if (!socket.privileged) return refuse ? In::RefuseUnlisted : In::ByPolicies;
  return refuse ? In::Refuse : In::Clear;
}

host::UdpEncapsulation udp_rule(const spd::SocketEncapsulation& socket) {
  return socket.form == spd::SocketEncapsulation::Form::Esp ? host::UdpEncapsulation::Esp
                                                            : host::UdpEncapsulation::NonIke;
}

}  // namespace

host::FilterPlan filter_plan(const PlanSources& from) {
  const engine::Settings& settings = from.settings;
  host::FilterPlan plan;
  if (settings.enabled == kNever || (settings.enabled == 1 && from.spd.size() == 0)) return plan;
  const auto list = [&](spd::Direction direction, std::vector<host::FilterRule>& rules) {
    rules.reserve(from.spd.size(direction));
    from.spd.for_each(direction, [&](const spd::Policy& p) {
      rules.push_back(rule_of(p, from));
      if (from.breathe) from.breathe();
    });
  };
  list(spd::Direction::Out, plan.outbound);
  list(spd::Direction::In, plan.inbound);
  plan.protect_rest_v4 = settings.v4.def_policy == kDiscard;
  plan.protect_rest_v6 = settings.v6.def_policy == kDiscard;
  return plan;
}

std::vector<host::SocketRule> socket_rules(const spd::SocketSlots& slots, const engine::Settings& settings) {
  std::vector<host::SocketRule> rules;
  if (settings.enabled == kNever) return rules;
  slots.for_each([&](unsigned number, const spd::SocketSlots::Slot& slot) {
    rules.push_back({number, slot.out ? out_rule(*slot.out) : host::SocketRule::Out::ByPolicies,
                     slot.in ? in_rule(*slot.in, settings) : host::SocketRule::In::ByPolicies,
                     slot.udp ? udp_rule(*slot.udp) : host::UdpEncapsulation::None});
  });
  return rules;
}

FilterEpochs filter_epochs(const spd::Database& spd) {
  return {spd.journal(spd::Direction::Out).epoch(), spd.journal(spd::Direction::In).epoch()};
}

std::optional<host::FilterChanges> filter_changes(const PlanSources& from, const FilterEpochs& since) {
  const FilterEpochs now = filter_epochs(from.spd);
  const std::uint64_t count = now[0] - since[0] + now[1] - since[1];
  // With the first policy everything may change, by def_policy and net.inet.ipsec.enabled.
  if (from.settings.enabled == kNever || from.spd.size() <= count) return std::nullopt;
  const bool known = from.spd.journal(spd::Direction::Out).remembers(since[0]) &&
                     from.spd.journal(spd::Direction::In).remembers(since[1]);
  if (!known) return std::nullopt;
  return host::FilterChanges{changes_of(from, spd::Direction::Out, since[0]),
                             changes_of(from, spd::Direction::In, since[1])};
}

}  // namespace testudo::app
