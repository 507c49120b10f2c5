#include "app/setkey/system.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace testudo::app {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

std::optional<net::Address> address_of(const addrinfo& info) {
  if (info.ai_family == AF_INET && info.ai_addrlen >= sizeof(sockaddr_in)) {
    sockaddr_in in{};
    std::memcpy(&in, info.ai_addr, sizeof in);
    return net::Address::v4(ntohl(in.sin_addr.s_addr));
  }
  if (info.ai_family == AF_INET6 && info.ai_addrlen >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in{};
    std::memcpy(&in, info.ai_addr, sizeof in);
    return net::Address::v6(std::span<const std::uint8_t, 16>{in.sin6_addr.s6_addr}, in.sin6_scope_id);
  }
  return std::nullopt;
}

int family_of(const std::optional<net::Family>& family) {
  if (!family) return AF_UNSPEC;
  return *family == net::Family::V4 ? AF_INET : AF_INET6;
}

}  // namespace

Result<std::vector<net::Address>, std::string> SystemResolver::host(const std::string& name, const Query& query) {
  addrinfo hints{};
  hints.ai_family = family_of(query.family);
  hints.ai_flags = query.numeric_only ? AI_NUMERICHOST : 0;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* raw = nullptr;
  const int failure = getaddrinfo(name.c_str(), nullptr, &hints, &raw);
  const AddressList list{raw};
  if (failure != 0) return Failure{std::string{gai_strerror(failure)}};
  std::vector<net::Address> found;
  for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
    const auto address = address_of(*info);
    if (address && std::ranges::find(found, *address) == found.end()) found.push_back(*address);
  }
  return found;
}

std::optional<std::uint16_t> SystemResolver::service(const std::string& name) {
  for (const int type : std::array{SOCK_STREAM, SOCK_DGRAM}) {
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = type;
    addrinfo* raw = nullptr;
    const int failure = getaddrinfo(nullptr, name.c_str(), &hints, &raw);
    const AddressList list{raw};
    if (failure != 0 || !list) continue;
    sockaddr_in in{};
    std::memcpy(&in, list->ai_addr, sizeof in);
    return ntohs(in.sin_port);
  }
  return std::nullopt;
}

}  // namespace testudo::app
