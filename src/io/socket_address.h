#pragma once
// net::Endpoint as the socket interface takes and gives it.  The only place of a program's own UDP sockets that knows
// sockaddr's kinds.
#include <sys/socket.h>

#include <optional>
#include <string>
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

/// The index of the interface of this name; 0: there is none.
std::uint32_t link_index(const std::string& name);
/// The address, with the name of its interface where it has a scope and the interface exists: "fe80::1%eth0".
std::string with_link_name(const net::Address& address);

/// The addresses of all interfaces, IPv6 with scope; none when the kernel does not say.
std::vector<net::Address> local_addresses();

}  // namespace testudo::io
