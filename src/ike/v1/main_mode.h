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
#include "ike/v1/mode.h"

namespace testudo::ike::v1 {

const Mode& main_mode();

}  // namespace testudo::ike::v1
