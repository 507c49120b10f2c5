#pragma once
// How large a packet of a policy may be before it is protected, as far as that is known without the packet: for the TCP
// segment size that the host's packet filter may promise.  Pure; asked rarely.
#include "engine/engine.h"
#include "engine/pmtu.h"

namespace testudo::engine {

/// The path MTU towards where the policy's packets go, less what its requests add.  SAs that do not exist yet count as
/// large ones.
std::size_t usable_mtu(const spd::Policy& policy, const Engine::Parts& parts, const PathMtu& learned, Time now);

}  // namespace testudo::engine
