#pragma once
// Between the selectors of policies and the identification payloads of quick mode: RFC 2407 section 4.6.2.  Pure.
#include <optional>

#include "net/flow.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike {

/// An address when the prefix is a host, else a subnet; protocol 255 is 0, "any".
wire::ike::v1::Identification id_of(const net::Prefix& prefix, std::uint8_t protocol, std::uint16_t port);

/// Addresses and subnets with a mask that is a prefix; nothing for the rest.
std::optional<net::Prefix> prefix_of(const wire::ike::v1::Identification& id);

/// source and destination as quick mode names them; nothing when either has no prefix or the protocols differ.
std::optional<net::Selector> selector_of(const wire::ike::v1::Identification& source,
                                         const wire::ike::v1::Identification& destination);

/// The same traffic the other way.
net::Selector mirrored(const net::Selector& selector);
/// Some packet is selected by both.
bool overlap(const net::Selector& one, const net::Selector& other);

/// "10.1.0.0/16", "10.1.0.1 tcp port 80": for messages.
std::string to_string(const wire::ike::v1::Identification& id);
std::string to_string(const net::Selector& selector);

}  // namespace testudo::ike
