#pragma once
// The answer to one rtnetlink request, which may take several datagrams (RFC 3549 section 2.3.2).  What answers an
// earlier request that was given up is passed over; a list that changed while it was read is read to its end and then
// said to be of no use.  Pure; one for each request.
#include <cstdint>
#include <functional>

#include "base/bytes.h"

struct nlmsghdr;

namespace testudo::host {

class NetlinkReply {
 public:
  using Answer = std::function<void(const nlmsghdr*)>;
  NetlinkReply(std::uint32_t sequence, const Answer& answer) : sequence_(sequence), answer_(answer) {}

  /// A datagram from the kernel, aligned as nlmsghdr is.
  void add(Bytes datagram);

  bool complete() const { return complete_; }
  /// When complete: 0 or an errno; EINTR for a list that changed meanwhile.
  int error() const { return error_ != 0 || !interrupted_ ? error_ : EINTR; }

 private:
  void take(const nlmsghdr* message);

  std::uint32_t sequence_;
  const Answer& answer_;
  bool complete_ = false, interrupted_ = false;
  int error_ = 0;
};

}  // namespace testudo::host
