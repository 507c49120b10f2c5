#pragma once
// The sockaddr_in and sockaddr_in6 that PF_KEY carries, in Linux's form: a 16-bit family, no length byte,
// AF_INET6 = 10. Spelled out in bytes, so that files and dumps mean the same on every machine.  No state.
#include "base/result.h"
#include "net/flow.h"
#include "wire/pfkey/message.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace testudo::wire::pfkey {

inline constexpr std::uint16_t kFamilyV4 = 2, kFamilyV6 = 10;

/// 16 bytes for IPv4, 28 for IPv6; what follows in `in` is left there.
Result<net::Endpoint, ParseError> parse_sockaddr(Reader& in);
void compose_sockaddr(const net::Endpoint& endpoint, Writer& out);

}  // namespace testudo::wire::pfkey
