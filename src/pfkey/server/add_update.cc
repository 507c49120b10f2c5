// SADB_ADD and SADB_UPDATE, RFC 2367 sections 3.1.2 and 3.1.3: an SA with its keys.
#include <array>
#include <memory>

#include "crypto/algorithms.h"
#include "pfkey/server/context.h"
#include "pfkey/server/sa_message.h"

namespace testudo::pfkey::server {
namespace {

using wire::pfkey::Ext;
using wire::pfkey::Message;

// The keys stay here.
constexpr std::array kReply{Ext::Sa,           Ext::Sa2,         Ext::AddressSrc,  Ext::AddressDst, Ext::LifetimeHard,
                            Ext::LifetimeSoft, Ext::IdentitySrc, Ext::IdentityDst, Ext::NatTType,   Ext::NatTSport,
                            Ext::NatTDport,    Ext::NatTOa,      Ext::NatTOar,     Ext::NatTFrag,   Ext::Replay};

Outcome read_algorithms(const wire::pfkey::SaExt& sa, sad::SaParameters& p) {
  if (sa.auth != 0) {
    p.mac = crypto::mac_by_id(sa.auth);
    if (p.mac == nullptr) return Failure{Errno::Invalid};
  }
  if (sa.encrypt == 0) return Done{};
  if (p.group.protocol == sad::SaProtocol::Ipcomp) {
    p.compression = crypto::compression_by_id(sa.encrypt);
  } else {
    p.cipher = crypto::cipher_by_id(sa.encrypt);
  }
  if (p.compression == nullptr && p.cipher == nullptr) return Failure{Errno::Invalid};
  return Done{};
}

/// An absent key is an empty one, which only the null algorithms take.
Result<Secret, Errno> key_of(const std::optional<wire::pfkey::KeyExt>& key) {
  if (!key) return Secret{};
  if (key->bits % 8 != 0) return Failure{Errno::Invalid};
  return key->key.clone();
}

Result<std::uint32_t, Errno> window_of(const Message& message, const sad::SaFlags& flags) {
  const std::uint32_t packets = message.replay_window.value_or(message.sa->replay * 8U);
  if (packets > sad::ReplayWindow::kMaxPackets) return Failure{Errno::Invalid};
  // RFC 1826 and 1827 have no sequence number; netipsec keeps no window for them.
  return flags.old_format ? 0 : packets;
}

Outcome read_sa(const Message& message, sad::SaParameters& p) {
  p.spi = message.sa->spi;
  const auto flags = flags_of(message.sa->flags);
  if (!flags) return Failure{Errno::Invalid};
  p.flags = *flags;
  TRY_DONE(read_algorithms(*message.sa, p));
  TRY(p.cipher_key, key_of(message.encrypt_key));
  TRY(p.mac_key, key_of(message.auth_key));
  TRY(p.replay_packets, window_of(message, p.flags));
  p.counted = message.sa2 ? message.sa2->sequence : 0;
  TRY(p.nat, nat_traversal_of(message));
  return Done{};
}

sad::Lifetime lifetime_of(const wire::pfkey::LifetimeExt& ext) {
  return {ext.allocations, ext.bytes, ext.addtime, ext.usetime};
}

Outcome read_lifetimes(const Message& message, sad::SaParameters& p) {
  if (message.hard.has_value() != message.soft.has_value()) return Failure{Errno::Invalid};
  if (message.hard) p.lifetimes = sad::Lifetimes{lifetime_of(*message.hard), lifetime_of(*message.soft)};
  return Done{};
}

sad::Identity identity_of(const wire::pfkey::IdentityExt& ext) {
  return {static_cast<std::uint16_t>(ext.type), ext.id, ext.text};
}

Outcome read_identities(const Message& message, const sad::KeySettings& settings, sad::SaParameters& p) {
  const auto& source = message.source_identity;
  const auto& destination = message.destination_identity;
  if (source.has_value() != destination.has_value()) return Failure{Errno::Invalid};
  if (!source) return Done{};
  if (source->type != destination->type && settings.allow_different_idtype == 0) return Failure{Errno::Invalid};
  p.source_identity = identity_of(*source);
  p.destination_identity = identity_of(*destination);
  return Done{};
}

Result<sad::SaParameters, Errno> parameters_of(const Context& context, const Message& message) {
  sad::SaParameters p;
  TRY(p.group, group_of(message));
  if (!message.sa) return Failure{Errno::Invalid};
  TRY_DONE(read_sa(message, p));
  TRY_DONE(read_lifetimes(message, p));
  TRY_DONE(read_identities(message, context.parts.settings, p));
  p.message_sequence = message.sequence;
  p.pid = message.pid;
  return p;
}

Errno errno_of(sad::SaError error) {
  return error == sad::SaError::NotAvailable ? Errno::NotSupported : Errno::Invalid;
}

Errno errno_of(sad::DatabaseError error) {
  switch (error) {
    case sad::DatabaseError::Exists:
      return Errno::Exists;
    case sad::DatabaseError::NotFound:
      return Errno::NoEntry;
    case sad::DatabaseError::NoFreeSpi:
      return Errno::Invalid;
  }
  return Errno::Invalid;
}

using Install = Result<sad::Sa*, sad::DatabaseError> (sad::Database::*)(std::unique_ptr<sad::Sa>);

Outcome install(Context& context, const Request& request, Install how) {
  TRY(auto parameters, parameters_of(context, request.message));
  auto sa = sad::Sa::make(std::move(parameters), request.now);
  if (!sa) return Failure{errno_of(sa.error())};
  const auto installed = (context.parts.sad.*how)(*std::move(sa));
  if (!installed) return Failure{errno_of(installed.error())};
  context.sessions.to_all(request.client, wire::pfkey::compose(request.message, kReply));
  context.acquire_answered(request.message.sequence);
  return Done{};
}

}  // namespace

Outcome add(Context& context, const Request& request) {
  return install(context, request, &sad::Database::add);
}

Outcome update(Context& context, const Request& request) {
  return install(context, request, &sad::Database::update);
}

}  // namespace testudo::pfkey::server
