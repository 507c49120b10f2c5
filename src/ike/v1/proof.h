#pragma once
// What all modes of phase 1 are made of: proposals and vendor ids, contributions to the keys, identifiers, and the
// proof that a side is who it says (RFC 2409 section 5).  Each mode puts these into its own order.  A peer's proof is
// compared in constant time, and believed together with its identifier only.  Pure.
#include "ike/v1/mode.h"

namespace testudo::ike::v1 {

// ---- proposals and vendor ids

void add_vendors(v1wire::ChainWriter& out, const IkeSa& sa);
void note_vendors(IkeSa& sa, const v1wire::Chain& chain);

/// Initiator: SA, kept for the hashes.
void add_offer(v1wire::ChainWriter& out, IkeSa& sa);
/// Responder: chooses of the peer's offers; the body of the SA payload that says so.
Result<ByteVector, Mismatch> choose(IkeSa& sa, const v1wire::Chain& chain);
/// Initiator: takes the peer's choice.
Status<Mismatch> accept(IkeSa& sa, const v1wire::Chain& chain);

// ---- contributions and keys

Status<Mismatch> make_public_value(IkeSa& sa, Environment& env);
void make_nonce(IkeSa& sa, Environment& env);
/// The peer's, which are looked at but not used for anything yet.
Result<ByteVector, Mismatch> peer_public_value(const IkeSa& sa, const v1wire::Chain& chain);

/// Asked for first: for who has no key here nothing is computed.  In main mode it is that of the address; in the others
/// that of the identifier, else that of the address.  Empty with signatures.
Result<Secret, Mismatch> pre_shared_key(IkeSa& sa, const Environment& env);
/// SKEYID of pre-shared keys, which needs no g^xy.
void derive_skeyid(IkeSa& sa, const Secret& key);
/// g^xy and all that follows from it.
Status<Mismatch> derive_keys(IkeSa& sa, const Secret& key);

// ---- identifiers and proofs

/// ID; our contribution has it then.
void add_identity(v1wire::ChainWriter& out, IkeSa& sa);
/// The peer's: sa.peer and its contribution have it then.  Nothing is proved by that.
Status<Mismatch> read_identity(IkeSa& sa, const v1wire::Chain& chain);

/// Whether the configuration takes this name, in the modes that show it at the beginning.  A private address may be
/// that of a peer behind a NAT: as long as nobody knows (`early`), it is let pass.
enum class When : std::uint8_t { Early, Final };
Status<Mismatch> check_identity(const IkeSa& sa, When when);

/// HASH, or CERT and SIG.
Status<Mismatch> add_proof(v1wire::ChainWriter& out, IkeSa& sa);
/// The peer's, for sa.peer.
Status<Mismatch> check_proof(IkeSa& sa, const v1wire::Chain& chain);
/// Aggressive and base mode: the proof of a name shown before, and for good whether the configuration takes that name,
/// which depends on the NAT that NAT-D of the same message shows.
Status<Mismatch> believe(IkeSa& sa, const v1wire::Chain& chain, const Environment& env);

/// Payloads that make no sense after decryption are what another pre-shared key looks like.
Mismatch undecipherable(const IkeSa& sa);

void add_initial_contact(v1wire::ChainWriter& out, const IkeSa& sa, const Environment& env);
/// True when the chain says INITIAL-CONTACT.
bool says_initial_contact(const v1wire::Chain& chain);

}  // namespace testudo::ike::v1
