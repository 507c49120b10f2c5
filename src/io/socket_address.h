#pragma once
// net::Endpoint as the socket interface takes and gives it.  The only place of a program's own UDP sockets that knows
// sockaddr's kinds.
#include <sys/socket.h>

#include <optional>
#include <vector>

#include "net/flow.h"

namespace testudo::io {

class SocketAddress {
 public:
  /// Room for what the kernel writes.
  SocketAddress() = default;
  explicit SocketAddress(const net::Endpoint& at);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  socklen_t* length() { return &length_; }

  /// Nothing for another family than IPv4 and IPv6.
  std::optional<net::Endpoint> endpoint() const;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = sizeof storage_;
};

/// The addresses of all interfaces, IPv6 with scope; none when the kernel does not say.
std::vector<net::Address> local_addresses();

}  // namespace testudo::io
