#pragma once
// Mode-config, draft-ietf-ipsec-isakmp-mode-cfg-05, and Cisco's Unity attributes, as attributes of transactions:
//
//        client                                         server
//        REQUEST(ADDRESS, NETMASK, DNS, …)  -->
//                                           <--  REPLY(ADDRESS = …, …)       or, unasked, SET(ADDRESS = …, …)
//
// IPv4 only.  Pure.
#include "ike/policy.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {

using wire::ike::v1::Configuration;

/// Client: all that it can use.
Configuration config_question();
/// Client: what it got; what cannot be read, or is no text for a shell, is left out.
Assignment read_assignment(const Configuration& said);

/// Server: what was asked for, of what there is.
Configuration config_answer(const Configuration& question, const Assignment& lent, const ModeConfig& conf);
/// Server: what such an answer says.
Assignment assignment_of(const ModeConfig& conf, unsigned place);
/// Server: whether a client whose address is `own` asks for SAs to an address of the pool that is not its own.  A
/// network that begins outside of the pool is an administrator's, who has a policy for it: see reaches_into_pool().
bool is_of_another(const ModeConfig& conf, const std::optional<net::Address>& own, const net::Prefix& asked);
/// Server: whether any address of the pool but `own` is in what a client asks for.
bool reaches_into_pool(const ModeConfig& conf, const std::optional<net::Address>& own, const net::Prefix& asked);

}  // namespace testudo::ike::v1
