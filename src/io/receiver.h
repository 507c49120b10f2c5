#pragma once
// Receives whole IP packets from the sockets of the wire side, a batch a call:
//   raw sockets for one protocol (ESP 50, AH 51, IPcomp 108), raw ICMP sockets filtered to errors, and UDP ports on
//   which ESP is encapsulated (RFC 3948).  Where the kernel strips headers they are made again (rebuilt_header.h).
// Never decides about a packet.  One thread.
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "io/fd.h"
#include "io/joined_messages.h"
#include "io/message_batch.h"
#include "io/slot.h"
#include "io/system_error.h"
#include "net/address.h"

namespace testudo::io {

/// What one of several receivers gets: the SPIs (CPIs) that leave `number` when divided by `of`, and of what is too
/// short to have one, all or nothing.
struct Portion {
  std::uint32_t number = 0, of = 1;
};

class Receiver {
 public:
  /// Raw socket: every packet of this protocol that the host receives, reassembled by the kernel.  What came in by the
  /// device `except`, the engine's own, is passed over: the engine has seen it.  `portion`: of ESP, AH and IPcomp.
  static Result<Receiver, SystemError> raw(net::Family family, std::uint8_t protocol, unsigned except,
                                           const Portion& portion = {});
  /// ICMP or ICMPv6 errors that quote ESP, AH, IPcomp or a UDP port of `encapsulation`, and did not come in by
  /// `except`: the kernel has its own copy of each, and the engine's own errors go in by that device.
  static Result<Receiver, SystemError> icmp_errors(net::Family family, std::uint16_t encapsulation, unsigned except);
  /// Encapsulated ESP that was sent to UDP `port` of any address of the family.  Bound to local_port(), to which
  /// host/steering.h turns it over.  `except`: see raw().
  static Result<Receiver, SystemError> udp_encapsulation(net::Family family, std::uint16_t port, unsigned except);
  /// The same by several sockets of one local_port(), each with its portion of the SPIs; what is no ESP comes to the
  /// first.  They are to be gone together.
  static Result<std::vector<Receiver>, SystemError> udp_encapsulation(net::Family family, std::uint16_t port,
                                                                      unsigned except, std::uint32_t count);

  Receiver(Receiver&&) noexcept;
  Receiver& operator=(Receiver&&) noexcept;
  ~Receiver();

  int fd() const { return fd_.get(); }
  /// Fills slots from the front and says how many; never waits.  A message that is passed over leaves a slot of length
  /// 0.
  std::size_t receive(std::span<Slot> slots);
  /// True when the next call may have something to give that the socket no longer tells of.
  bool pending() const { return joined_ && joined_->pending(); }
  /// True when the last call saw that nothing more waits: what comes later, the socket tells of.
  bool drained() const { return joined_ ? joined_->drained() : drained_; }
  /// Lets the kernel join UDP messages of one size on their way up (UDP_GRO); receive() gives them one by one.
  void join_messages();
  /// Messages that the socket's queue had no room for, since the last call.
  std::uint64_t take_overflows();
  /// Messages that were passed over since the last call, because they or what was said beside them was cut short.
  std::uint64_t take_skipped();
  /// The port of a UDP socket.
  std::uint16_t local_port() const;

 private:
  Receiver(Fd fd, net::Family family, std::uint8_t protocol, std::uint16_t port);
  std::size_t front_room() const;
  std::size_t finish(MutableBytes room, std::size_t index);

  Fd fd_;
  net::Family family_;
  std::uint8_t protocol_;
  std::uint16_t port_;
  std::uint32_t overflows_seen_ = 0;
  std::uint64_t skipped_ = 0;
  bool drained_ = false;
  std::unique_ptr<MessageBatch> batch_;
  std::unique_ptr<JoinedMessages> joined_;  ///< after join_messages()
};

}  // namespace testudo::io
