// SADB_EXPIRE, RFC 2367 section 3.1.8, and SADB_X_SPDEXPIRE: something in the databases has come to its end.
#include <array>

#include "pfkey/server/context.h"
#include "pfkey/server/policy_message.h"
#include "pfkey/server/sa_message.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Ext;
using wire::pfkey::Message;

constexpr std::array kExpire{Ext::Sa,           Ext::Sa2,        Ext::LifetimeCurrent, Ext::LifetimeHard,
                             Ext::LifetimeSoft, Ext::AddressSrc, Ext::AddressDst,      Ext::Replay};
constexpr std::array kPolicyExpire{Ext::LifetimeCurrent, Ext::LifetimeHard, Ext::AddressSrc, Ext::AddressDst,
                                   Ext::Policy};

}  // namespace

void announce_expiry(Context& context, const sad::Expiry& expiry) {
  // A larval SA was never told of to anybody but the daemon that let it wait.
  if (expiry.kind == sad::Expiry::Kind::Larval || !expiry.sa) return;
  const sad::SaParameters& p = expiry.sa->parameters();
  Message m;
  describe_sa(*expiry.sa, context.parts.wall(), m);
  m.type = wire::pfkey::Type::Expire;
  m.sequence = p.message_sequence;
  // RFC 2367 section 3.1.8: "<base, SA, lifetime(C and one of HS), address(SD)>".
  if (expiry.kind == sad::Expiry::Kind::Hard) {
    m.hard = lifetime_ext(p.hard());
  } else {
    m.soft = lifetime_ext(p.soft());
  }
  context.sessions.to_registered(m.satype, wire::pfkey::compose(m, kExpire));
}

void announce_policy_expiry(Context& context, const spd::Policy& policy) {
  const WallReference wall = context.parts.wall();
  Message m;
  m.type = wire::pfkey::Type::SpdExpire;
  m.current = wire::pfkey::LifetimeExt{};
  m.current->addtime = static_cast<std::uint64_t>(wall.to_unix(policy.created));
  m.current->usetime = static_cast<std::uint64_t>(wall.to_unix(policy.last_used));
  m.hard = wire::pfkey::LifetimeExt{.addtime = policy.lifetime, .usetime = policy.validtime};
  describe_policy(policy, m);
  context.sessions.to_registered(m.satype, wire::pfkey::compose(m, kPolicyExpire));
}

}  // namespace testudo::pfkey::server
