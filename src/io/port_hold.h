#pragma once
// A UDP port that is held as long as nobody else wants it: the encapsulation port belongs to the key daemon, for its
// IKE messages, whenever there is one (ESP never arrives here: host/steering.h).  Every other socket that binds the
// port with SO_REUSEADDR or SO_REUSEPORT, as all key daemons do, may do so at any time and is found before this one.
//
//   One socket for both families: for IPv4 the kernel ranks it below any AF_INET socket, and for IPv6, where wildcards
//   tie, below any that was bound later; release it when contested() all the same, because of those that tie and
//   lose.
//
// Never answers.  One thread.
#include <cstddef>
#include <cstdint>

#include "io/fd.h"
#include "io/system_error.h"

namespace testudo::io {

class PortHold {
 public:
  /// Fails with EADDRINUSE while anybody has the port, on whatever address.
  static Result<PortHold, SystemError> take(std::uint16_t port);

  int fd() const { return fd_.get(); }
  /// Takes what has arrived and says how many messages that were; bounded work a call.
  std::size_t drain() const;
  /// True when another socket of this network namespace is bound to the port too.
  bool contested() const;

 private:
  PortHold(Fd fd, std::uint16_t port) : fd_(std::move(fd)), port_(port) {}
  Fd fd_;
  std::uint16_t port_;
};

}  // namespace testudo::io
