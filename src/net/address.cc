#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/endian.h"

namespace testudo::net {

Address Address::v4(std::uint32_t host_order) {
  Address a;
  put_be32(a.bytes_.data(), host_order);
  return a;
}

Address Address::v4(std::span<const std::uint8_t, 4> bytes) {
  Address a;
  std::copy(bytes.begin(), bytes.end(), a.bytes_.begin());
  return a;
}

Address Address::v6(std::span<const std::uint8_t, 16> bytes, std::uint32_t scope) {
  Address a;
  a.family_ = Family::V6;
  std::copy(bytes.begin(), bytes.end(), a.bytes_.begin());
  a.scope_ = scope;
  return a;
}

std::optional<Address> Address::parse(std::string_view text) {
  const std::string host{text.substr(0, text.find('%'))};
  Address a;
  if (host.size() == text.size() && inet_pton(AF_INET, host.c_str(), a.bytes_.data()) == 1) return a;
  if (inet_pton(AF_INET6, host.c_str(), a.bytes_.data()) != 1) return std::nullopt;
  a.family_ = Family::V6;
  if (host.size() == text.size()) return a;
  const std::string_view scope = text.substr(host.size() + 1);
  const auto [end, error] = std::from_chars(scope.data(), scope.data() + scope.size(), a.scope_);
  if (error != std::errc{} || end != scope.data() + scope.size()) return std::nullopt;
  return a;
}

std::string Address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  std::string out{text.data()};
  if (scope_ != 0) out += "%" + std::to_string(scope_);
  return out;
}

Address Address::without_scope() const {
  Address bare = *this;
  bare.scope_ = 0;
  return bare;
}

bool Address::is_unspecified() const {
  return std::ranges::all_of(bytes(), [](std::uint8_t b) { return b == 0; });
}

bool Address::is_multicast() const {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool Address::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool Address::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; });
}

}  // namespace testudo::net

std::size_t std::hash<testudo::net::Address>::operator()(const testudo::net::Address& a) const noexcept {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::memcpy(&high, a.bytes().data(), 4);
  if (!a.is_v4()) {
    std::memcpy(&high, a.bytes().data(), 8);
    std::memcpy(&low, a.bytes().data() + 8, 8);
  }
  std::uint64_t h = (high * 0x9e3779b97f4a7c15U) ^ (low + a.scope());
  h ^= h >> 29;
  h *= 0xbf58476d1ce4e5b9U;
  return h ^ (h >> 32);
}
