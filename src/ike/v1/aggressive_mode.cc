#include "ike/v1/aggressive_mode.h"

#include "ike/v1/nat.h"
#include "ike/v1/proof.h"
#include "ike/v1/required.h"
#include "ike/v1/signature.h"

namespace testudo::ike::v1 {
namespace {

using v1wire::Chain;
using v1wire::ChainWriter;
using v1wire::Payload;

/// The group cannot be negotiated: KE goes with the offer, so all proposals have the one of the first.
Reply start(IkeSa& sa, Environment& env) {
  sa.agreed = sa.block->proposals.front();
  TRY_DONE(make_public_value(sa, env));
  make_nonce(sa, env);
  ChainWriter out;
  add_offer(out, sa);
  out.add(Payload::KeyExchange, sa.own().public_value).add(Payload::Nonce, sa.own().nonce);
  add_identity(out, sa);
  add_certificate_requests(out, sa);
  add_vendors(out, sa);
  return out;
}

/// Message 1: HDR, SA, KE, Ni, IDii.  What costs nothing is asked first.
Reply answer_offer(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY(auto choice, choose(sa, chain));
  note_vendors(sa, chain);
  TRY_DONE(read_identity(sa, chain));
  TRY(const Secret key, pre_shared_key(sa, env));
  TRY_DONE(check_identity(sa, When::Early));
  TRY(auto value, peer_public_value(sa, chain));
  TRY(auto nonce, only_nonce(chain));
  if (!sa.work.is_again() && !env.strangers.take(env.now)) {
    return Failure{Mismatch{"aggressive mode", "", "", "",
                            "too many hosts ask for it at once; main mode is answered, and this host may ask again",
                            v1wire::Notify{}, "has to wait"}};
  }
  sa.initiator.public_value = std::move(value);
  sa.initiator.nonce = std::move(nonce);
  TRY_DONE(make_public_value(sa, env));
  make_nonce(sa, env);
  TRY_DONE(derive_keys(sa, key));
  ChainWriter out;
  out.add(Payload::Sa, std::move(choice));
  out.add(Payload::KeyExchange, sa.own().public_value).add(Payload::Nonce, sa.own().nonce);
  add_identity(out, sa);
  TRY_DONE(add_proof(out, sa));
  add_certificate_requests(out, sa);
  add_vendors(out, sa);
  add_nat_detection(out, sa);
  return out;
}

/// Message 2: HDR, SA, KE, Nr, IDir, HASH_R
Reply take_answer(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY_DONE(accept(sa, chain));
  note_vendors(sa, chain);
  TRY_DONE(read_identity(sa, chain));
  TRY(const Secret key, pre_shared_key(sa, env));
  TRY(sa.responder.public_value, peer_public_value(sa, chain));
  TRY(sa.responder.nonce, only_nonce(chain));
  TRY_DONE(derive_keys(sa, key));
  TRY_DONE(believe(sa, chain, env));
  ChainWriter out;
  TRY_DONE(add_proof(out, sa));
  float_ports(sa);
  add_nat_detection(out, sa);
  add_initial_contact(out, sa, env);
  return out;
}

/// Message 3: HDR*, HASH_I
Reply take_proof(IkeSa& sa, const Chain& chain, Environment& env) {
  TRY_DONE(believe(sa, chain, env));
  return ChainWriter{};
}

constexpr std::array kEdges{
    Edge{Role::Responder, State::Idle, State::SaSent, 1, Cover::Clear, false, answer_offer},
    Edge{Role::Initiator, State::SaSent, State::Established, 2, Cover::Clear, true, take_answer},
    Edge{Role::Responder, State::SaSent, State::Established, 3, Cover::Either, false, take_proof},
};
static_assert(is_deterministic(kEdges));

}  // namespace

const Mode& aggressive_mode() {
  static constexpr Mode kMode{v1wire::Exchange::Aggressive, "aggressive", kEdges, start};
  return kMode;
}

}  // namespace testudo::ike::v1
