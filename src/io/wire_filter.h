#pragma once
// Which frames of an interface are the engine's and which the kernel's, decided by an XDP program in front of the
// kernel (docs/adr/0024):
//
//   not to this interface's own unicast address, not IPv4 or IPv6          kernel   (ARP, VLANs, groups, broadcasts)
//   to a group, a link-local (IPv6) or a loopback address                  kernel   (neighbour discovery, routing
//   daemons) to an address that is not the host's own                               engine   (what a router forwards)
//   to an own address: ESP, AH, IPcomp; UDP to an encapsulation port
//     whose payload does not begin with the non-ESP marker (RFC 3948)      engine   (whole packets; the kernel joins
//     others)
//   to an own address: all else                                            kernel   (IKE, ssh, ping)
//
// The engine's go to the AF_XDP socket of the queue that they came by; while none is open there, nowhere: the program
// outlives a process that was killed.
#include <array>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "io/fd.h"
#include "io/frame_socket.h"
#include "io/system_error.h"
#include "net/address.h"

namespace testudo::io {

class WireFilter {
 public:
  /// Queues of an interface that sockets can be opened for.
  static constexpr unsigned kMaxQueues = 64;

  /// Loads the program for an interface with this address.  Needs CAP_BPF and CAP_NET_ADMIN.
  static Result<WireFilter, SystemError> load(const MacAddress& own,
                                              std::span<const std::uint16_t> encapsulation_ports);

  int program() const { return program_.get(); }
  /// What of the host's addresses is its own from here on; addresses that there is no room for are taken for others'.
  void set_addresses(std::span<const net::Address> own);
  /// The engine's frames of this queue go to this AF_XDP socket, until it closes.
  Status<SystemError> lead(std::uint32_t queue, int socket);

 private:
  WireFilter(Fd addresses, Fd sockets, Fd program)
      : addresses_(std::move(addresses)), sockets_(std::move(sockets)), program_(std::move(program)) {}

  Fd addresses_, sockets_, program_;
  std::unordered_set<net::Address> known_;
};

}  // namespace testudo::io
