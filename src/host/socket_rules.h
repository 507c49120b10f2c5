#pragma once
// What the packet filter does for sockets that have a policy of their own.  The slot of such a socket stands in its
// mark (SO_MARK), so that nft tells its packets from all others, whatever it is bound or connected to, from the moment
// the mark is set; sockets that it accepts inherit it.  Sets say what a slot means: a slot in none of them is nobody's.
// Pure text.
#include <cstdint>
#include <string>
#include <vector>

#include "host/netlink.h"
#include "host/settings.h"
#include "host/steering.h"

namespace testudo::host {

inline constexpr unsigned kSocketSlots = 15;

struct SocketRule {
  enum class Out : std::uint8_t {
    ByPolicies,  ///< as if there were none
    Engine,
    Clear,
  };
  enum class In : std::uint8_t {
    ByPolicies,
    Refuse,          ///< what comes in clear
    Clear,           ///< let it pass, whatever the policies say
    RefuseUnlisted,  ///< what comes in clear, unless a policy lets it
  };
  unsigned slot = 0;
  Out out = Out::ByPolicies;
  In in = In::ByPolicies;
  UdpEncapsulation udp = UdpEncapsulation::None;

  friend bool operator==(const SocketRule&, const SocketRule&) = default;
};

/// Which table packets of a slot's sockets look in: a rule in front of the one for all packets for the engine.
RuleSpec socket_route(const Settings& settings, unsigned slot);

/// The sets, and rules for the chains `socket_outbound` (local packets that leave), `socket_first` and `socket_last`
/// (clear packets that come in, in front of the policies and behind them).
std::string socket_chains(const Settings& settings, const std::string& to_engine, const std::string& refuse);
/// Makes the sets say this.
std::string socket_elements(const Settings& settings, const std::vector<SocketRule>& rules);

}  // namespace testudo::host
