#include "ike/v1/main_mode.h"

#include "ike/v1/nat.h"
#include "ike/v1/proof.h"
#include "ike/v1/required.h"
#include "ike/v1/signature.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Chain;
using v1wire::ChainWriter;
using v1wire::Payload;

Reply start(IkeSa& sa, Environment&) {
  ChainWriter out;
  add_offer(out, sa);
  add_vendors(out, sa);
  return out;
}

/// Message 1: HDR, SA
Reply answer_offer(IkeSa& sa, const Chain& chain, Environment&) {
  TRY(auto choice, choose(sa, chain));
  note_vendors(sa, chain);
  ChainWriter out;
  out.add(Payload::Sa, std::move(choice));
  add_vendors(out, sa);
  return out;
}

ChainWriter key_exchange_payloads(const IkeSa& sa) {
  ChainWriter out;
  out.add(Payload::KeyExchange, sa.own().public_value).add(Payload::Nonce, sa.own().nonce);
  add_nat_detection(out, sa);
  add_certificate_requests(out, sa);
  return out;
}

/// Message 2: HDR, SA
Reply take_choice(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY_DONE(accept(sa, chain));
  TRY_DONE(make_public_value(sa, env));
  make_nonce(sa, env);
  note_vendors(sa, chain);
  return key_exchange_payloads(sa);
}

/// Messages 3 and 4: HDR, KE, N
Status<Mismatch> read_key_exchange(IkeSa& sa, const Chain& chain) {
  TRY(auto value, peer_public_value(sa, chain));
  TRY(auto nonce, only_nonce(chain));
  sa.theirs().public_value = std::move(value);
  sa.theirs().nonce = std::move(nonce);
  return Done{};
}

Reply answer_key_exchange(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY(const Secret key, pre_shared_key(sa, env));
  TRY_DONE(read_key_exchange(sa, chain));
  TRY_DONE(make_public_value(sa, env));
  make_nonce(sa, env);
  TRY_DONE(derive_keys(sa, key));
  detect_nat(sa, chain, env.local, env.remote);
  return key_exchange_payloads(sa);
}

/// Messages 5 and 6: HDR*, ID, HASH
Reply identity_payloads(IkeSa& sa, Environment& env) {
  ChainWriter out;
  add_identity(out, sa);
  TRY_DONE(add_proof(out, sa));
  add_initial_contact(out, sa, env);
  return out;
}

Reply take_key_exchange(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY(const Secret key, pre_shared_key(sa, env));
  TRY_DONE(read_key_exchange(sa, chain));
  TRY_DONE(derive_keys(sa, key));
  detect_nat(sa, chain, env.local, env.remote);
  TRY(auto out, identity_payloads(sa, env));
  float_ports(sa);
  return out;
}

Status<Mismatch> authenticate(IkeSa& sa, const Chain& chain) {
  TRY_DONE(read_identity(sa, chain));
  TRY_DONE(check_proof(sa, chain));
  return check_identity(sa, When::Final);
}

Reply answer_identity(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY_DONE(authenticate(sa, chain));
  return identity_payloads(sa, env);
}

Reply take_identity(IkeSa& sa, const Chain& chain, Environment&) {
  TRY_DONE(authenticate(sa, chain));
  return ChainWriter{};
}

constexpr std::array kEdges{
    Edge{Role::Responder, State::Idle, State::SaSent, 1, Cover::Clear, false, answer_offer},
    Edge{Role::Initiator, State::SaSent, State::KeSent, 2, Cover::Clear, false, take_choice},
    Edge{Role::Responder, State::SaSent, State::KeSent, 3, Cover::Clear, false, answer_key_exchange},
    Edge{Role::Initiator, State::KeSent, State::IdSent, 4, Cover::Clear, true, take_key_exchange},
    Edge{Role::Responder, State::KeSent, State::Established, 5, Cover::Encrypted, true, answer_identity},
    Edge{Role::Initiator, State::IdSent, State::Established, 6, Cover::Encrypted, false, take_identity},
};
static_assert(is_deterministic(kEdges));

}  // namespace

const Mode& main_mode() {
  static constexpr Mode kMode{v1wire::Exchange::Main, "main", kEdges, start};
  return kMode;
}

}  // namespace testudo::ike::v1
