#include "io/socket_address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <memory>

namespace testudo::io {

SocketAddress::SocketAddress(const net::Endpoint& at) {
  const Bytes bytes = at.address.bytes();
  if (at.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(at.port);
    std::memcpy(&v4.sin_addr, bytes.data(), sizeof v4.sin_addr);
    std::memcpy(&storage_, &v4, sizeof v4);
    length_ = sizeof v4;
    return;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(at.port);
  v6.sin6_scope_id = at.address.scope();
  std::memcpy(&v6.sin6_addr, bytes.data(), sizeof v6.sin6_addr);
  std::memcpy(&storage_, &v6, sizeof v6);
  length_ = sizeof v6;
}

std::optional<net::Endpoint> SocketAddress::endpoint() const {
  if (storage_.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage_, sizeof v4);
    return net::Endpoint{net::Address::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
  }
  if (storage_.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &storage_, sizeof v6);
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return net::Endpoint{net::Address::v6(bytes, v6.sin6_scope_id), ntohs(v6.sin6_port)};
}

std::uint32_t link_index(const std::string& name) {
  return ::if_nametoindex(name.c_str());
}

std::string with_link_name(const net::Address& address) {
  std::array<char, IF_NAMESIZE> name{};
  if (address.scope() == 0 || ::if_indextoname(address.scope(), name.data()) == nullptr) return address.to_string();
  return address.without_scope().to_string() + "%" + name.data();
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
    SocketAddress address;
    std::memcpy(address.get(), entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (const auto at = address.endpoint()) found.push_back(at->address);
  }
  return found;
}

}  // namespace testudo::io
