#pragma once
// What happens to an IKE machine, and what it wants done.  Values; the machine never calls out but to ask its ports.
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ike/child.h"
#include "ike/refusal.h"

namespace testudo::ike {

// ---- events

/// A UDP datagram, without a non-ESP marker.
struct Received {
  net::Endpoint local, remote;
  Bytes bytes;
  bool floated = false;  ///< it came to the port of NAT-T, where it had a marker
};
/// Traffic waits for SAs (SADB_ACQUIRE), or an administrator asks.
struct Wanted {
  ChildRequest request;
};
/// An administrator wants phase 1 with a peer, whether or not traffic waits for it.
struct Connect {
  net::Address local, remote;
};
/// An administrator ends SAs; their peers are told.
struct Disconnect {
  std::optional<net::Address> local, remote;  ///< nothing: any
  bool phase1 = true, phase2 = true;
  std::optional<net::Selector> networks;  ///< of phase 2, in either direction: these only
};
/// The answer to AllocateSpi.
struct SpiAllocated {
  ChildId child;
  std::size_t item = 0;
  Spi spi;
};
struct SpiRefused {
  ChildId child;
};
/// SADB_EXPIRE of an SA that this machine installed.
struct Expired {
  ChildProtocol protocol{};
  Spi spi;
  net::Address destination;
  bool hard = false;
};
/// The key table did not take an SA of this child.
struct InstallRefused {
  ChildId child;
  std::string why;  ///< its own words
};
/// Somebody else took SAs out of the key table.
struct Removed {
  ChildProtocol protocol{};
  Spi spi;  ///< 0: all between the two
  net::Address source, destination;
};
/// Somebody else emptied the key table.
struct Flushed {
  std::optional<ChildProtocol> protocol;  ///< of this one only
};
/// The key table is another one now: nothing that it was told or asked is there.
struct Restarted {};
/// Time passed; see Machine::next_deadline().
struct Tick {};
/// The daemon ends: all peers are told.
struct Shutdown {};

using Event = std::variant<Received, Wanted, Connect, Disconnect, SpiAllocated, SpiRefused, Expired, InstallRefused,
                           Removed, Flushed, Restarted, Tick, Shutdown>;

// ---- actions

struct Send {
  net::Endpoint local, remote;
  ByteVector bytes;
  bool floated = false;  ///< from the port of NAT-T, behind a marker
};
/// RFC 3948 section 4: so that the NAT in between does not forget.
struct KeepAlive {
  net::Endpoint local, remote;
};
/// SADB_GETSPI for what the peer will send to us.
struct AllocateSpi {
  ChildId child;
  std::size_t item_index = 0;
  ChildItem item;
  net::Address source, destination;
};
/// SADB_UPDATE for what comes in (its SPI is allocated), SADB_ADD for what goes out.
struct Install {
  ChildSa sa;
};
/// SADB_DELETE
struct Remove {
  ChildProtocol protocol{};
  Spi spi;
  net::Endpoint source, destination;  ///< ports: those of ESP in UDP, or 0
};
/// No SAs will come: what waits for them may be dropped.
struct Abandon {
  std::uint32_t acquire_sequence = 0;
};

enum class Fact : std::uint8_t {
  Phase1Started,
  Phase1Established,
  Phase1Deleted,
  Phase1Expired,
  Phase1TimedOut,
  Phase1Rekeyed,
  PeerDead,
  Phase2Started,
  Phase2Established,
  Phase2Deleted,
  Phase2TimedOut,
  InitialContact,
  Dropped,  ///< a message that nobody answers; text says why
};
/// For logs and counters; nothing is to be done.
struct Told {
  Fact fact{};
  net::Endpoint local, remote;
  std::uint64_t initiator_cookie = 0, responder_cookie = 0;
  std::string text;                         ///< what else a reader wants to know: SPIs, algorithms, reasons
  bool by_stranger = false;                 ///< anybody can make it happen, as often as they like
  std::optional<net::Selector> networks{};  ///< of phase 2, as our policy names them
};

/// The `script` of a remote block is to run.
struct Hook {
  enum class Event : std::uint8_t { Phase1Up, Phase1Down, Phase1Dead };
  Event event{};
  std::string script;  ///< as the configuration names it
  net::Endpoint local, remote;
  std::string peer;  ///< its identifier; "" before it has proved one
  std::uint64_t initiator_cookie = 0, responder_cookie = 0;
};

using Action = std::variant<Send, KeepAlive, AllocateSpi, Install, Remove, Abandon, Told, Hook, Refusal>;
using Actions = std::vector<Action>;

}  // namespace testudo::ike
