#pragma once
// Sockets as the kernel shows them by NETLINK_SOCK_DIAG (sock_diag(7)): which one a packet is for, which ones there
// are, and which were closed.  Asks and tells; decides nothing.  One thread.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "host/netlink_reply.h"
#include "io/system_error.h"
#include "net/flow.h"

struct mnl_socket;
struct nlmsghdr;

namespace testudo::host {

struct SocketFacts {
  std::uint64_t cookie = 0;
  std::uint32_t mark = 0;
  std::uint32_t uid = 0;
  std::uint8_t protocol = 0;
  std::uint8_t state = 0;       ///< of TCP, as in ss(8); sockets that wait for their end are among them
  net::Endpoint local, remote;  ///< v4-mapped addresses as the IPv4 that they are
};

struct CloseMnl {
  void operator()(mnl_socket* socket) const;
};

class SocketDiag {
 public:
  static Result<SocketDiag, io::SystemError> open();

  /// The socket that an arriving TCP or UDP packet of this flow is for.
  std::optional<SocketFacts> receiver_of(const net::Flow& flow);
  /// All of TCP and UDP that have an address.
  Status<io::SystemError> list(const std::function<void(const SocketFacts&)>& visit);
  Status<io::SystemError> list(std::uint8_t protocol, const std::function<void(const SocketFacts&)>& visit);

 private:
  explicit SocketDiag(std::unique_ptr<mnl_socket, CloseMnl> socket) : socket_(std::move(socket)) {}
  Status<io::SystemError> exchange(nlmsghdr* request, const NetlinkReply::Answer& answer);

  std::unique_ptr<mnl_socket, CloseMnl> socket_;
  std::uint32_t sequence_ = 0;
};

/// Tells of each TCP and UDP socket of this network namespace that is gone, whoever closed it.
class SocketMonitor {
 public:
  static Result<SocketMonitor, io::SystemError> open();
  int fd() const;
  /// Takes what waits; false when something was lost.
  bool drain(const std::function<void(std::uint64_t cookie)>& gone);

 private:
  explicit SocketMonitor(std::unique_ptr<mnl_socket, CloseMnl> socket) : socket_(std::move(socket)) {}
  std::unique_ptr<mnl_socket, CloseMnl> socket_;
};

}  // namespace testudo::host
