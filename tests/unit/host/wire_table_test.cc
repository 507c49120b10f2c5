#include "host/wire_table.h"

#include <gmock/gmock.h>

namespace testudo::host {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::vector<net::Address> kBoth{*net::Address::parse("192.0.2.1"), *net::Address::parse("2001:db8::1")};
constexpr std::array<std::uint16_t, 2> kPorts{4500, 4501};

std::string rules_of(std::span<const net::Address> own, std::span<const std::uint16_t> ports) {
  return nft_take_frames({"eth0", 7, {2, 0, 0, 0, 0xab, 1}}, own, ports);
}

TEST(WireTable, OnlyFramesToTheInterfaceItselfAndWithoutATag) {
  const std::string text = rules_of(kBoth, kPorts);
  EXPECT_THAT(text, HasSubstr("frames { type filter hook ingress device \"eth0\" priority -500; policy accept; }\n"));
  const std::size_t mac = text.find("frames ether daddr != 02:00:00:00:ab:01 accept\n");
  ASSERT_NE(mac, std::string::npos);
  EXPECT_LT(mac, text.find("frames ether type ip goto ipv4\n"));
  EXPECT_LT(mac, text.find("frames ether type ip6 goto ipv6\n"));
}

TEST(WireTable, WhatARouterForwardsIsTheEngines) {
  const std::string text = rules_of(kBoth, kPorts);
  EXPECT_THAT(text, HasSubstr("own4 { 192.0.2.1 }\n"));
  EXPECT_THAT(text, HasSubstr("own6 { 2001:db8::1 }\n"));
  EXPECT_THAT(text, HasSubstr("take meta mark set 1413829444 meta pkttype set other accept\n"));
  for (const char* family : {"ip", "ip6"}) {
    const std::string chain = family == std::string{"ip"} ? "ipv4" : "ipv6",
                      set = family == std::string{"ip"} ? "4" : "6";
    const std::size_t groups = text.find(" " + chain + " " + family + " daddr { ");
    const std::size_t others = text.find(chain + " " + family + " daddr != @own" + set + " goto take\n");
    ASSERT_NE(others, std::string::npos);
    EXPECT_LT(groups, others) << "groups and neighbours are the kernel's, whoever's address it is";
  }
}

TEST(WireTable, OfWhatIsForOurselvesTheProtectedIs) {
  const std::string text = rules_of(kBoth, kPorts);
  const std::size_t pieces = text.find("ipv4 ip frag-off & 0x3fff != 0 accept\n");
  const std::size_t whole = text.find("ipv4 ip protocol { 50, 51, 108 } goto take\n");
  ASSERT_NE(whole, std::string::npos);
  EXPECT_LT(pieces, whole) << "the kernel joins fragments";
  EXPECT_THAT(text, HasSubstr("ipv6 ip6 nexthdr { 50, 51, 108 } goto take\n"));
  EXPECT_THAT(text, HasSubstr("ip protocol 17 udp dport { 4500, 4501 } @th,64,32 != 0 goto take\n"));
  EXPECT_THAT(rules_of(kBoth, {}), Not(HasSubstr("udp")));
}

TEST(WireTable, ItTakesThePlaceOfTheOneThatTheInterfaceHas) {
  EXPECT_EQ(nft_wire_table(7), "testudo_wire_7");
  EXPECT_THAT(
      rules_of(kBoth, kPorts),
      StartsWith(
          "add table netdev testudo_wire_7\ndelete table netdev testudo_wire_7\nadd table netdev testudo_wire_7\n"));
}

TEST(WireTable, AddressesComeAndGo) {
  EXPECT_EQ(nft_own_addresses("t", std::span{kBoth}.first(1)),
            "flush set netdev t own4\nflush set netdev t own6\nadd element netdev t own4 { 192.0.2.1 }\n");
}

}  // namespace
}  // namespace testudo::host
