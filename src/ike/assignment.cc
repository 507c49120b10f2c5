#include "ike/assignment.h"

#include <array>
#include <bit>

#include "base/endian.h"

namespace testudo::ike {
namespace {

template <typename T, typename Text>
std::string joined(const std::vector<T>& all, Text text) {
  std::string line;
  for (const T& each : all) line += (line.empty() ? "" : " ") + text(each);
  return line;
}

std::string text_of(const net::Address& address) {
  return address.to_string();
}

std::string mask_text(const net::Prefix& prefix) {
  std::array<std::uint8_t, 4> mask{};
  put_be32(mask.data(), prefix.length == 0 ? 0 : ~std::uint32_t{0} << (32U - prefix.length));
  return prefix.address.to_string() + "/" + net::Address::v4(mask).to_string();
}

std::string cidr_text(const net::Prefix& prefix) {
  return prefix.address.to_string() + "/" + std::to_string(prefix.length);
}

}  // namespace

Variables variables_of(const Assignment& a) {
  Variables all;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) all.emplace_back(name, value);
  };
  if (a.address) add("INTERNAL_ADDR4", text_of(*a.address));
  if (a.netmask) {
    add("INTERNAL_MASK4", text_of(*a.netmask));
    add("INTERNAL_NETMASK4", text_of(*a.netmask));
    add("INTERNAL_CIDR4", std::to_string(std::popcount(be32(a.netmask->bytes().data()))));
  }
  if (!a.dns.empty()) add("INTERNAL_DNS4", text_of(a.dns.front()));
  add("INTERNAL_DNS4_LIST", joined(a.dns, text_of));
  if (!a.wins.empty()) add("INTERNAL_WINS4", text_of(a.wins.front()));
  add("INTERNAL_WINS4_LIST", joined(a.wins, text_of));
  add("DEFAULT_DOMAIN", a.domain);
  add("SPLIT_INCLUDE", joined(a.split_include, mask_text));
  add("SPLIT_INCLUDE_CIDR", joined(a.split_include, cidr_text));
  add("SPLIT_LOCAL", joined(a.split_local, mask_text));
  add("SPLIT_LOCAL_CIDR", joined(a.split_local, cidr_text));
  add("INTERNAL_SPLITDNS_DOMAINS", joined(a.split_domains, [](const std::string& name) { return name; }));
  return all;
}

}  // namespace testudo::ike
