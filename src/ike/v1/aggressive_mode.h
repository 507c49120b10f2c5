#pragma once
// Aggressive mode with pre-shared keys or RSA signatures: RFC 2409 sections 5.4 and 5.1, RFC 3947 section 3.2 (NAT-D in
// messages 2 and 3).  Identifiers are in clear, and with pre-shared keys HASH_R lets whoever asks try keys at leisure:
// configurations that allow it are warned.  The responder computes for a stranger, so only as often as its budget
// allows, and only for one whose proposal, identifier and key it knows.  Message 3 is taken encrypted or in clear,
// since peers differ; ours is encrypted.
//
//        initiator                              responder
//     1  HDR, SA, KE, Ni, IDii      -->
//     2                             <--    HDR, SA, KE, Nr, IDir, HASH_R
//     3  HDR*, HASH_I               -->
#include "ike/v1/mode.h"

namespace testudo::ike::v1 {

const Mode& aggressive_mode();

}  // namespace testudo::ike::v1
