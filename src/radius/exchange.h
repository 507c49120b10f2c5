#pragma once
// One question to RADIUS servers: whom to ask when, and what to make of what comes back.  RFC 2865 section 2.5 leaves
// the times to the client: the servers take turns, each is asked so many times, and each time is waited for it so long.
// What nobody with the secret made changes nothing (and is remembered, for the sentence that explains).  Sans I/O: time
// comes in, and the caller sends.
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "net/address.h"
#include "radius/proof.h"

namespace testudo::radius {

/// Whether an Access-Accept without Message-Authenticator is believed.
enum class Proof : std::uint8_t { Required, Optional };

struct Server {
  std::string name;  ///< for people
  Secret secret;
  ByteVector request;  ///< as this one gets it
};

struct Patience {
  Duration timeout = std::chrono::seconds{3};
  unsigned tries = 3;  ///< of each server
};

/// What a server said.
struct Said {
  enum class Kind : std::uint8_t { Accept, Reject, Challenge, Accounted };
  Kind kind = Kind::Reject;
  std::string server, message;  ///< its Reply-Message, printable
  std::optional<net::Address> address, netmask;
  ByteVector classes;  ///< values of Class, each behind a byte with its length, for accounting
};

class Exchange {
 public:
  /// The requests have been made with one identifier and one authenticator (section 3: both the same when repeated).
  Exchange(std::vector<Server> servers, Patience patience, Proof proof);

  struct Next {
    std::optional<std::size_t> send;  ///< to this server, now
    std::optional<Time> wait;         ///< for an answer, until then; neither: nobody answers
  };
  Next next(Time now);
  /// Its host says that nobody listens: who else is there need not wait for it.
  void unreachable(std::size_t server);
  /// A datagram of that server; nothing: it is no answer.
  std::optional<Said> take(std::size_t server, Bytes datagram);

  /// Why nobody answered.
  std::string failure() const;

 private:
  struct State {
    unsigned tries = 0;
    std::string trouble;  ///< "" while there was none but silence
  };
  std::optional<std::size_t> someone_else() const;
  std::optional<Said> judge(std::size_t server, const Packet& answer);

  std::vector<Server> servers_;
  std::vector<State> states_;
  Patience patience_;
  Proof proof_;
  std::size_t asked_ = 0;
  bool hurry_ = false;
  std::optional<Time> until_;
};

/// Values of Class as Said has them, into a request for accounting.
void add_classes(wire::radius::Attributes& out, Bytes classes);

}  // namespace testudo::radius
