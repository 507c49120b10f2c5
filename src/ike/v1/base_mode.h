#pragma once
// Base mode with pre-shared keys or RSA signatures, as racoon spoke it (draft-ietf-ipsec-ike-base-mode, which expired):
// identifiers in clear as in aggressive mode, but nothing is computed before the initiator has returned our cookie. All
// four messages are in clear.  HASH_I cannot cover g^xr, which its sender does not know.
//
//        initiator                              responder
//     1  HDR, SA, IDii, Ni          -->
//     2                             <--    HDR, SA, IDir, Nr
//     3  HDR, KE, HASH_I            -->
//     4                             <--    HDR, KE, HASH_R
#include "ike/v1/mode.h"

namespace testudo::ike::v1 {

const Mode& base_mode();

}  // namespace testudo::ike::v1
