#pragma once
// SAs in the words of PF_KEY and back: numbers of sadb_sa and sadb_x_sa2 against the values of sad/.  No decisions, but
// for what PF_KEY can say at all.
#include <optional>

#include "base/time.h"
#include "pfkey/server/errno.h"
#include "sad/sa.h"
#include "wire/pfkey/message.h"

namespace testudo::pfkey::server {

std::optional<sad::SaProtocol> protocol_of(wire::pfkey::SaType satype);
wire::pfkey::SaType satype_of(sad::SaProtocol protocol);

/// Nothing for flags that nobody defined.
std::optional<sad::SaFlags> flags_of(std::uint32_t word);
std::uint32_t flags_word(const sad::SaFlags& flags);

/// Protocol, addresses, mode and reqid.  Invalid when an address is missing or the mode unknown.
Result<sad::SaGroup, Errno> group_of(const wire::pfkey::Message& message);
/// Ports of the extensions, else those in the addresses.  Of the SA in question only with NAT-T.
sad::Ports ports_of(const wire::pfkey::Message& message);
/// TYPE, SPORT and DPORT; ports may stand in the addresses instead.
Result<std::optional<sad::NatTraversal>, Errno> nat_traversal_of(const wire::pfkey::Message& message);

wire::pfkey::LifetimeExt lifetime_ext(const sad::Lifetime& lifetime);
wire::pfkey::AddressExt host_ext(const net::Address& address, std::uint16_t port = 0);

/// SA, SA2, CURRENT and the addresses: what every message about an SA holds.
void describe_sa(const sad::Sa& sa, const WallReference& wall, wire::pfkey::Message& into);
/// All of it, keys included, as SADB_GET and SADB_DUMP show it.
wire::pfkey::Message dumped_sa(const sad::Sa& sa, const WallReference& wall, const wire::pfkey::Message& request);

}  // namespace testudo::pfkey::server
