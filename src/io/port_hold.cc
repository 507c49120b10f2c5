#include "io/port_hold.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <fstream>
#include <string>

#include "io/socket_address.h"

namespace testudo::io {
namespace {

constexpr std::size_t kMessages = 64;  // of one drain()
constexpr int kUdpGro = 104;           // UDP_GRO of linux/udp.h

bool set(const Fd& fd, int level, int option, int value) {
  return ::setsockopt(fd.get(), level, option, &value, sizeof value) == 0;
}

Fd open_socket(int domain) {
  return Fd{::socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

int bind_any(const Fd& fd, net::Family family, std::uint16_t port) {
  const SocketAddress at{{net::Address::any(family), port}};
  return ::bind(fd.get(), at.get(), at.length());
}

/// Sockets of one family bound to the port: lines such as "  12: 00000000:1194 00000000:0000 07 …".
std::size_t count_bound(const char* table, std::uint16_t port) {
  std::ifstream file{table};
  std::string line, slot, local;
  std::getline(file, line);  // the heading
  std::size_t count = 0;
  while (file >> slot >> local && std::getline(file, line)) {
    const auto colon = local.find(':');
    if (colon == std::string::npos) continue;
    unsigned number = 0;
    const char* digits = local.data() + colon + 1;
    const auto [end, error] = std::from_chars(digits, local.data() + local.size(), number, 16);
    if (error == std::errc{} && number == port) ++count;
  }
  return count;
}

}  // namespace

Result<PortHold, SystemError> PortHold::take(std::uint16_t port) {
  Fd fd = open_socket(AF_INET6);
  const bool both = fd && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (!both) fd = open_socket(AF_INET);
  if (!fd) return last_error("open UDP socket");
  // Without the options below it is refused where somebody has the port; with them nobody is refused later.
  if (bind_any(fd, both ? net::Family::V6 : net::Family::V4, port) != 0)
    return last_error("bind UDP port " + std::to_string(port));
  if (!set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
    return last_error("share UDP port " + std::to_string(port));
  }
  // The kernel joins datagrams by the options of the socket that it finds before nft has steered them elsewhere.
  set(fd, IPPROTO_UDP, kUdpGro, 1);
  return PortHold{std::move(fd), port};
}

std::size_t PortHold::drain() const {
  std::array<std::uint8_t, 1> start{};
  std::size_t count = 0;
  while (count < kMessages && ::recv(fd_.get(), start.data(), start.size(), MSG_DONTWAIT) >= 0) ++count;
  return count;
}

bool PortHold::contested() const {
  return count_bound("/proc/self/net/udp", port_) + count_bound("/proc/self/net/udp6", port_) > 1;
}

}  // namespace testudo::io
