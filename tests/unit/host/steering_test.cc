#include "host/steering.h"

#include <gmock/gmock.h>

namespace testudo::host {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr Steer kV4{net::Family::V4, 4500, 40001}, kV6{net::Family::V6, 4500, 40002};

TEST(NftSteer, EspAndKeepalivesGoToTheEnginesPortOfTheirFamily) {
  const std::string text = nft_steer("t", {kV4, kV6});
  for (const char* rule : {"nfproto ipv4 udp dport 4500 @th,64,32 != 0 udp dport set 40001 udp checksum set 0 accept\n",
                           "nfproto ipv4 udp dport 4500 udp length 9 udp dport set 40001 udp checksum set 0 accept\n",
                           "nfproto ipv6 udp dport 4500 @th,64,32 != 0 udp dport set 40002 accept\n",
                           "nfproto ipv6 udp dport 4500 udp length 9 udp dport set 40002 accept\n"}) {
    EXPECT_THAT(text, HasSubstr(rule));
  }
}

TEST(NftSteer, EspIsAskedForFirst) {
  const std::string text = nft_steer("t", {kV4, kV6});
  const std::size_t spi = text.find("input meta nfproto ipv6 udp dport 4500 @th,64,32 != 0 udp dport set 40002");
  ASSERT_NE(spi, std::string::npos);
  EXPECT_LT(spi, text.find("jump seldom")) << "the commonest packets leave at the first rules";
}

TEST(NftSteer, WhatTheEnginesSocketSendsComesFromThePortItself) {
  const std::string text = nft_steer("t", {kV4, kV6});
  EXPECT_THAT(text, HasSubstr("output meta nfproto ipv4 udp sport 40001 udp sport set 4500\n"));
  EXPECT_THAT(text, HasSubstr("output meta nfproto ipv6 udp sport 40002 udp sport set 4500\n"));
}

TEST(NftSteer, NobodyReachesTheEnginesSocketPastAFirewall) {
  const std::string text = nft_steer("t", {kV4, kV6});
  EXPECT_THAT(text, HasSubstr("seldom meta nfproto ipv4 udp dport 40001 counter drop\n"));
  EXPECT_THAT(text, HasSubstr("seldom meta nfproto ipv6 udp dport 40002 counter drop\n"));
  const std::size_t others = text.find("input udp dport { 4500, 40001, 40002 } jump seldom\n");
  ASSERT_NE(others, std::string::npos);
  EXPECT_EQ(text.find("input meta", others), std::string::npos) << "nothing is turned over behind that";
}

TEST(NftSteer, TheFormOfTheFirstDraftsIsEspToo) {
  EXPECT_THAT(nft_steer("t", {kV4}),
              HasSubstr("udp dport 4500 @th,64,64 0 udp dport set 40001 udp checksum set 0 accept\n"));
}

TEST(NftSteer, OnPort500ACookieIsNotTakenForAnSpi) {
  const std::string text = nft_steer("t", {{net::Family::V4, 500, 40003}});
  EXPECT_THAT(text, HasSubstr("udp dport 500 @th,64,64 0 udp dport set 40003 udp checksum set 0 accept\n"));
  EXPECT_THAT(text, Not(HasSubstr("!= 0")));
}

TEST(NftSteer, ATableThatAKilledDaemonLeftIsReplaced) {
  EXPECT_THAT(nft_steer("t", {kV4}), StartsWith("add table inet t\ndelete table inet t\nadd table inet t\n"));
}

SteeredSockets sockets() {
  return {.mask = 0xf0000000,
          .esp = {0x20000000, 0x30000000},
          .non_ike = {0x40000000},
          .ports = {{net::Family::V4, 5500, 40005}}};
}

TEST(NftSteer, OfSocketsOnlyWhatIsEspAndTheirs) {
  const std::string text = nft_steer("t", {}, sockets());
  const std::string esp = " socket mark & 0xf0000000 { 0x20000000, 0x30000000 } ";
  EXPECT_THAT(text, HasSubstr("input meta nfproto ipv4 udp dport 5500 @th,64,32 != 0" + esp +
                              "udp dport set 40005 udp checksum set 0 accept\n"));
  EXPECT_THAT(text, HasSubstr("udp dport 5500 udp length 9 @th,64,8 0xff" + esp));
  EXPECT_THAT(text,
              HasSubstr("udp dport 5500 @th,64,64 0 socket mark & 0xf0000000 { 0x40000000 } udp dport set 40005"));
  EXPECT_THAT(text, HasSubstr("input meta nfproto ipv4 udp dport 40005 counter drop\n"));
  EXPECT_THAT(text, Not(HasSubstr("output meta"))) << "nothing is sent by that socket";
}

TEST(NftSteer, WhatIsEspAtAnotherPortOfSuchASocketIsDropped) {
  const std::string text = nft_steer("t", {}, sockets());
  const std::string last =
      "input meta l4proto udp @th,64,32 != 0 socket mark & 0xf0000000 { 0x20000000, 0x30000000 } counter drop\n";
  ASSERT_THAT(text, HasSubstr(last));
  EXPECT_GT(text.find(last), text.find("udp dport 5500 @th,64,32 != 0 socket"));
}

TEST(NftSteer, WithoutPortsThereIsNoTable) {
  EXPECT_EQ(nft_steer("t", {}), "add table inet t\ndelete table inet t\n");
}

}  // namespace
}  // namespace testudo::host
