#pragma once
// PF_KEY version 2 as NetBSD's kernel serves it (RFC 2367 and KAME's extensions), over connections instead of a kernel
// socket. Pure: bytes in, bytes out; one function per message type behind it.  Output is pulled, so that a dump of any
// size is made message by message as the reader takes it, and never truncates.  One thread.
//
// A kernel fails the write() of a malformed message with EINVAL; here the sender gets a base message with
// sadb_msg_errno set.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "net/flow.h"
#include "sad/database.h"
#include "spd/database.h"

namespace testudo::pfkey::server {

using ClientId = std::uint64_t;

/// net.key's counters, in the order of netipsec's pfkeystat (netbsd-ipsec 5.1).
struct Counters {
  struct Way {
    std::uint64_t total = 0, bytes = 0;
    std::uint64_t by_type[256] = {};
  };
  Way from_user, to_user;
  std::uint64_t invalid_length = 0, invalid_version = 0, invalid_type = 0, too_short = 0, no_memory = 0,
                duplicate_extension = 0, invalid_extension_type = 0, invalid_satype = 0, invalid_address = 0;
  std::uint64_t to_one = 0, to_all = 0, to_registered = 0, overflow = 0;
};

/// What the packet path asks for when an SA is missing (SADB_ACQUIRE).
struct AcquireRequest {
  sad::SaGroup wanted;
  PolicyId policy;
  spd::Direction direction = spd::Direction::Out;
  std::uint32_t sequence = 0;
};

class Server {
 public:
  struct Parts {
    sad::Database& sad;
    spd::Database& spd;
    const sad::KeySettings& settings;
    Random& random;
    /// Asked whenever dates are shown, because the wall clock may be set at any time.
    std::function<WallReference()> wall;
    /// An ACQUIRE with this sequence was answered (GETSPI, ADD) or given up by the key daemon.
    std::function<void(std::uint32_t sequence)> acquire_answered;
    /// Called after each change of the SPD, so that the host's rules follow; and once after a batch of them.
    std::function<void()> policies_changed;
    /// Somebody registered, who has heard no ACQUIRE so far.
    std::function<void()> key_daemon_came{};
    /// Called between two SAs of many: others may look at the databases.
    std::function<void()> breathe{};
    /// A privileged client asked for what is not done; the sentence says what its errno cannot.
    std::function<void(const std::string& sentence)> refused{};
  };
  explicit Server(Parts parts);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// `privileged`: root or CAP_NET_ADMIN by peer credentials.  Others may connect, and get EPERM for everything.
  ClientId connect(bool privileged);
  void disconnect(ClientId client);

  /// One message from a client; answers and broadcasts are queued.
  void receive(ClientId client, Bytes message, Time now);
  /// After a batch of messages and before their answers are taken: does the host follow what they made of the SPD? When
  /// not, those who changed it hear EINPROGRESS; the others hear of the change as ever.
  void settle(bool in_force);
  /// The next message for this client, or nothing.  Composes dumps lazily.
  std::optional<ByteVector> next_output(ClientId client, Time now);
  bool has_output(ClientId client) const;

  // What the engine side announces, to all registered clients.
  void expired(const sad::Expiry& expiry, Time now);
  void policy_expired(const spd::Policy& policy, Time now);
  void acquire(const AcquireRequest& request, Time now);
  /// RFC 3948: the peer's UDP port or address behind its NAT changed.
  void new_mapping(const sad::Sa& sa, const net::Endpoint& now_at);

  const Counters& counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace testudo::pfkey::server
