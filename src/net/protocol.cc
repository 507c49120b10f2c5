#include "net/protocol.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace testudo::net {
namespace {

struct Row {
  std::uint8_t number;
  std::string_view name;
  std::string_view alias;
};

// Names as NetBSD's protocol database has them; the first of a number is the one that is printed.
constexpr std::array kProtocols{
    Row{0, "hopopt", "ip"},
    Row{1, "icmp", ""},
    Row{2, "igmp", ""},
    Row{3, "ggp", ""},
    Row{4, "ipv4", "ip4"},
    Row{5, "st", ""},
    Row{6, "tcp", ""},
    Row{7, "cbt", ""},
    Row{8, "egp", ""},
    Row{9, "igp", ""},
    Row{12, "pup", ""},
    Row{17, "udp", ""},
    Row{20, "hmp", ""},
    Row{22, "xns-idp", ""},
    Row{27, "rdp", ""},
    Row{29, "iso-tp4", ""},
    Row{33, "dccp", ""},
    Row{36, "xtp", ""},
    Row{41, "ipv6", "ip6"},
    Row{43, "ipv6-route", ""},
    Row{44, "ipv6-frag", ""},
    Row{45, "idrp", ""},
    Row{46, "rsvp", ""},
    Row{47, "gre", ""},
    Row{50, "esp", "ipv6-crypt"},
    Row{51, "ah", "ipv6-auth"},
    Row{54, "narp", ""},
    Row{55, "mobile", ""},
    Row{58, "ipv6-icmp", "icmp6"},
    Row{59, "ipv6-nonxt", ""},
    Row{60, "ipv6-opts", ""},
    Row{80, "iso-ip", ""},
    Row{88, "eigrp", ""},
    Row{89, "ospf", ""},
    Row{94, "ipip", ""},
    Row{97, "etherip", ""},
    Row{98, "encap", ""},
    Row{103, "pim", ""},
    Row{108, "ipcomp", ""},
    Row{112, "carp", "vrrp"},
    Row{115, "l2tp", ""},
    Row{132, "sctp", ""},
    Row{135, "mobility-header", "mh"},
    Row{136, "udplite", ""},
    Row{137, "mpls-in-ip", ""},
    Row{139, "hip", ""},
    Row{240, "pfsync", ""},
    Row{255, "reserved", "any"},
};

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::optional<std::string_view> protocol_name(std::uint8_t number) {
  const auto row = std::ranges::find(kProtocols, number, &Row::number);
  if (row == kProtocols.end()) return std::nullopt;
  return row->name;
}

std::optional<std::uint8_t> protocol_number(std::string_view name) {
  if (same(name, "icmpv6")) return protocol::kIcmpv6;
  for (const Row& row : kProtocols) {
    if (same(name, row.name) || (!row.alias.empty() && same(name, row.alias))) return row.number;
  }
  return std::nullopt;
}

}  // namespace testudo::net
