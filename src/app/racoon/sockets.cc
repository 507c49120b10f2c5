#include "app/racoon/sockets.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "host/settings.h"

namespace testudo::app {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

SocketAddress to_system(const net::Endpoint& at) {
  SocketAddress made;
  const Bytes bytes = at.address.bytes();
  if (at.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(at.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&made.storage, &v4, sizeof v4);
    made.length = sizeof v4;
    return made;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(at.port);
  v6.sin6_scope_id = at.address.scope();
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  std::memcpy(&made.storage, &v6, sizeof v6);
  made.length = sizeof v6;
  return made;
}

std::optional<net::Endpoint> from_system(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    return net::Endpoint{net::Address::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
  }
  if (storage.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &storage, sizeof v6);
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return net::Endpoint{net::Address::v6(bytes, v6.sin6_scope_id), ntohs(v6.sin6_port)};
}

std::vector<net::Address> local_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{list, ::freeifaddrs};
  std::vector<net::Address> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (const auto at = from_system(storage)) found.push_back(at->address);
  }
  return found;
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

}  // namespace

std::vector<std::string> Sockets::refresh(const config::Listen& listen) {
  std::vector<net::Endpoint> wanted = listen.isakmp;
  if (wanted.empty()) {
    for (const net::Address& address : local_addresses()) {
      if ((options_.only_v4 && !address.is_v4()) || (options_.only_v6 && address.is_v4())) continue;
      wanted.push_back({address, options_.port});
    }
  }
  std::vector<std::string> news;
  std::erase_if(sockets_, [&](const auto& entry) { return std::ranges::find(wanted, entry.first) == wanted.end(); });
  for (const net::Endpoint& at : wanted) {
    if (sockets_.contains(at)) continue;
    const std::string name = at.address.to_string() + "[" + std::to_string(at.port) + "]";
    const auto opened = open(at);
    news.push_back(opened ? name + " used as isakmp port" : name + ": " + opened.error());
  }
  return news;
}

Status<std::string> Sockets::open(const net::Endpoint& at) {
  const auto because = [](const char* call) { return Failure{std::string{call} + ": " + std::strerror(errno)}; };
  const int family = at.address.is_v4() ? AF_INET : AF_INET6;
  io::Fd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return because("socket");
  if (family == AF_INET6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) return because("IPV6_V6ONLY");
  if (!set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return because("SO_REUSEADDR");
  if (!set_option(fd.get(), SOL_SOCKET, SO_MARK, static_cast<int>(host::Settings{}.own_mark()))) {
    return because("SO_MARK");
  }
  const SocketAddress address = to_system(at);
  // The socket interface takes every kind of address as a sockaddr.
  const auto* generic = reinterpret_cast<const sockaddr*>(&address.storage);  // NOLINT(*-reinterpret-cast)
  if (::bind(fd.get(), generic, address.length) != 0) return because("bind");
  const int number = fd.get();
  auto watch = loop_.watch(number, [this, at, number] { read(at, number); });
  sockets_.insert_or_assign(at, Socket{std::move(fd), std::move(watch)});
  return Done{};
}

void Sockets::read(const net::Endpoint& local, int fd) {
  static constexpr int kAtOnce = 64;
  std::array<std::uint8_t, 65536> buffer;
  for (int i = 0; i < kAtOnce; ++i) {
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    auto* generic = reinterpret_cast<sockaddr*>(&from);  // NOLINT(*-reinterpret-cast)
    const ssize_t got = ::recvfrom(fd, buffer.data(), buffer.size(), 0, generic, &length);
    if (got < 0) return;
    const auto remote = from_system(from);
    if (remote) sink_(local, *remote, Bytes{buffer}.first(static_cast<std::size_t>(got)));
  }
}

void Sockets::send(const net::Endpoint& local, const net::Endpoint& remote, Bytes bytes) {
  const auto found = sockets_.find({local.address, options_.port});
  if (found == sockets_.end()) return;
  const SocketAddress address = to_system(remote);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address.storage);  // NOLINT(*-reinterpret-cast)
  // What does not leave is repeated, as what is lost on the way.
  static_cast<void>(::sendto(found->second.fd.get(), bytes.data(), bytes.size(), 0, generic, address.length));
}

}  // namespace testudo::app
