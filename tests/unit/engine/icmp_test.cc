#include "engine/icmp.h"

#include <gtest/gtest.h>

#include <array>

#include "support/packets.h"
#include "support/random.h"
#include "support/sas.h"

namespace testudo::engine {
namespace {

using test::ip;
using Kind = IcmpMeaning::Kind;

const net::Address kGateway = ip("20.0.0.1"), kPeer = ip("20.0.0.2"), kRouter = ip("20.0.0.77");
constexpr std::array<std::uint16_t, 1> kPorts{4500};

class IcmpTest : public testing::Test {
 protected:
  IcmpTest() {
    EXPECT_TRUE(sad.add(test::sa(test::esp(kGateway, kPeer, "aes-cbc"))));
    EXPECT_TRUE(sad.add(test::sa(test::ipcomp(kGateway, kPeer, 0x2000))));
  }
  /// What "fragmentation needed" (or another type) with this MTU about `quoted` means.
  IcmpMeaning meaning(const ByteVector& quoted, std::uint16_t mtu = 1300, std::uint8_t code = 4) {
    ByteVector body{0, 0, static_cast<std::uint8_t>(mtu >> 8), static_cast<std::uint8_t>(mtu)};
    body.insert(body.end(), quoted.begin(), quoted.end());
    EXPECT_TRUE(buffer.assign(test::icmp(kRouter, kGateway, {std::uint8_t{3}, code}, body)));
    Passage passage;
    passage.packet = &buffer;
    passage.ip = *wire::packet::parse_ip(buffer.bytes());
    return read_icmp(passage, sad, kPorts);
  }
  static ByteVector esp_packet(std::uint8_t spi_high = 0x10) {
    return test::packet(kGateway, kPeer, net::protocol::kEsp, ByteVector{0, 0, spi_high, 0, 0, 0, 0, 1});
  }

 private:
  sad::KeySettings settings;
  test::SeededRandom random;
  wire::packet::PacketBuffer buffer;
  sad::Database sad{settings, random};
};

TEST_F(IcmpTest, TooBigAboutAnSaOfOursIsBelieved) {
  const auto m = meaning(esp_packet());
  EXPECT_EQ(m.kind, Kind::TooBig);
  EXPECT_EQ(m.destination, kPeer);
  EXPECT_EQ(m.mtu, 1300U);
  EXPECT_EQ(m.layer.spi, Spi{0x1000});
}

TEST_F(IcmpTest, ARouterThatSaysZeroMeansTheNextSmallerCommonSize) {
  ByteVector quoted = esp_packet();
  quoted[2] = 1500 >> 8;  // it was a packet of 1500 bytes
  quoted[3] = 1500 & 0xff;
  EXPECT_EQ(meaning(quoted, 0).mtu, 1492U);
}

TEST_F(IcmpTest, AnotherSpiIsNotBelieved) {
  EXPECT_EQ(meaning(esp_packet(0x11)).kind, Kind::Unbelieved);
}

TEST_F(IcmpTest, OtherErrorsAreNotAboutSize) {
  EXPECT_EQ(meaning(esp_packet(), 0, 1).kind, Kind::Other);
}

TEST_F(IcmpTest, WhatIsNotProtectedIsNotOurs) {
  EXPECT_EQ(meaning(test::udp({kGateway, 1}, {kPeer, 2}, test::SeededRandom{}.bytes(20))).kind, Kind::NotOurs);
}

TEST_F(IcmpTest, EspInUdpIsKnownByItsPort) {
  const ByteVector esp{0, 0, 0x10, 0, 0, 0, 0, 1};
  EXPECT_EQ(meaning(test::udp({kGateway, 4500}, {kPeer, 61000}, esp)).kind, Kind::TooBig);
  EXPECT_EQ(meaning(test::udp({kGateway, 4501}, {kPeer, 61000}, esp)).kind, Kind::NotOurs);
}

TEST_F(IcmpTest, IpcompIsKnownByItsWellKnownCpi) {
  const ByteVector compressed{net::protocol::kUdp, 0, 0, 2, 1, 2, 3, 4};
  EXPECT_EQ(meaning(test::packet(kGateway, kPeer, net::protocol::kIpcomp, compressed)).kind, Kind::TooBig);
}

}  // namespace
}  // namespace testudo::engine
