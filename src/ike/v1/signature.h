#pragma once
// Authentication of phase 1 by RSA signatures and X.509 certificates: RFC 2409 section 5.1, RFC 4945 (which identifier
// fits which certificate).  A peer is believed when its chain ends at an anchor of its remote block, its SIG is right,
// and its certificate bears the identifier that it gave; or, with keys that no certificate names (plain_rsa), when SIG
// is right by a key that the configuration has for that identifier or address (docs/adr/0022).  Pure, but for the time
// of day that OpenSSL asks for.
#include "base/result.h"
#include "ike/v1/sa.h"
#include "wire/ike/v1/chain.h"

namespace testudo::ike::v1 {

/// Of either side: the keys do not come from a pre-shared one.
bool uses_signatures(const IkeSa& sa);

/// my_identifier; without a value the subject of our certificate, without both the local address.
Identity own_identity(const IkeSa& sa);

/// CERTREQ with the names of the anchors.
void add_certificate_requests(v1wire::ChainWriter& out, const IkeSa& sa);

/// CERT payloads and SIG.
Status<Mismatch> add_signature(v1wire::ChainWriter& out, IkeSa& sa, Bytes proof);

/// Chains, CRLs and the signature are public-key work of the size that a stranger chooses (docs/adr/0023).
Status<Mismatch> check_signature(IkeSa& sa, const v1wire::Chain& chain, Bytes proof, const Identity& peer);

/// Whether what a peer signs with shows that this is its name: a certificate bears it; a plain key may be anybody's.
bool key_proves_name(const IkeSa& sa, const Identity& peer);

/// What it means that a peer answers our signature by a plain key like this.
Mismatch about_plain_key(const IkeSa& sa, v1wire::Notify type);

/// Whether a peers_identifier names it, or none is asked for.
Status<Mismatch> check_expected(const IkeSa& sa, const Identity& peer);

}  // namespace testudo::ike::v1
