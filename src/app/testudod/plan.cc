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

host::Treatment outbound(const spd::Policy& p) {
  const bool clear = p.action == spd::Action::None || p.action == spd::Action::Bypass;
  return clear ? host::Treatment::Clear : host::Treatment::Protect;
}

host::Treatment inbound(const spd::Policy& p, const engine::FamilySettings& s) {
  if (p.action == spd::Action::Discard) return host::Treatment::Protect;
  if (p.action != spd::Action::Ipsec) return host::Treatment::Clear;
  const bool refuse = std::ranges::any_of(p.requests, [&](const spd::Request& r) { return requires_protection(r, s); });
  return refuse ? host::Treatment::Protect : host::Treatment::Clear;
}

}  // namespace

host::FilterPlan filter_plan(const spd::Database& spd, const engine::Settings& settings, const MssOf& mss_of) {
  host::FilterPlan plan;
  if (settings.enabled == kNever || (settings.enabled == 1 && spd.size() == 0)) return plan;
  // Beyond that many, what a packet filter does for each costs more than a first segment that comes back.
  const bool limits_tcp = mss_of && spd.size(spd::Direction::Out) <= host::kMaxOutboundRules;
  spd.for_each(spd::Direction::Out, [&](const spd::Policy& p) {
    const bool limited = limits_tcp && p.action == spd::Action::Ipsec;
    plan.outbound.push_back({p.selector, outbound(p), limited ? mss_of(p) : std::uint16_t{0}});
  });
  spd.for_each(spd::Direction::In, [&](const spd::Policy& p) {
    const auto& family = p.selector.source.address.is_v4() ? settings.v4 : settings.v6;
    plan.inbound.push_back({p.selector, inbound(p, family), 0});
  });
  plan.protect_rest_v4 = settings.v4.def_policy == kDiscard;
  plan.protect_rest_v6 = settings.v6.def_policy == kDiscard;
  return plan;
}

}  // namespace testudo::app
