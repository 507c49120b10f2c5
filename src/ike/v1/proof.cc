#include "ike/v1/proof.h"

#include <algorithm>
#include <array>

#include "crypto/ike/prf.h"
#include "ike/negotiate/phase1.h"
#include "ike/v1/crypt.h"
#include "ike/v1/fragments.h"
#include "ike/v1/nat.h"
#include "ike/v1/required.h"
#include "ike/v1/signature.h"
#include "wire/ike/v1/payload.h"
#include "wire/ike/v1/sa.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Chain;
using v1wire::ChainWriter;
using v1wire::Exchange;
using v1wire::IdType;
using v1wire::Notify;
using v1wire::Payload;

/// RFC 3706 section 5.1, version 1.0.
constexpr std::array<std::uint8_t, 16> kDpdVendor{0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9,
                                                  0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00};

/// The first half of MD5 of "draft-ietf-ipsra-isakmp-xauth-06.txt".
constexpr std::array<std::uint8_t, 8> kXauthVendor{0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12};

/// Cisco's Unity, version 1.0: its attributes of mode-config are understood.
constexpr std::array<std::uint8_t, 16> kUnityVendor{0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9,
                                                    0x70, 0x2d, 0x9f, 0xe2, 0x74, 0xcc, 0x01, 0x00};

Mismatch improper_value(const IkeSa& sa) {
  return broken("KE payload", "the peer's value is no proper member of " + std::string{sa.agreed.group->name},
                Notify::InvalidKeyInformation);
}

std::string identities_text(const std::vector<Identity>& ids) {
  std::string text;
  for (const Identity& id : ids) text += (text.empty() ? "" : " or ") + id.to_string();
  return text;
}

bool is_address(const Identity& id) {
  return id.type == IdType::V4Address || id.type == IdType::V6Address;
}

/// The word of racoon.conf for identifiers of this type.
const char* word_of(const Identity& id) {
  switch (id.type) {
    case IdType::Fqdn:
      return "fqdn";
    case IdType::UserFqdn:
      return "user_fqdn";
    case IdType::KeyId:
      return "keyid";
    case IdType::DerDn:
      return "asn1dn";
    default:
      return "address";
  }
}

/// Under what psk.txt would have the key of this peer; "" when nothing there could mean it.
std::string key_name(const Identity& id) {
  if (is_address(id)) return id.to_string();
  const bool is_text = id.type == IdType::Fqdn || id.type == IdType::UserFqdn || id.type == IdType::KeyId;
  const auto visible = [](std::uint8_t byte) { return byte > 0x20 && byte < 0x7f; };
  if (!is_text || !std::ranges::all_of(id.data, visible)) return "";
  return {id.data.begin(), id.data.end()};
}

Secret proof_of(const IkeSa& sa, Role who) {
  const bool initiator = who == Role::Initiator;
  const bool base = sa.mode == Exchange::Base;
  if (base && uses_signatures(sa)) {
    const Secret key{crypto::ike::digest(sa.agreed.hash->kind, {sa.initiator.nonce, sa.responder.nonce})};
    return keys::phase1_hash(*sa.agreed.hash, key,
                             {sa.initiator.public_value, initiator ? Bytes{} : Bytes{sa.responder.public_value},
                              sa.cookies.initiator, sa.cookies.responder, sa.sa_body, sa.initiator.id_body});
  }
  const Contribution& own = initiator ? sa.initiator : sa.responder;
  const Contribution& other = initiator ? sa.responder : sa.initiator;
  return keys::phase1_hash(*sa.agreed.hash, sa.skeyid.base,
                           {own.public_value, base && initiator ? Bytes{} : Bytes{other.public_value},
                            initiator ? sa.cookies.initiator : sa.cookies.responder,
                            initiator ? sa.cookies.responder : sa.cookies.initiator, sa.sa_body, own.id_body});
}

}  // namespace

// ---- proposals and vendor ids

void add_vendors(ChainWriter& out, const IkeSa& sa) {
  add_nat_vendors(out, sa);
  add_fragment_vendor(out, sa);
  if (sa.block->dpd) out.add(Payload::VendorId, owned(kDpdVendor));
  if (sa.block->uses_xauth()) out.add(Payload::VendorId, owned(kXauthVendor));
  if (sa.block->uses_xauth() || sa.block->mode_cfg) out.add(Payload::VendorId, owned(kUnityVendor));
}

void note_vendors(IkeSa& sa, const Chain& chain) {
  choose_nat_version(sa, chain);
  note_fragment_vendor(sa, chain);
  sa.liveness.peer_answers = std::ranges::any_of(chain.payloads, [](const v1wire::PayloadView& p) {
    return p.type == Payload::VendorId && std::ranges::equal(p.body, kDpdVendor);
  });
}

