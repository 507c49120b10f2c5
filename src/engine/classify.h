#pragma once
// What policy says about a packet.  RFC 4301 section 4.4.1: "For every IPsec implementation, there MUST be a nominal
// policy database that is consulted for the processing of all traffic".
#include "engine/verdicts.h"

namespace testudo::engine {

struct Classified {
  enum class Answer : std::uint8_t {
    Clear,           ///< bypass: none, or no policy and net.inet.ipsec.def_policy allows it
    Protect,         ///< by the policy's requests
    Discard,         ///< the policy says so
    DefaultDiscard,  ///< no policy, and def_policy says so
  };
  Answer answer = Answer::Clear;
  const spd::Policy* policy = nullptr;  ///< the one that matched; until the SPD changes
  net::Flow flow{};                     ///< what it matched: the packet's, or the traffic that an ICMP error is about
};

/// net.inet.ipsec.enabled: "0 never, 1 when policies exist, 2 always".  Once a policy existed, it stays so.
bool active(const Engine::Parts& parts);

/// RFC 4301 section 7: a fragment does not show its ports.  True when the first policy for its addresses asks for them,
/// or for a protocol: without the whole packet, what that policy protects would pass in clear once it is in pieces.
bool selector_is_hidden(const Passage& passage, spd::Direction direction, const spd::View& policies);

/// The first policy that matches the passage's flow; remembers there that it was used.  An ICMP error that no policy
/// names goes with the traffic that it is about: RFC 4301 section 6.2.
/// `socket`: the policy of the socket whose packet it is, if it has one.
Classified classify(const Passage& passage, spd::Direction direction, const spd::SocketPolicy* socket,
                    const Engine::Parts& parts, Verdicts& verdicts);

/// What this policy says, or for want of one the default.
Classified answer_of(const spd::Policy* policy, const net::Flow& flow, const Settings& settings);
/// One look-up found it, or none.
void count_lookup(const spd::Policy* policy, Verdicts& verdicts);

}  // namespace testudo::engine
