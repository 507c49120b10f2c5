#include "ike/v1/main_mode.h"

#include <algorithm>
#include <array>

#include "ike/negotiate/phase1.h"
#include "ike/v1/crypt.h"
#include "ike/v1/nat.h"
#include "ike/v1/required.h"
#include "ike/v1/signature.h"
#include "wire/ike/v1/payload.h"
#include "wire/ike/v1/sa.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Chain;
using v1wire::ChainWriter;
using v1wire::Notify;
using v1wire::Payload;
using Reply = Result<ChainWriter, Mismatch>;

/// RFC 3706 section 5.1, version 1.0.
constexpr std::array<std::uint8_t, 16> kDpdVendor{0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9,
                                                  0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00};

void add_vendors(ChainWriter& out, const IkeSa& sa) {
  add_nat_vendors(out, sa);
  if (sa.block->dpd) out.add(Payload::VendorId, owned(kDpdVendor));
}

void note_vendors(IkeSa& sa, const Chain& chain) {
  choose_nat_version(sa, chain);
  sa.liveness.peer_answers = std::ranges::any_of(chain.payloads, [](const v1wire::PayloadView& p) {
    return p.type == Payload::VendorId && std::ranges::equal(p.body, kDpdVendor);
  });
}

// ---- responder, message 1: HDR, SA

Reply answer_offer(IkeSa& sa, const Chain& chain, Environment&) {
  TRY(const auto offer, only_sa(chain));
  TRY(const auto choice, negotiate::choose_phase1(offer, *sa.block));
  sa.agreed = choice.agreed;
  sa.sa_body = owned(chain.find(Payload::Sa)->body);
  note_vendors(sa, chain);
  ChainWriter out;
  out.add(Payload::Sa, v1wire::compose_sa(choice.answer));
  add_vendors(out, sa);
  return out;
}

// ---- initiator, message 2: HDR, SA

Status<Mismatch> make_contribution(IkeSa& sa, Contribution& own, Environment& env) {
  auto made = crypto::ike::KeyExchange::generate(*sa.agreed.group, env.random);
  if (!made) return Failure{broken("DH group", "this machine's OpenSSL cannot compute in it")};
  own.public_value = made->public_value();
  own.nonce.resize(sa.block->nonce_size);
  env.random.fill(own.nonce);
  sa.key_exchange = std::move(made);
  return Done{};
}

ChainWriter key_exchange_payloads(const IkeSa& sa) {
  const Contribution& own = sa.own();
  ChainWriter out;
  out.add(Payload::KeyExchange, own.public_value).add(Payload::Nonce, own.nonce);
  add_nat_detection(out, sa);
  add_certificate_requests(out, sa);
  return out;
}

Reply take_choice(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY(const auto answer, only_sa(chain));
  TRY(const auto agreed, negotiate::accept_phase1(answer, *sa.block));
  sa.agreed = agreed;
  TRY_DONE(make_contribution(sa, sa.initiator, env));
  note_vendors(sa, chain);
  return key_exchange_payloads(sa);
}

// ---- messages 3 and 4: HDR, KE, N

struct PeerExchange {
  ByteVector public_value, nonce;
};

Mismatch improper_value(const IkeSa& sa) {
  return broken("KE payload", "the peer's value is no proper member of " + std::string{sa.agreed.group->name},
                Notify::InvalidKeyInformation);
}

Result<PeerExchange, Mismatch> peer_exchange(const IkeSa& sa, const Chain& chain) {
  TRY(const Bytes value, only(chain, Payload::KeyExchange));
  TRY(auto nonce, only_nonce(chain));
  if (!crypto::ike::KeyExchange::is_plausible(*sa.agreed.group, value)) return Failure{improper_value(sa)};
  return PeerExchange{owned(value), std::move(nonce)};
}

/// Asked for first: for who has no key here nothing is computed.
Result<Secret, Mismatch> pre_shared_key(const IkeSa& sa, const Environment& env) {
  if (uses_signatures(sa)) return Secret{};
  const std::string name = sa.remote.address.to_string();
  if (auto key = env.keys.pre_shared_key(name)) return *std::move(key);
  return Failure{Mismatch{"pre-shared key", "none for " + name, "", "",
                          "add a line \"" + name + " KEY\" to the file of path pre_shared_key here",
                          Notify::AuthenticationFailed}};
}

