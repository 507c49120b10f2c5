#pragma once
// generate_policy of racoon.conf(5): a responder makes a policy of what a peer asks for in quick mode, for peers that
// nobody can know before.  What a peer may not have: networks that the administrator has a policy for, networks of
// another peer, and all addresses there are.  Each policy goes with the last SA of its peer.  docs/adr/0020.  Pure.
#include "ike/ports.h"
#include "ike/refusal.h"
#include "ike/v1/sa.h"

namespace testudo::ike::v1 {

/// Of phase 1's responder only, as racoon has it: whoever begins has a policy.
bool generates_policies(const IkeSa& sa);

/// Whose a policy is: as much of the peer as it has proved.  Behind a NAT many have the address 192.168.1.2, and what
/// they share a key for they may all call themselves: then the address that they are seen with counts too.
struct Owner {
  Identity peer;
  std::string user;                     ///< of XAUTH
  std::optional<net::Address> address;  ///< when nothing better tells it from others

  friend bool operator==(const Owner&, const Owner&) = default;
};
Owner proven_owner(const IkeSa& sa);
std::string owner_text(const Owner& owner);

/// The identifiers of quick mode, as policies name them.
struct QuickIds {
  v1wire::Identification ours, theirs;
};

/// The address of a host behind a NAT, as packets in transport mode carry it outside.
v1wire::Identification outside(const v1wire::Identification& id, const net::Address& seen, bool behind_nat);

/// The policy that the peer's offer asks for, as a request.
Result<ChildRequest, Mismatch> generated_request(const IkeSa& sa, const QuickIds& ids, const v1wire::SaPayload& offer,
                                                 const PolicyBase& policies);

}  // namespace testudo::ike::v1