void add_offer(ChainWriter& out, IkeSa& sa) {
  sa.sa_body = v1wire::compose_sa(negotiate::phase1_offer(*sa.block));
  out.add(Payload::Sa, sa.sa_body);
}

Result<ByteVector, Mismatch> choose(IkeSa& sa, const Chain& chain) {
  TRY(const auto offer, only_sa(chain));
  TRY(const auto choice, negotiate::choose_phase1(offer, *sa.block));
  sa.agreed = choice.agreed;
  sa.sa_body = owned(chain.find(Payload::Sa)->body);
  return v1wire::compose_sa(choice.answer);
}

Status<Mismatch> accept(IkeSa& sa, const Chain& chain) {
  TRY(const auto answer, only_sa(chain));
  TRY(const auto agreed, negotiate::accept_phase1(answer, *sa.block));
  sa.agreed = agreed;
  return Done{};
}

// ---- contributions and keys

Status<Mismatch> make_public_value(IkeSa& sa, Environment& env) {
  const WorkProduct* const made = sa.work.product(
      SlowStep::KeyPair, [&] { return key_pair_work(*sa.agreed.group, sa.theirs().public_value, env.random); });
  if (made == nullptr) return Failure{not_yet()};
  if (!made->own) return Failure{broken("DH group", "this machine's OpenSSL cannot compute in it")};
  sa.own().public_value = made->own->public_value();
  sa.key_exchange = made->own;
  return Done{};
}

void make_nonce(IkeSa& sa, Environment& env) {
  if (sa.work.keep_nonce()) return;
  ByteVector& nonce = sa.own().nonce;
  nonce.resize(sa.block->nonce_size);
  env.random.fill(nonce);
}

Result<ByteVector, Mismatch> peer_public_value(const IkeSa& sa, const Chain& chain) {
  TRY(const Bytes value, only(chain, Payload::KeyExchange));
  if (!crypto::ike::KeyExchange::is_plausible(*sa.agreed.group, value)) return Failure{improper_value(sa)};
  return owned(value);
}

Result<Secret, Mismatch> pre_shared_key(IkeSa& sa, const Environment& env) {
  if (uses_signatures(sa)) return Secret{};
  const std::string address = sa.remote.address.to_string();
  const std::string name = sa.mode == Exchange::Main ? "" : key_name(sa.peer);
  sa.has_key_of_name = false;
  if (!name.empty()) {
    if (auto key = env.keys.pre_shared_key(name)) {
      sa.has_key_of_name = true;
      return *std::move(key);
    }
  }
  // Under verify_identifier a name stands for itself.
  if (sa.mode == Exchange::Main || !sa.block->verify_identifier) {
    if (auto key = env.keys.pre_shared_key(address)) return *std::move(key);
  }
  const std::string wanted = name.empty() ? address : name;
  return Failure{Mismatch{"pre-shared key", "none for " + wanted, "", "",
                          "add a line \"" + wanted + " KEY\" to the file of path pre_shared_key here",
                          Notify::AuthenticationFailed}};
}

void derive_skeyid(IkeSa& sa, const Secret& key) {
  sa.skeyid.base = keys::skeyid_of_pre_shared_key(*sa.agreed.hash, key, {sa.initiator.nonce, sa.responder.nonce});
}

Status<Mismatch> derive_keys(IkeSa& sa, const Secret& key) {
  // Who makes its own value when it has the peer's has computed both.
  const WorkProduct* made = sa.work.known(SlowStep::KeyPair);
  if (made == nullptr) {
    made =
        sa.work.product(SlowStep::Agreement, [&] { return agreement_work(sa.key_exchange, sa.theirs().public_value); });
  }
  if (made == nullptr) return Failure{not_yet()};
  const auto& shared = made->shared;
  if (!shared) return Failure{improper_value(sa)};
  const keys::NoncePair nonces{sa.initiator.nonce, sa.responder.nonce};
  Secret base = uses_signatures(sa) ? keys::skeyid_of_signatures(*sa.agreed.hash, *shared, nonces)
                                    : keys::skeyid_of_pre_shared_key(*sa.agreed.hash, key, nonces);
  sa.skeyid = keys::derive(*sa.agreed.hash, std::move(base), *shared, sa.cookies);
  sa.cipher_key = keys::cipher_key(*sa.agreed.hash, sa.skeyid.e, sa.agreed.key_bytes());
  sa.iv = phase1_iv(sa);
  return Done{};
}

// ---- identifiers and proofs

void add_identity(ChainWriter& out, IkeSa& sa) {
  const Identity id = own_identity(sa);
  sa.own().id_body = v1wire::compose_identification({id.type, net::protocol::kUdp, 500, id.data});
  out.add(Payload::Identification, sa.own().id_body);
}

