#include "io/udp_socket.h"

#include <netinet/in.h>

#include <array>

#include "io/socket_address.h"

namespace testudo::io {
namespace {

constexpr int kAtOnce = 64;

bool set_option(const Fd& fd, int level, int name, int value) {
  return ::setsockopt(fd.get(), level, name, &value, sizeof value) == 0;
}

}  // namespace

Result<UdpSocket, SystemError> UdpSocket::bind(const net::Endpoint& at, std::uint32_t mark, Sharing sharing) {
  const int family = at.address.is_v4() ? AF_INET : AF_INET6;
  Fd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return last_error("socket");
  if (family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) return last_error("IPV6_V6ONLY");
  // SO_REUSEADDR only where it must be: for UDP it lets another program take the same port and all that comes to it.
  if (sharing == Sharing::WithAnyAddress && !set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1))
    return last_error("SO_REUSEADDR");
  if (!set_option(fd, SOL_SOCKET, SO_MARK, static_cast<int>(mark))) return last_error("SO_MARK");
  const SocketAddress address{at};
  if (::bind(fd.get(), address.get(), address.length()) != 0) return last_error("bind");
  return UdpSocket{std::move(fd)};
}

void UdpSocket::read(const std::function<void(const net::Endpoint&, Bytes)>& sink) const {
  std::array<std::uint8_t, 65536> buffer;
  for (int i = 0; i < kAtOnce; ++i) {
    SocketAddress from;
    const ssize_t got = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, from.get(), from.length());
    if (got < 0) return;
    if (const auto at = from.endpoint()) sink(*at, Bytes{buffer}.first(static_cast<std::size_t>(got)));
  }
}

Status<SystemError> UdpSocket::send(const net::Endpoint& to, Bytes datagram) const {
  const SocketAddress address{to};
  const ssize_t sent = ::sendto(fd_.get(), datagram.data(), datagram.size(), 0, address.get(), address.length());
  if (sent < 0) return last_error("sendto " + to.address.to_string());
  return Done{};
}

}  // namespace testudo::io
