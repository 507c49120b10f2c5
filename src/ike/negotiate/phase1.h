#pragma once
// The choice of a phase 1 transform: RFC 2409 section 5 and appendix A, racoon's proposal_check.  Pure: offers and
// configuration in, a transform or the reason why not out.
#include <string>

#include "base/result.h"
#include "ike/policy.h"
#include "ike/refusal.h"
#include "wire/ike/v1/sa.h"

namespace testudo::ike::negotiate {

/// All proposals of the block in file order, as transforms of one proposal: RFC 2409 section 5, "there MUST be only
/// one".
v1wire::SaPayload phase1_offer(const Remote& remote);

/// The word of authentication_method.
std::string method_name(const Phase1Transform& transform);

struct Phase1Choice {
  Phase1Transform agreed;
  v1wire::SaPayload answer;  ///< the chosen transform as the peer sent it
};
/// As responder: the first of theirs that one of ours takes.
Result<Phase1Choice, Mismatch> choose_phase1(const v1wire::SaPayload& theirs, const Remote& ours);

/// As initiator: what the responder chose must be one transform that we offered.
Result<Phase1Transform, Mismatch> accept_phase1(const v1wire::SaPayload& answer, const Remote& ours);

/// "aes 128, sha2_256, pre_shared_key, modp2048, 28800 s"
std::string to_string(const Phase1Transform& transform);

}  // namespace testudo::ike::negotiate
