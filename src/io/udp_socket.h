#pragma once
// A UDP socket of one local address, for a key daemon: what it sends carries a packet mark, by which testudod's rules
// let it pass all policies (as racoon's sockets do on NetBSD by IP_IPSEC_POLICY bypass).  Never blocks.  One thread.
#include <cstdint>
#include <functional>
#include <utility>

#include "base/bytes.h"
#include "io/fd.h"
#include "io/system_error.h"
#include "net/flow.h"

namespace testudo::io {

class UdpSocket {
 public:
  /// Whether another socket, bound to any address, may have the port already.
  enum class Sharing : std::uint8_t { None, WithAnyAddress };
  /// @param mark  SO_MARK of what is sent; needs CAP_NET_ADMIN (or CAP_NET_RAW)
  static Result<UdpSocket, SystemError> bind(const net::Endpoint& at, std::uint32_t mark,
                                             Sharing sharing = Sharing::None);

  /// One that another process bound.
  static UdpSocket adopt(Fd fd) { return UdpSocket{std::move(fd)}; }

  int fd() const { return fd_.get(); }
  /// Gives the descriptor away.
  Fd release() { return std::move(fd_); }
  /// All that has come, but at most so many that other work has its turn: the rest waits for the next call.
  void read(const std::function<void(const net::Endpoint& from, Bytes datagram)>& sink) const;
  /// One datagram; failure: it did not leave.
  Status<SystemError> send(const net::Endpoint& to, Bytes datagram) const;

 private:
  explicit UdpSocket(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace testudo::io
