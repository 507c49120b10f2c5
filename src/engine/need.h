#pragma once
// Whether a request of a policy must be met: its level, with `default` read from net.inet.ipsec.*_deflev.  The same
// answer outbound (may the packet leave without?) and inbound (may it be accepted without?).  And what it asks for.
#include "engine/settings.h"
#include "sad/sa.h"
#include "spd/policy.h"

namespace testudo::engine {

/// Between whom a packet travels, or an SA.
struct Ends {
  net::Address source, destination;

  friend bool operator==(const Ends&, const Ends&) = default;
};

enum class Need : std::uint8_t { Optional, Required };

/// `policy` is the one that the request belongs to: the family of its selector picks the variables.
Need need_of(const spd::Request& request, const spd::Policy& policy, const Settings& settings);

/// The kind of SA that a request wants.
sad::SaProtocol protocol_of(const spd::Request& request);

/// Those that its end points name; 0 for any.
sad::Ports ports_of(const spd::Request& request);

}  // namespace testudo::engine
