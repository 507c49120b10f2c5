#pragma once
// Policies in the words of PF_KEY and back.  What netipsec refuses is refused here, with its errno.
#include "pfkey/server/errno.h"
#include "spd/policy.h"
#include "wire/pfkey/message.h"

namespace testudo::pfkey::server {

/// In or Out; KAME knows no other.
Result<spd::Direction, Errno> direction_of(wire::pfkey::Direction word);
/// Of a policy for the database.  What programs written for Linux say of packets that are forwarded is said of all that
/// come in, as setkey reads `fwd` on NetBSD: there one list judges both.
Result<spd::Direction, Errno> direction_of(const wire::pfkey::PolicyExt& policy);
/// Source, destination, upper-layer protocol and ports of both addresses.
Result<net::Selector, Errno> selector_of(const wire::pfkey::Message& message);

enum class Requests : std::uint8_t { Needed, MayLack };
/// A policy for the database, from SRC, DST, POLICY and (lifetime, validtime) HARD.
Result<spd::Policy, Errno> policy_of(const wire::pfkey::Message& message, Requests requests, Time now);

/// What a socket option asks for: IPSEC, ENTRUST or BYPASS, and no selector.
Result<spd::Policy, Errno> socket_policy_of(const wire::pfkey::PolicyExt& ext, Time now);

wire::pfkey::PolicyExt policy_ext(const spd::Policy& policy);
/// SRC, DST and POLICY.
void describe_policy(const spd::Policy& policy, wire::pfkey::Message& into);

}  // namespace testudo::pfkey::server
