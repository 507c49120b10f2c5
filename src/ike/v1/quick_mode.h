#pragma once
// Quick mode: RFC 2409 section 5.5.
//
//        initiator                                         responder
//     1  HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr]  -->
//     2                                               <--  HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr]
//     3  HDR*, HASH(3)                                -->
//
// The responder installs what comes in before it answers and what goes out when message 3 proves that the initiator
// lives: so no packet of the initiator meets a missing SA, also when keys change under traffic.  Messages are made and
// judged here; what becomes of a judgement is exchanges.h's.
#include "ike/event.h"
#include "ike/v1/mode.h"

namespace testudo::ike::v1 {

/// Why a NAT in between keeps these items from being negotiated; AH covers the addresses that a NAT changes.
Status<Mismatch> check_nat(const IkeSa& sa, const std::vector<ChildItem>& items);

/// HASH(1), SA, Ni, …: the SPIs are there.
Result<ByteVector, Mismatch> compose_offer(IkeSa& sa, Quick& quick, Environment& env);

/// Message 1, decrypted: HASH(1) is verified, ids are read, the policy and a sainfo are found, a proposal is chosen.
Status<Mismatch> judge_offer(IkeSa& sa, Quick& quick, const v1wire::Chain& chain, Bytes plain,
                             const PolicyBase& policies);
/// Message 2: the SPIs are there.
Result<ByteVector, Mismatch> compose_answer(IkeSa& sa, Quick& quick, Environment& env);

/// Message 2, decrypted.
Status<Mismatch> judge_answer(IkeSa& sa, Quick& quick, const v1wire::Chain& chain, Bytes plain);
ByteVector compose_confirmation(IkeSa& sa, Quick& quick);

/// Message 3, decrypted.
Status<Mismatch> judge_confirmation(const IkeSa& sa, const Quick& quick, const v1wire::Chain& chain);

/// The SAs of one direction, keyed: RFC 2409 section 5.5.
std::vector<ChildSa> child_sas(const IkeSa& sa, const Quick& quick, ChildSa::Direction direction);

}  // namespace testudo::ike::v1
