#pragma once
// IP protocol numbers and their names.  The table is our own: Debian's /etc/protocols lacks names that setkey needs
// (`ipv4` for 4, `reserved` for 255), and output must not depend on the machine.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace testudo::net {

namespace protocol {
inline constexpr std::uint8_t kHopByHop = 0, kIcmp = 1, kIpv4 = 4, kTcp = 6, kUdp = 17, kIpv6 = 41, kRouting = 43,
                              kFragment = 44, kGre = 47, kEsp = 50, kAh = 51, kIcmpv6 = 58, kNoNext = 59,
                              kDestination = 60, kIpcomp = 108, kSctp = 132, kMobility = 135, kUdpLite = 136,
                              kAny = 255;
}  // namespace protocol

/// NetBSD's name of a protocol number ("tcp", "ipv4", "ipv6-icmp", "reserved"), if it has one.
std::optional<std::string_view> protocol_name(std::uint8_t number);

/// The number of a protocol name or alias, in any case: "tcp", "icmp6", "ipv6-icmp", "ip4"; "any" is 255.
std::optional<std::uint8_t> protocol_number(std::string_view name);

}  // namespace testudo::net
