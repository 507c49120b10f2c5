// SADB_ACQUIRE, RFC 2367 section 3.1.6: asks key daemons for an SA, and hears from them that they gave up.
// Also SADB_X_NAT_T_NEW_MAPPING.
#include <algorithm>
#include <array>
#include <vector>

#include "crypto/algorithms.h"
#include "pfkey/server/context.h"
#include "pfkey/server/policy_message.h"
#include "pfkey/server/sa_message.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Combination;
using wire::pfkey::Ext;
using wire::pfkey::Message;

constexpr std::array kAcquire{Ext::AddressSrc, Ext::AddressDst, Ext::Policy, Ext::Proposal};
constexpr std::array kNewMapping{Ext::Sa, Ext::AddressSrc, Ext::NatTSport, Ext::AddressDst, Ext::NatTDport};

// netipsec's proposals: a day and eight hours, soft at PFKEY_SOFT_LIFETIME_RATE (80) percent.
constexpr std::uint8_t kReplay = 32;
constexpr std::uint64_t kDay = 86400, kDaySoft = 69120, kShift = 28800, kShiftSoft = 23040;

constexpr std::array kProposedMacs{crypto::MacKind::HmacMd5, crypto::MacKind::HmacSha1, crypto::MacKind::HmacSha256,
                                   crypto::MacKind::HmacSha384, crypto::MacKind::HmacSha512};

Combination combination() {
  Combination c;
  c.soft = {.allocations = 1, .bytes = 0, .addtime = kDaySoft, .usetime = kShiftSoft};
  c.hard = {.allocations = 1, .bytes = 0, .addtime = kDay, .usetime = kShift};
  return c;
}

std::vector<Combination> authentications(const sad::KeySettings& settings) {
  std::vector<Combination> list;
  for (const auto& row : crypto::macs()) {
    if (std::ranges::find(kProposedMacs, row.kind) == kProposedMacs.end()) continue;
    if (row.key.min * 8 < settings.ah_keymin) continue;
    Combination c = combination();
    c.auth = row.id;
    c.auth_minbits = static_cast<std::uint16_t>(row.key.min * 8);
    c.auth_maxbits = static_cast<std::uint16_t>(row.key.max * 8);
    list.push_back(c);
  }
  return list;
}

std::vector<Combination> encryptions(const sad::KeySettings& settings) {
  const auto macs = settings.esp_auth != 0 ? authentications(settings) : std::vector{combination()};
  std::vector<Combination> list;
  for (const auto& row : crypto::ciphers()) {
    // The null cipher takes keys of any length in netipsec's table, and so slips past its minimum.
    if (row.kind == crypto::CipherKind::Null || row.key.max * 8 < settings.esp_keymin) continue;
    for (Combination c : row.is_aead() ? std::vector{combination()} : macs) {
      c.encrypt = row.id;
      c.encrypt_minbits = static_cast<std::uint16_t>(std::max(row.key.min * 8, settings.esp_keymin));
      c.encrypt_maxbits = static_cast<std::uint16_t>(row.key.max * 8);
      list.push_back(c);
    }
  }
  return list;
}

std::vector<Combination> compressions() {
  std::vector<Combination> list;
  for (const auto& row : crypto::compressions()) {
    if (!row.implemented) continue;
    Combination c = combination();
    c.encrypt = row.id;
    list.push_back(c);
  }
  return list;
}

std::vector<Combination> combinations(sad::SaProtocol protocol, const sad::KeySettings& settings) {
  switch (protocol) {
    case sad::SaProtocol::Ah:
      return authentications(settings);
    case sad::SaProtocol::Esp:
      return encryptions(settings);
    case sad::SaProtocol::Ipcomp:
      return compressions();
    case sad::SaProtocol::TcpSignature:
      return {};
  }
  return {};
}

bool has_sa(const sad::Database& sad, const sad::SaGroup& group) {
  for (const sad::Mode mode : {sad::Mode::Transport, sad::Mode::Tunnel}) {
    if (sad.outbound({group.protocol, mode, group.source, group.destination, group.reqid, group.ports}) != nullptr)
      return true;
  }
  return false;
}

bool is_header_alone(const Request& request) {
  return request.message.order.empty();
}

}  // namespace

Outcome acquire(Context& context, const Request& request) {
  const Message& message = request.message;
  if (is_header_alone(request)) {
    // The key daemon could not do it: the next packet may ask again at once.  Nobody is answered.
    context.acquire_answered(message.sequence);
    return Done{};
  }
  if (!message.proposal) return Failure{Errno::Invalid};
  TRY(const auto group, group_of(message));
  if (has_sa(context.parts.sad, group)) return Failure{Errno::Exists};
  announce_acquire(context, {.wanted = group, .policy = {}, .sequence = message.sequence});
  return Done{};
}

void announce_acquire(Context& context, const AcquireRequest& wanted) {
  const sad::SaGroup& group = wanted.wanted;
  Message m;
  m.type = wire::pfkey::Type::Acquire;
  m.satype = satype_of(group.protocol);
  m.sequence = wanted.sequence;
  m.source = host_ext(group.source, group.ports.source);
  m.destination = host_ext(group.destination, group.ports.destination);
  if (const spd::Policy* policy = context.parts.spd.find(wanted.policy)) {
    m.policy = policy_ext(*policy);
    m.policy->requests.clear();
  }
  auto list = combinations(group.protocol, context.parts.settings);
  if (!list.empty()) m.proposal = wire::pfkey::ProposalExt{kReplay, std::move(list)};
  context.sessions.to_registered(m.satype, wire::pfkey::compose(m, kAcquire));
}

Outcome new_mapping(Context&, const Request& request) {
  const Message& message = request.message;
  if (message.satype != wire::pfkey::SaType::Esp || !message.sa) return Failure{Errno::Invalid};
  TRY_DONE(group_of(message));
  TRY(const auto nat, nat_traversal_of(message));
  // Taken in and left alone, as NetBSD does: it is the engine that learns of new mappings.
  return nat ? Outcome{Done{}} : Outcome{Failure{Errno::Invalid}};
}

void announce_mapping(Context& context, const sad::Sa& sa, const net::Endpoint& now_at) {
  const sad::SaParameters& p = sa.parameters();
  Message m;
  describe_sa(sa, context.parts.wall(), m);
  m.type = wire::pfkey::Type::NatTNewMapping;
  m.sequence = p.message_sequence;
  m.nat_t_sport = p.nat ? p.nat->source_port : std::uint16_t{0};
  m.destination = host_ext(now_at.address, now_at.port);
  m.nat_t_dport = now_at.port;
  context.sessions.to_registered(m.satype, wire::pfkey::compose(m, kNewMapping));
}

}  // namespace testudo::pfkey::server
