#pragma once
// A policy: which packets (Selector, direction), what happens to them (Action) and, for Ipsec, the ordered requests
// that protect them (the first is the innermost).  RFC 4301 section 4.4.1; words of KAME's ipsec.h.
#include <optional>
#include <vector>

#include "base/strong.h"
#include "base/tally.h"
#include "base/time.h"
#include "net/flow.h"

namespace testudo::spd {

enum class Direction : std::uint8_t { In, Out };
enum class Action : std::uint8_t { Discard, None, Ipsec, Entrust, Bypass };
enum class Level : std::uint8_t { Default, Use, Require, Unique };
enum class RequestProtocol : std::uint8_t { Ah, Esp, Ipcomp };
enum class RequestMode : std::uint8_t { Transport, Tunnel };

struct Request {
  RequestProtocol protocol = RequestProtocol::Esp;
  RequestMode mode = RequestMode::Transport;
  Level level = Level::Default;
  ReqId reqid;                                       ///< Unique only: which SAs may serve it
  std::optional<net::Endpoint> source, destination;  ///< tunnel endpoints (ports for NAT-T); both or none

  friend bool operator==(const Request&, const Request&) = default;
};

struct Policy {
  PolicyId id;
  Direction direction = Direction::Out;
  net::Selector selector;
  Action action = Action::None;
  std::vector<Request> requests;
  std::uint32_t priority = 0;   ///< stored and shown; the order of the list decides
  bool made_by_system = false;  ///< immune to the users' delete and flush
  std::uint64_t lifetime = 0;   ///< seconds after creation; 0 for ever
  std::uint64_t validtime = 0;  ///< seconds without use; 0 for ever
  Time created{};
  mutable Tally<Time> last_used{};  ///< this and hits: touched by packets, of several workers at once
  mutable Tally<std::uint64_t> hits;

  void count(std::uint64_t packets, Time now) const {
    hits.add(packets);
    last_used.set(now);
  }
};

}  // namespace testudo::spd
