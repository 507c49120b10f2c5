#pragma once
// What happens to an IKE machine, and what it wants done.  Values; the machine never calls out but to ask its ports.
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "ike/assignment.h"
#include "ike/child.h"
#include "ike/refusal.h"
#include "ike/work.h"

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
/// What somebody logs in with.
struct UserPassword {
  std::string user;
  Secret password;
};
/// An administrator wants phase 1 with a peer, whether or not traffic waits for it.
struct Connect {
  net::Address local, remote;
  std::shared_ptr<const UserPassword> login{};  ///< nothing: xauth_login of the block
  std::string block{};                          ///< the name of a remote block for this peer; "": the best one
};
/// An administrator ends whatever a user of XAUTH has.
struct Logout {
  std::string user;
};
/// The answer to CheckLogin.
struct LoginJudged {
  LoginId login;
  bool right = false;
  std::string why{};                                 ///< for our own log, when it is not
  std::optional<net::Address> address{}, netmask{};  ///< that who judged gives to the client
  ByteVector token{};                                ///< what accounting of it is to say again
};
/// The answer to Compute.
struct Computed {
  WorkId work;
  std::shared_ptr<const WorkProduct> product;
};
/// An administrator ends SAs; their peers are told.
struct Disconnect {
  std::optional<net::Address> local, remote;  ///< nothing: any
  bool phase1 = true, phase2 = true;
  std::optional<net::Selector> networks;  ///< of phase 2, in either direction: these only
};
/// The answer to MakePolicy: PolicyBase knows it now.
struct PolicyMade {
  ChildId child;
  net::Selector outbound;
};
struct PolicyRefused {
  ChildId child;
  std::string why;  ///< the key table's own words
};
/// Somebody else has made a policy; of what goes in, mirrored.
struct PolicyAdded {
  net::Selector outbound;
};
/// The time of a policy is over: what SAs under it protected would go in clear.
struct PolicyGone {
  net::Selector outbound;
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
/// SADB_X_NAT_T_NEW_MAPPING: ESP of this SA, which came to us and was genuine, had another source.
struct NewMapping {
  Spi spi;
  net::Endpoint was, now;  ///< of the peer
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

using Event = std::variant<Received, Wanted, Connect, LoginJudged, Computed, Logout, Disconnect, PolicyMade,
                           PolicyRefused, PolicyAdded, PolicyGone, SpiAllocated, SpiRefused, Expired, NewMapping,
                           InstallRefused, Removed, Flushed, Restarted, Tick, Shutdown>;

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
/// generate_policy: SADB_X_SPDADD of both directions, behind all that are there; SADB_X_SPDUPDATE of one made before.
struct MakePolicy {
  ChildId child;
  ChildRequest request;
  bool unique = false;        ///< with SAs of its own
  std::uint32_t seconds = 0;  ///< then it goes by itself: nobody may be there to take it away
};
/// One that was made so; of both directions.
struct DropPolicy {
  net::Selector outbound;
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
/// SADB_GET and SADB_UPDATE of an SA of ESP in UDP: other ports, everything else as it is.
struct Move {
  struct Way {
    net::Endpoint source, destination;
  };
  ChildProtocol protocol{};
  Spi spi;
  Way was, now;
};
/// No SAs will come: what waits for them may be dropped.
struct Abandon {
  std::uint32_t acquire_sequence = 0;
};

/// XAUTH: is that the password of this user?
struct CheckLogin {
  LoginId login;
  net::Address remote;
  std::string user;
  Secret password;
  std::vector<std::string> groups;  ///< of which the user must be in one; none: no matter
};

/// A session of somebody who has logged in begins or ends: for who keeps account of it.
struct Account {
  enum class What : std::uint8_t { Begins, Ends };
  What what{};
  std::uint64_t session = 0;  ///< the same at its end, and of no other
  unsigned slot = 0;          ///< of those under way, this one's alone, and small
  net::Address remote;
  std::string user;
  std::optional<net::Address> address{};  ///< that the client was given
  Duration lasted{};
  ByteVector token{};  ///< LoginJudged's
};

/// Work that takes milliseconds, for another thread.  Each is answered, also when nobody waits for it any more.
struct Compute {
  WorkId id;
  Work work;
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
  PolicyWanted,  ///< of generate_policy
  PolicyDropped,
  PeerMoved,      ///< its NAT gave it another port; text says which it was
  PeerElsewhere,  ///< its packets come from another address, text, and nothing follows it there
  InitialContact,
  LoggedIn,      ///< by XAUTH; text is the user's name
  LoginFailed,   ///< text says why
  LoginDelayed,  ///< text says for how long
  Configured,    ///< by mode-config, in either role; text is the client's address
  ConfigurationFailed,
  Phase1Ready,  ///< with all that follows it: phase 2 may begin
  Dropped,      ///< a message that nobody answers; text says why
};
/// For logs and counters; nothing is to be done.
struct Told {
  Fact fact{};
  net::Endpoint local, remote;
  std::uint64_t initiator_cookie = 0, responder_cookie = 0;
  std::string text;                         ///< what else a reader wants to know: SPIs, algorithms, reasons
  bool by_stranger = false;                 ///< anybody can make it happen, as often as they like
  std::optional<net::Selector> networks{};  ///< of phase 2, as our policy names them
  Variables variables{};                    ///< Phase1Ready: what mode-config brought, and as BANNER its banner
};

/// The `script` of a remote block is to run.
struct Hook {
  enum class Event : std::uint8_t { Phase1Up, Phase1Down, Phase1Dead };
  Event event{};
  std::string script;  ///< as the configuration names it
  net::Endpoint local, remote;
  std::string peer;  ///< its identifier; "" before it has proved one
  std::uint64_t initiator_cookie = 0, responder_cookie = 0;
  Variables variables{};
};

using Action = std::variant<Send, KeepAlive, MakePolicy, DropPolicy, AllocateSpi, Install, Remove, Move, Abandon,
                            CheckLogin, Account, Compute, Told, Hook, Refusal>;
using Actions = std::vector<Action>;

}  // namespace testudo::ike