/// g^xy and all that follows from it.
Status<Mismatch> derive_keys(IkeSa& sa, const Secret& key) {
  const Bytes peer = sa.role == Role::Initiator ? sa.responder.public_value : sa.initiator.public_value;
  const auto shared = sa.key_exchange->agree(peer);
  if (!shared) return Failure{improper_value(sa)};
  const keys::NoncePair nonces{sa.initiator.nonce, sa.responder.nonce};
  Secret base = uses_signatures(sa) ? keys::skeyid_of_signatures(*sa.agreed.hash, *shared, nonces)
                                    : keys::skeyid_of_pre_shared_key(*sa.agreed.hash, key, nonces);
  sa.skeyid = keys::derive(*sa.agreed.hash, std::move(base), *shared, sa.cookies);
  sa.cipher_key = keys::cipher_key(*sa.agreed.hash, sa.skeyid.e, sa.agreed.key_bytes());
  sa.iv = phase1_iv(sa);
  return Done{};
}

Reply answer_key_exchange(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY(const Secret key, pre_shared_key(sa, env));
  TRY(auto peer, peer_exchange(sa, chain));
  TRY_DONE(make_contribution(sa, sa.responder, env));
  sa.initiator.public_value = std::move(peer.public_value);
  sa.initiator.nonce = std::move(peer.nonce);
  TRY_DONE(derive_keys(sa, key));
  detect_nat(sa, chain);
  return key_exchange_payloads(sa);
}

// ---- messages 5 and 6: HDR*, ID, HASH

Identity own_identity(const IkeSa& sa) {
  if (uses_signatures(sa)) return own_certificate_identity(sa);
  return sa.block->my_identifier.value_or(Identity::of(sa.local.address));
}

Secret proof_of(const IkeSa& sa, Role who) {
  const bool initiator = who == Role::Initiator;
  const Contribution& own = initiator ? sa.initiator : sa.responder;
  const Contribution& other = initiator ? sa.responder : sa.initiator;
  return keys::phase1_hash(
      *sa.agreed.hash, sa.skeyid.base,
      {own.public_value, other.public_value, initiator ? sa.cookies.initiator : sa.cookies.responder,
       initiator ? sa.cookies.responder : sa.cookies.initiator, sa.sa_body, own.id_body});
}

Reply identity_payloads(IkeSa& sa, Environment& env) {
  const Identity id = own_identity(sa);
  Contribution& own = sa.role == Role::Initiator ? sa.initiator : sa.responder;
  own.id_body = v1wire::compose_identification({id.type, net::protocol::kUdp, 500, id.data});
  ChainWriter out;
  out.add(Payload::Identification, own.id_body);
  const Secret proof = proof_of(sa, sa.role);
  if (uses_signatures(sa)) {
    TRY_DONE(add_signature(out, sa, proof.expose()));
  } else {
    out.add(Payload::Hash, owned(proof.expose()));
  }
  if (sa.role == Role::Initiator && sa.block->initial_contact && env.first_contact) {
    out.add(Payload::Notification,
            v1wire::compose_notification(
                {v1wire::kDoiIpsec, v1wire::Protocol::Isakmp, Notify::InitialContact, sa.cookies.bytes(), {}}));
  }
  return out;
}

Reply take_key_exchange(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY(const Secret key, pre_shared_key(sa, env));
  TRY(auto peer, peer_exchange(sa, chain));
  sa.responder.public_value = std::move(peer.public_value);
  sa.responder.nonce = std::move(peer.nonce);
  TRY_DONE(derive_keys(sa, key));
  detect_nat(sa, chain);
  float_ports(sa);
  return identity_payloads(sa, env);
}

std::string identities_text(const std::vector<Identity>& ids) {
  std::string text;
  for (const Identity& id : ids) text += (text.empty() ? "" : " or ") + id.to_string();
  return text;
}

