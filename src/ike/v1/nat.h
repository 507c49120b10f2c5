#pragma once
// NAT traversal in phase 1: RFC 3947 and its drafts 02 and 03.  Vendor ids say who can, NAT-D payloads show both sides
// whether addresses or ports change on the way; if so the initiator goes on at port 4500 and ESP travels in UDP (RFC
// 3948).  NAT-D is in clear, and proved by nothing: who changes it makes packets longer or stops them, no more.  Drafts
// 00 and 01, which stay on port 500, are not spoken.  Pure.
#include "ike/event.h"
#include "ike/v1/sa.h"
#include "wire/ike/v1/chain.h"

namespace testudo::ike::v1 {

/// What differs between the documents.
struct NatVersion {
  std::string_view name;
  std::array<std::uint8_t, 16> vendor;
  v1wire::Payload nat_d, nat_oa;
  negotiate::Modes modes;
};

/// The vendor ids of all versions, or of the one that was chosen; none when the block does not want NAT-T.
void add_nat_vendors(v1wire::ChainWriter& out, const IkeSa& sa);
/// Chooses the best version that the peer has too.
void choose_nat_version(IkeSa& sa, const v1wire::Chain& chain);

/// NAT-D payloads for the peer: where we send to, where from.
void add_nat_detection(v1wire::ChainWriter& out, const IkeSa& sa);
/// Reads the peer's; `local` and `remote` are those of the message.
void detect_nat(IkeSa& sa, const v1wire::Chain& chain, const net::Endpoint& local, const net::Endpoint& remote);

/// Initiator: from here on by port 4500.
void float_ports(IkeSa& sa);
/// The peer is where its last proven message came from.
void follow(IkeSa& sa, const Received& datagram);

/// A peer behind a NAT cannot be known by the address that its packets carry.  Its own, if it is one that means nothing
/// elsewhere (RFC 1918, RFC 6598, RFC 4193), takes nobody else's name.
bool is_inside_name(const IkeSa& sa, const Identity& peer);
/// Such an address, wherever the peer is.
bool is_private(const Identity& name);

/// "NAT here", "NAT at the peer", …: for logs.
std::string nat_text(const IkeSa& sa);

/// Encapsulation modes of this SA's children.
negotiate::Modes modes_of(const IkeSa& sa);

}  // namespace testudo::ike::v1
