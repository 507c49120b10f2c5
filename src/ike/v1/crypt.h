#pragma once
// Encryption of ISAKMP messages: RFC 2409 section 5 and appendix B.  One chain of IVs in phase 1, and one for each
// message id under it.  open() changes nothing: the next IV is taken only when the message proved to be the peer's.
#include "base/result.h"
#include "ike/v1/sa.h"
#include "wire/ike/header.h"
#include "wire/ike/v1/chain.h"

namespace testudo::ike::v1 {

struct Opened {
  ByteVector plain;
  v1wire::Chain chain;  ///< views into plain
  ByteVector next_iv;
};
/// Malformed when lengths, padding or the chain make no sense: which is what a wrong key looks like.
Result<Opened, wire::Malformed> open(const IkeSa& sa, Bytes iv, const wire::ike::Message& message);

/// Header and encrypted payloads; `iv` becomes the next one.  Empty when the library failed.
ByteVector seal(const IkeSa& sa, ByteVector& iv, wire::ike::Header header, const v1wire::ChainWriter& payloads);

/// A message of an exchange under phase 1 of one payload, with the HASH over it in front; `iv` becomes the next one.
/// The payload is wiped: it may hold a password.
struct Proven {
  v1wire::Exchange exchange{};
  std::uint32_t message_id = 0;
  v1wire::Payload type{};
  ByteVector body;
};
ByteVector seal_proven(const IkeSa& sa, ByteVector& iv, Proven payload);

/// Decrypted, and with the right HASH as its first payload; else why not.
Result<Opened, std::string> open_proven(const IkeSa& sa, Bytes iv, const wire::ike::Message& message);

/// By which a datagram that came before is known again.
ByteVector digest_of(Bytes datagram);

/// hash(g^xi | g^xr), cut to a block.
ByteVector phase1_iv(const IkeSa& sa);
/// hash(last block of phase 1 | M-ID), cut to a block.
ByteVector phase2_iv(const IkeSa& sa, std::uint32_t message_id);

/// prf(SKEYID_a, M-ID | …) of the exchanges under a phase 1.
Secret phase2_hash(const IkeSa& sa, std::uint32_t message_id, Bytes nonces, Bytes payloads);
/// HASH(3) of quick mode: prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b).
Secret confirmation_hash(const IkeSa& sa, std::uint32_t message_id, Bytes nonce_i, Bytes nonce_r);

}  // namespace testudo::ike::v1
