#pragma once
// Main mode with pre-shared keys or RSA signatures: RFC 2409 sections 5.4 and 5.1.  With signatures CERT payloads and
// SIG take the place of HASH; signing and verifying run inline, behind a Diffie-Hellman exchange that a stranger must
// finish.
//
//        initiator                              responder
//     1  HDR, SA                    -->
//     2                             <--    HDR, SA
//     3  HDR, KE, Ni                -->
//     4                             <--    HDR, KE, Nr
//     5  HDR*, IDii, HASH_I         -->
//     6                             <--    HDR*, IDir, HASH_R
//
// A handler that fails leaves nothing behind that the right message, when it comes, would not overwrite: nobody can end
// a negotiation by sending a wrong one.
#include "base/random.h"
#include "base/result.h"
#include "ike/ports.h"
#include "ike/v1/sa.h"
#include "wire/ike/v1/chain.h"

namespace testudo::ike::v1 {

struct Environment {
  Time now{};
  Random& random;
  const KeyStore& keys;
  bool first_contact = false;  ///< no other SA with this peer: say INITIAL-CONTACT
};

/// Message 1.
v1wire::ChainWriter start_main_mode(IkeSa& sa);

/// The handler of the next message of this SA; its number is known even when it fails.
struct Edge {
  Role role;
  State from, to;
  int message;
  bool encrypted;
  Result<v1wire::ChainWriter, Mismatch> (*handler)(IkeSa&, const v1wire::Chain&, Environment&);
};
/// Null when no message is awaited.
const Edge* main_mode_edge(Role role, State state);

/// True when the chain says INITIAL-CONTACT.
bool says_initial_contact(const v1wire::Chain& chain);

}  // namespace testudo::ike::v1
