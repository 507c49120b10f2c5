#pragma once
// From the arguments of a pfkey_send_*() call to one PF_KEY message on its way.
#include <libpfkey.h>

#include <optional>

#include "error.h"
#include "wire/pfkey/message.h"

namespace testudo::libipsec {

/// -1, after set_error().
int refuse(pfkey::IpsecError error);

/// IPv4 or IPv6 with its port; nothing for another family or NULL.
std::optional<net::Endpoint> endpoint_of(const sockaddr* address);

/// A message of this type, with our pid.
wire::pfkey::Message request(wire::pfkey::Type type, unsigned satype = 0, std::uint32_t sequence = 0);

/// Both ends of an SA, or the refusal: InvalidArgument, FamilyMismatch.
pfkey::IpsecError set_ends(wire::pfkey::Message& message, const sockaddr* source, const sockaddr* destination);

/// Bytes sent, or -1.
int submit(int so, const wire::pfkey::Message& message);

}  // namespace testudo::libipsec
