#include "ike/v1/base_mode.h"

#include "ike/v1/nat.h"
#include "ike/v1/proof.h"
#include "ike/v1/required.h"
#include "ike/v1/signature.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Chain;
using v1wire::ChainWriter;
using v1wire::Payload;

Reply start(IkeSa& sa, Environment& env) {
  make_nonce(sa, env);
  ChainWriter out;
  add_offer(out, sa);
  add_identity(out, sa);
  out.add(Payload::Nonce, sa.own().nonce);
  add_vendors(out, sa);
  return out;
}

/// Message 1: HDR, SA, IDii, Ni
Reply answer_offer(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY(auto choice, choose(sa, chain));
  note_vendors(sa, chain);
  TRY_DONE(read_identity(sa, chain));
  TRY_DONE(pre_shared_key(sa, env));
  TRY_DONE(check_identity(sa, When::Early));
  TRY(sa.initiator.nonce, only_nonce(chain));
  make_nonce(sa, env);
  ChainWriter out;
  out.add(Payload::Sa, std::move(choice));
  add_identity(out, sa);
  out.add(Payload::Nonce, sa.own().nonce);
  add_vendors(out, sa);
  return out;
}

ChainWriter key_exchange_payloads(const IkeSa& sa) {
  ChainWriter out;
  out.add(Payload::KeyExchange, sa.own().public_value);
  add_nat_detection(out, sa);
  return out;
}

/// Message 2: HDR, SA, IDir, Nr
Reply take_choice(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY_DONE(accept(sa, chain));
  note_vendors(sa, chain);
  TRY_DONE(read_identity(sa, chain));
  TRY(const Secret key, pre_shared_key(sa, env));
  TRY_DONE(check_identity(sa, When::Early));
  TRY(sa.responder.nonce, only_nonce(chain));
  TRY_DONE(make_public_value(sa, env));
  if (!uses_signatures(sa)) derive_skeyid(sa, key);
  ChainWriter out = key_exchange_payloads(sa);
  TRY_DONE(add_proof(out, sa));
  add_certificate_requests(out, sa);
  return out;
}

/// Message 3: HDR, KE, HASH_I.  The proof needs no g^xy, so a wrong one costs none.
Reply answer_proof(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY(const Secret key, pre_shared_key(sa, env));
  TRY(sa.initiator.public_value, peer_public_value(sa, chain));
  if (!uses_signatures(sa)) derive_skeyid(sa, key);
  TRY_DONE(believe(sa, chain, env));
  TRY_DONE(make_public_value(sa, env));
  TRY_DONE(derive_keys(sa, key));
  ChainWriter out = key_exchange_payloads(sa);
  TRY_DONE(add_proof(out, sa));
  return out;
}

/// Message 4: HDR, KE, HASH_R
Reply take_proof(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY(const Secret key, pre_shared_key(sa, env));
  TRY(sa.responder.public_value, peer_public_value(sa, chain));
  TRY_DONE(derive_keys(sa, key));
  TRY_DONE(believe(sa, chain, env));
  float_ports(sa);
  return ChainWriter{};
}

constexpr std::array kEdges{
    Edge{Role::Responder, State::Idle, State::SaSent, 1, Cover::Clear, false, answer_offer},
    Edge{Role::Initiator, State::SaSent, State::KeSent, 2, Cover::Clear, false, take_choice},
    Edge{Role::Responder, State::SaSent, State::Established, 3, Cover::Clear, false, answer_proof},
    Edge{Role::Initiator, State::KeSent, State::Established, 4, Cover::Clear, false, take_proof},
};
static_assert(is_deterministic(kEdges));

}  // namespace

const Mode& base_mode() {
  static constexpr Mode kMode{v1wire::Exchange::Base, "base", kEdges, start};
  return kMode;
}

}  // namespace testudo::ike::v1