Status<Mismatch> read_identity(IkeSa& sa, const Chain& chain) {
  TRY(const Bytes body, only(chain, Payload::Identification));
  const auto id = v1wire::parse_identification(body);
  if (!id) return Failure{broken("ID payload", "the peer's identifier cannot be read", Notify::InvalidIdInformation)};
  sa.theirs().id_body = owned(body);
  sa.peer = {id->type, id->data};
  return Done{};
}

/// RFC 2409 section 5.4: with pre-shared keys main mode knows the peer by its address, and only an address names it.
Status<Mismatch> check_identity(const IkeSa& sa, When when) {
  const Identity& peer = sa.peer;
  if (uses_signatures(sa)) return check_expected(sa, peer);
  if (sa.mode == Exchange::Main && !is_address(peer)) {
    return Failure{Mismatch{"identifier", "an IP address", peer.to_string(), "",
                            "main mode with pre-shared keys takes only addresses: set my_identifier address; at the "
                            "peer, or use aggressive mode or another authentication method",
                            Notify::InvalidIdInformation}};
  }
  // The key belongs to the address: who has it must not take the name of another, unless the file allows that.
  auto wanted = sa.block->peers_identifiers;
  if (!sa.block->verify_identifier) wanted.push_back(Identity::of(sa.remote.address));
  const bool any = sa.block->peers_identifiers.empty() && !sa.block->verify_identifier;
  const bool may_be_inside = when == When::Early && sa.nat.version != nullptr && is_private(peer);
  if (any && (may_be_inside || is_inside_name(sa, peer))) return Done{};
  // A key that stands under a name proves the name.
  if (any && sa.has_key_of_name && !is_address(peer)) return Done{};
  if (std::ranges::find(wanted, peer) != wanted.end()) return Done{};
  return Failure{Mismatch{"identifier", identities_text(wanted), peer.to_string(), "",
                          "add peers_identifier " + std::string{word_of(peer)} + " " + peer.to_string() +
                              "; to remote " + sa.block->name + " here, or change my_identifier at the peer",
                          Notify::InvalidIdInformation}};
}

Status<Mismatch> add_proof(ChainWriter& out, IkeSa& sa) {
  const Secret proof = proof_of(sa, sa.role);
  if (sa.agreed.signs()) return add_signature(out, sa, proof.expose());
  out.add(Payload::Hash, owned(proof.expose()));
  return Done{};
}

Status<Mismatch> check_proof(IkeSa& sa, const Chain& chain) {
  const Secret proof = proof_of(sa, sa.role == Role::Initiator ? Role::Responder : Role::Initiator);
  if (sa.agreed.peer_signs()) return check_signature(sa, chain, proof.expose(), sa.peer);
  TRY(const Bytes hash, only(chain, Payload::Hash));
  if (equal_constant_time(proof.expose(), hash)) return Done{};
  if (sa.agreed.is_hybrid())
    return Failure{broken("HASH payload", "the peer's HASH is wrong", Notify::InvalidHashInformation)};
  const std::string name = sa.has_key_of_name ? sa.peer.to_string() : sa.remote.address.to_string();
  return Failure{
      Mismatch{"pre-shared key", "", "", "",
               "the peer's HASH is wrong: the keys for " + name + " here and for this host there must be the same",
               Notify::InvalidHashInformation}};
}

Status<Mismatch> believe(IkeSa& sa, const Chain& chain, const Environment& env) {
  TRY_DONE(check_proof(sa, chain));
  detect_nat(sa, chain, env.local, env.remote);
  return check_identity(sa, When::Final);
}

Mismatch undecipherable(const IkeSa& sa) {
  return {"pre-shared key",
          "",
          "",
          "",
          "the peer's message cannot be read: most likely the keys for " + sa.remote.address.to_string() +
              " here and for this host there differ",
          Notify::AuthenticationFailed};
}

void add_initial_contact(ChainWriter& out, const IkeSa& sa, const Environment& env) {
  if (sa.role != Role::Initiator || !sa.block->initial_contact || !env.first_contact) return;
  out.add(Payload::Notification,
          v1wire::compose_notification(
              {v1wire::kDoiIpsec, v1wire::Protocol::Isakmp, Notify::InitialContact, sa.cookies.bytes(), {}}));
}

bool says_initial_contact(const Chain& chain) {
  return std::ranges::any_of(chain.payloads, [](const v1wire::PayloadView& p) {
    if (p.type != Payload::Notification) return false;
    const auto n = v1wire::parse_notification(p.body);
    return n && n->type == Notify::InitialContact;
  });
}

}  // namespace testudo::ike::v1
