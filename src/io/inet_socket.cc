#include "io/inet_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace testudo::io {
namespace {

template <typename T>
std::optional<T> option(int fd, int name) {
  T value{};
  socklen_t size = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0) return std::nullopt;
  return value;
}

std::uint16_t local_port(int fd) {
  sockaddr_in6 at{};  // whose port lies where sockaddr_in's does
  socklen_t length = sizeof at;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &length) != 0) return 0;
  return ntohs(at.sin6_port);
}

constexpr int kNetnsCookie = 71;  // SO_NETNS_COOKIE, since Linux 5.14

bool in_our_network(int fd) {
  const auto theirs = option<std::uint64_t>(fd, kNetnsCookie);
  const Fd own{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  return theirs && theirs == option<std::uint64_t>(own.get(), kNetnsCookie);
}

}  // namespace

std::optional<InetSocket> inspect_socket(const Fd& descriptor) {
  const int fd = descriptor.get();
  const auto domain = option<int>(fd, SO_DOMAIN), protocol = option<int>(fd, SO_PROTOCOL);
  const auto mark = option<std::uint32_t>(fd, SO_MARK);
  const auto cookie = option<std::uint64_t>(fd, SO_COOKIE);
  if (!domain || !protocol || !mark || !cookie) return std::nullopt;
  if (*domain != AF_INET && *domain != AF_INET6) return std::nullopt;
  if (*protocol != IPPROTO_TCP && *protocol != IPPROTO_UDP) return std::nullopt;
  if (!in_our_network(fd)) return std::nullopt;
  return InetSocket{*domain == AF_INET6, static_cast<std::uint8_t>(*protocol), *mark, *cookie, local_port(fd)};
}

bool set_mark(const Fd& socket, std::uint32_t mark) {
  return ::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0;
}

}  // namespace testudo::io
