#pragma once
// Who is connected and what waits to be read: the counterpart of the kernel's raw PF_KEY sockets.  A message goes to
// one client, to all, or to those registered for a type of SA; whoever asked is served last, as KAME does.  Promiscuous
// clients get each message once more, wrapped in a header of SADB_X_PROMISC.  Clients without privilege get nothing but
// answers.
//
// A queue of finished messages is bounded in number and bytes, and what does not fit is counted and lost, as in a
// socket's buffer.  A dump takes one place in the queue whatever its length: its messages are made when they are
// pulled.  Messages hold keys: what nobody pulls is wiped.
#include <array>
#include <bitset>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "pfkey/server/errno.h"
#include "pfkey/server/server.h"
#include "wire/pfkey/message.h"

namespace testudo::pfkey::server {

/// A run of messages whose sequence counts down to 0.
class Dump {
 public:
  /// The message of the n-th item, or nothing when the item has gone since the dump began.
  using Describe = std::function<std::optional<wire::pfkey::Message>(std::size_t n)>;

  Dump(std::size_t count, Describe describe);

  bool finished() const { return !next_; }
  wire::pfkey::Message take();

 private:
  void advance();

  std::size_t count_, position_ = 0;
  Describe describe_;
  // One ahead of the reader, because the last message must be known as the last when it is sent.
  std::optional<wire::pfkey::Message> next_;
};

class Sessions {
 public:
  static constexpr std::size_t kMaxQueued = 4096;
  static constexpr std::size_t kMaxQueuedBytes = 4 << 20;
  static constexpr std::size_t kMaxDumps = 4;

  explicit Sessions(Counters& counters) : counters_(counters) {}

  ClientId connect(bool privileged);
  void disconnect(ClientId client);
  bool privileged(ClientId client) const;
  void set_promiscuous(ClientId client, bool on);
  /// False when the client was registered for this type before.
  bool register_for(ClientId client, wire::pfkey::SaType satype);

  void to_one(ClientId client, ByteVector message);
  void to_all(ClientId requester, const ByteVector& message);
  /// The same, and settle() may still turn the requester's copy into an error.
  void to_all_when_settled(ClientId requester, const ByteVector& message);
  void settle(Outcome outcome);
  /// To the clients registered for this type of SA (for Unspec: for any), and to the requester if there is one.
  void to_registered(wire::pfkey::SaType satype, const ByteVector& message, std::optional<ClientId> requester = {});
  /// NoEntry for an empty dump; NoBuffers when the client has not read the ones before.
  Outcome to_one(ClientId client, Dump dump);

  std::optional<ByteVector> next_output(ClientId client);
  bool has_output(ClientId client) const;

 private:
  struct Session {
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    bool privileged = false, promiscuous = false;
    std::bitset<wire::pfkey::kSaTypeMax + 1> registered;
    std::deque<std::variant<ByteVector, Dump>> output;
    std::vector<ByteVector*> unsettled;  ///< of output; until one of it is taken
    std::size_t dumps = 0, bytes = 0;    ///< of output
  };

  Session* find(ClientId client);
  void count(const ByteVector& message);
  void enqueue(Session& session, ByteVector message);
  void to_promiscuous(const ByteVector& message);
  std::optional<ByteVector> next_of_dump(Session& session);

  Counters& counters_;
  std::map<ClientId, Session> sessions_;  // in the order of connecting, which is the order of serving
  ClientId last_ = 0;
};

}  // namespace testudo::pfkey::server