/// RFC 2409 section 5.4: with pre-shared keys main mode knows the peer by its address, and only an address names it.
Status<Mismatch> check_identity(const IkeSa& sa, const Identity& peer) {
  if (peer.type != v1wire::IdType::V4Address && peer.type != v1wire::IdType::V6Address) {
    return Failure{Mismatch{"identifier", "an IP address", peer.to_string(), "",
                            "main mode with pre-shared keys takes only addresses: set my_identifier address; at the "
                            "peer, or use another authentication method",
                            Notify::InvalidIdInformation}};
  }
  // The key belongs to the address: who has it must not take the name of another, unless the file allows that.
  auto wanted = sa.block->peers_identifiers;
  if (!sa.block->verify_identifier) wanted.push_back(Identity::of(sa.remote.address));
  const bool any_inside = sa.block->peers_identifiers.empty() && !sa.block->verify_identifier;
  if (any_inside && is_inside_name(sa, peer)) return Done{};
  if (std::ranges::find(wanted, peer) == wanted.end()) {
    return Failure{Mismatch{"identifier", identities_text(wanted), peer.to_string(), "",
                            "add peers_identifier address " + peer.to_string() + "; to remote " + sa.block->name +
                                " here, or change my_identifier at the peer",
                            Notify::InvalidIdInformation}};
  }
  return Done{};
}

/// The peer's ID and HASH, from its message 5 or 6.
Status<Mismatch> authenticate(IkeSa& sa, const Chain& chain) {
  TRY(const Bytes id_body, only(chain, Payload::Identification));
  const auto id = v1wire::parse_identification(id_body);
  if (!id) return Failure{broken("ID payload", "the peer's identifier cannot be read", Notify::InvalidIdInformation)};
  Contribution& theirs = sa.role == Role::Initiator ? sa.responder : sa.initiator;
  theirs.id_body = owned(id_body);
  const Role peer_role = sa.role == Role::Initiator ? Role::Responder : Role::Initiator;
  const Secret proof = proof_of(sa, peer_role);
  const Identity peer{id->type, id->data};
  if (uses_signatures(sa)) {
    TRY_DONE(check_signature(sa, chain, proof.expose(), peer));
    sa.peer = peer;
    return Done{};
  }
  TRY(const Bytes hash, only(chain, Payload::Hash));
  if (!equal_constant_time(proof.expose(), hash)) {
    return Failure{Mismatch{"pre-shared key", "", "", "",
                            "the peer's HASH is wrong: the keys for " + sa.remote.address.to_string() +
                                " here and for this host there must be the same",
                            Notify::InvalidHashInformation}};
  }
  TRY_DONE(check_identity(sa, peer));
  sa.peer = peer;
  return Done{};
}

Reply answer_identity(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY_DONE(authenticate(sa, chain));
  return identity_payloads(sa, env);
}

Reply take_identity(IkeSa& sa, const Chain& chain, Environment&) {
  TRY_DONE(authenticate(sa, chain));
  return ChainWriter{};
}

constexpr std::array kMainMode{
    Edge{Role::Responder, State::Idle, State::SaSent, 1, false, answer_offer},
    Edge{Role::Initiator, State::SaSent, State::KeSent, 2, false, take_choice},
    Edge{Role::Responder, State::SaSent, State::KeSent, 3, false, answer_key_exchange},
    Edge{Role::Initiator, State::KeSent, State::IdSent, 4, false, take_key_exchange},
    Edge{Role::Responder, State::KeSent, State::Established, 5, true, answer_identity},
    Edge{Role::Initiator, State::IdSent, State::Established, 6, true, take_identity},
};

/// No two rows for one (role, state): order can never matter.
constexpr bool deterministic(std::span<const Edge> edges) {
  for (std::size_t i = 0; i < edges.size(); ++i) {
    for (std::size_t j = i + 1; j < edges.size(); ++j) {
      if (edges[i].role == edges[j].role && edges[i].from == edges[j].from) return false;
    }
  }
  return true;
}
static_assert(deterministic(kMainMode));

}  // namespace

ChainWriter start_main_mode(IkeSa& sa) {
  sa.sa_body = v1wire::compose_sa(negotiate::phase1_offer(*sa.block));
  ChainWriter out;
  out.add(Payload::Sa, sa.sa_body);
  add_vendors(out, sa);
  return out;
}

const Edge* main_mode_edge(Role role, State state) {
  const auto edge = std::ranges::find_if(kMainMode, [&](const Edge& e) { return e.role == role && e.from == state; });
  return edge == kMainMode.end() ? nullptr : &*edge;
}

bool says_initial_contact(const Chain& chain) {
  return std::ranges::any_of(chain.payloads, [](const v1wire::PayloadView& p) {
    if (p.type != Payload::Notification) return false;
    const auto n = v1wire::parse_notification(p.body);
    return n && n->type == Notify::InitialContact;
  });
}

}  // namespace testudo::ike::v1
