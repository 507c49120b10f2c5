#include "transform/udp_encap.h"

#include <gtest/gtest.h>

#include "crypto/algorithms.h"
#include "support/packets.h"
#include "support/random.h"

namespace testudo::transform {
namespace {

using Kind = sad::NatTraversal::Kind;

const net::Address a4 = test::ip("192.0.2.1"), b4 = test::ip("192.0.2.2");
const net::Address a6 = test::ip("2001:db8::1"), b6 = test::ip("2001:db8::2");

/// SPI, sequence and 24 bytes as ESP would leave them.
ByteVector esp_bytes() {
  ByteVector esp{0, 0, 0x10, 1, 0, 0, 0, 7};
  esp.resize(32, 0xe5);
  return esp;
}

std::unique_ptr<sad::Sa> nat_sa(std::optional<Kind> kind, std::uint16_t source = 4500,
                                std::uint16_t destination = 1027) {
  sad::SaParameters p;
  p.group = {sad::SaProtocol::Esp, sad::Mode::Transport, a4, b4, {}};
  p.spi = Spi{0x1001};
  p.cipher = crypto::cipher_by_name("null");
  if (kind) {
    p.nat = sad::NatTraversal{};
    p.nat->kind = *kind;
    p.nat->source_port = source;
    p.nat->destination_port = destination;
  }
  return *sad::Sa::make(std::move(p), {});
}

ByteVector sealed_packet(bool v4, const test::IpFields& fields = {}) {
  return v4 ? test::packet(a4, b4, 50, esp_bytes(), fields) : test::packet(a6, b6, 50, esp_bytes(), fields);
}

ByteVector content(const PacketBuffer& buffer) {
  return {buffer.bytes().begin(), buffer.bytes().end()};
}

Status<DropReason> encapsulate(const sad::Sa& sa, PacketBuffer& buffer, const ByteVector& sealed) {
  EXPECT_TRUE(buffer.assign(sealed));
  return encapsulate_udp(sa, buffer, *wire::packet::parse_ip(sealed));
}

Result<UdpPorts, DropReason> decapsulate(PacketBuffer& buffer, const ByteVector& received, bool marker) {
  EXPECT_TRUE(buffer.assign(received));
  return decapsulate_udp(buffer, *wire::packet::parse_ip(received), marker);
}

TEST(EncapsulateUdp, PutsThePortsOfTheSaInFrontOfEspWithoutAnIpv4Checksum) {
  PacketBuffer buffer;
  ASSERT_TRUE(encapsulate(*nat_sa(Kind::EspInUdp), buffer, sealed_packet(true, {.ttl = 3, .dont_fragment = true})));
  ByteVector expected = test::udp({a4, 4500}, {b4, 1027}, esp_bytes(), {.ttl = 3, .dont_fragment = true});
  expected[26] = expected[27] = 0;
  EXPECT_EQ(content(buffer), expected);
}

TEST(EncapsulateUdp, ComputesTheChecksumThatIpv6Wants) {
  PacketBuffer buffer;
  ASSERT_TRUE(encapsulate(*nat_sa(Kind::EspInUdp), buffer, sealed_packet(false)));
  EXPECT_EQ(content(buffer), test::udp({a6, 4500}, {b6, 1027}, esp_bytes()));
}

TEST(EncapsulateUdp, PutsTheNonIkeMarkerBetween) {
  PacketBuffer buffer;
  ASSERT_TRUE(encapsulate(*nat_sa(Kind::NonIke, 500, 500), buffer, sealed_packet(true)));
  ByteVector payload(8, 0);
  const ByteVector esp = esp_bytes();
  payload.insert(payload.end(), esp.begin(), esp.end());
  ByteVector expected = test::udp({a4, 500}, {b4, 500}, payload);
  expected[26] = expected[27] = 0;
  EXPECT_EQ(content(buffer), expected);
}

TEST(EncapsulateUdp, GoesBehindOptionsAndExtensionHeaders) {
  PacketBuffer buffer;
  const test::IpFields v4{.options = {1, 1, 1, 1}};
  ASSERT_TRUE(encapsulate(*nat_sa(Kind::EspInUdp), buffer, sealed_packet(true, v4)));
  ByteVector expected = test::udp({a4, 4500}, {b4, 1027}, esp_bytes(), v4);
  expected[30] = expected[31] = 0;
  EXPECT_EQ(content(buffer), expected);
  ASSERT_TRUE(encapsulate(*nat_sa(Kind::EspInUdp), buffer,
                          sealed_packet(false, {.options = {50, 0, 1, 4, 0, 0, 0, 0}, .first_extension = 60})));
  EXPECT_EQ(content(buffer), test::udp({a6, 4500}, {b6, 1027}, esp_bytes(),
                                       {.options = {17, 0, 1, 4, 0, 0, 0, 0}, .first_extension = 60}));
}

TEST(EncapsulateUdp, RefusesWhatIsNotEspOrNotTheSasBusiness) {
  PacketBuffer buffer;
  const auto no_nat = encapsulate(*nat_sa(std::nullopt), buffer, sealed_packet(true));
  ASSERT_FALSE(no_nat);
  EXPECT_EQ(no_nat.error(), DropReason::OutboundInvalid);
  const auto no_esp = encapsulate(*nat_sa(Kind::EspInUdp), buffer, test::packet(a4, b4, 51, esp_bytes()));
  ASSERT_FALSE(no_esp);
  EXPECT_EQ(no_esp.error(), DropReason::OutboundInvalid);
}

TEST(EncapsulateUdp, RefusesWhatNoIpPacketCanHold) {
  PacketBuffer buffer{70000};
  const auto sa = nat_sa(Kind::EspInUdp);
  const auto whole = [](std::size_t size, const net::Address& from, const net::Address& to) {
    return test::packet(from, to, 50, ByteVector(size - (from.is_v4() ? 20U : 40U), 1));
  };
  EXPECT_TRUE(encapsulate(*sa, buffer, whole(65527, a4, b4)));
  const auto v4 = encapsulate(*sa, buffer, whole(65528, a4, b4));
  ASSERT_FALSE(v4);
  EXPECT_EQ(v4.error(), DropReason::TooBig);
  EXPECT_TRUE(encapsulate(*sa, buffer, whole(65567, a6, b6)));
  EXPECT_FALSE(encapsulate(*sa, buffer, whole(65568, a6, b6)));
}

// RFC 3948 sections 2.2, 2.3 and 3.2.
TEST(ClassifyUdp, TellsEspIkeAndKeepalivesApart) {
  EXPECT_EQ(classify_udp(ByteVector{0xff}), UdpPayload::Keepalive);
  EXPECT_EQ(classify_udp(ByteVector(28, 0)), UdpPayload::Ike);
  EXPECT_EQ(classify_udp(ByteVector(4, 0)), UdpPayload::Ike);
  EXPECT_EQ(classify_udp(esp_bytes()), UdpPayload::Esp);
  EXPECT_EQ(classify_udp(ByteVector{0, 0, 0, 1, 0, 0, 0, 1, 0}), UdpPayload::Esp);
  for (const ByteVector& neither : {ByteVector{}, ByteVector{0xfe}, ByteVector{0xff, 0xff}, ByteVector(3, 0)}) {
    EXPECT_EQ(classify_udp(neither), UdpPayload::Esp) << "without a marker it is not for the key daemon";
  }
}

TEST(DecapsulateUdp, IsTheInverseAndTellsThePorts) {
  for (const bool v4 : {true, false}) {
    for (const Kind kind : {Kind::EspInUdp, Kind::NonIke}) {
      PacketBuffer buffer;
      const ByteVector sealed = sealed_packet(v4, {.ttl = 9});
      ASSERT_TRUE(encapsulate(*nat_sa(kind, 4501, 1028), buffer, sealed));
      const auto ports = decapsulate(buffer, content(buffer), kind == Kind::NonIke);
      ASSERT_TRUE(ports);
      EXPECT_EQ(ports->source, 4501);
      EXPECT_EQ(ports->destination, 1028);
      EXPECT_EQ(content(buffer), sealed);
    }
  }
}

TEST(DecapsulateUdp, DoesNotLookAtTheChecksum) {
  PacketBuffer buffer;
  ByteVector received = test::udp({a4, 1}, {b4, 2}, esp_bytes());
  received[26] ^= 0x55;
  EXPECT_TRUE(decapsulate(buffer, received, false));
  EXPECT_EQ(content(buffer), sealed_packet(true));
}

TEST(DecapsulateUdp, CutsWhatStandsBehindTheDatagram) {
  PacketBuffer buffer;
  ByteVector received = test::udp({a4, 1}, {b4, 2}, esp_bytes());
  received[25] = static_cast<std::uint8_t>(received[25] - 4);
  ASSERT_TRUE(decapsulate(buffer, received, false));
  EXPECT_EQ(buffer.size(), 20 + esp_bytes().size() - 4);
  EXPECT_EQ(wire::packet::parse_ip(buffer.bytes())->total_length, buffer.size());
}

TEST(DecapsulateUdp, RefusesLengthsThatLieMissingMarkersAndOtherProtocols) {
  const auto refused = [](const ByteVector& received, bool marker) {
    PacketBuffer buffer;
    const auto result = decapsulate(buffer, received, marker);
    EXPECT_EQ(content(buffer), received);
    return !result && result.error() == DropReason::InboundMalformed;
  };
  ByteVector too_long = test::udp({a4, 1}, {b4, 2}, esp_bytes());
  ++too_long[25];
  ByteVector too_short = test::udp({a4, 1}, {b4, 2}, esp_bytes());
  too_short[25] = 7;
  EXPECT_TRUE(refused(too_long, false));
  EXPECT_TRUE(refused(too_short, false));
  EXPECT_TRUE(refused(test::udp({a4, 1}, {b4, 2}, esp_bytes()), true)) << "no marker";
  EXPECT_TRUE(refused(test::udp({a4, 1}, {b4, 2}, ByteVector(7, 0)), true)) << "half a marker";
  EXPECT_TRUE(refused(test::udp({a4, 1}, {b4, 2}, ByteVector(12, 0)), true)) << "a marker and nothing";
  EXPECT_TRUE(refused(test::packet(a4, b4, 17, ByteVector(7, 0)), false));
  EXPECT_TRUE(refused(sealed_packet(true), false));
}

template <typename Make>
void expect_repaired(Make make, std::size_t checksum_at) {
  const ByteVector right = make();
  ByteVector wrong = right;
  wrong[checksum_at] ^= 0x40;
  PacketBuffer buffer;
  ASSERT_TRUE(buffer.assign(wrong));
  repair_checksum(buffer, *wire::packet::parse_ip(wrong));
  EXPECT_EQ(content(buffer), right);
}

TEST(RepairChecksum, MakesTcpAndUdpChecksumsFitTheAddresses) {
  const ByteVector data(31, 0x5c);
  expect_repaired([&] { return test::tcp({a4, 1}, {b4, 2}, data); }, 36);
  expect_repaired([&] { return test::udp({a4, 1}, {b4, 2}, data); }, 26);
  expect_repaired([&] { return test::tcp({a6, 1}, {b6, 2}, data); }, 56);
  expect_repaired([&] { return test::udp({a6, 1}, {b6, 2}, data); }, 46);
}

TEST(RepairChecksum, LeavesAnAbsentIpv4UdpChecksumAbsent) {
  ByteVector none = test::udp({a4, 1}, {b4, 2}, esp_bytes());
  none[26] = none[27] = 0;
  PacketBuffer buffer;
  ASSERT_TRUE(buffer.assign(none));
  repair_checksum(buffer, *wire::packet::parse_ip(none));
  EXPECT_EQ(content(buffer), none);
}

TEST(RepairChecksum, SendsAllOnesWhereTheUdpSumIsZero) {
  // Two bytes of data that make the sum come out as zero.
  ByteVector data{0, 0};
  const ByteVector probe = test::udp({a4, 1}, {b4, 2}, data);
  data = {probe[26], probe[27]};
  ByteVector packet = test::udp({a4, 1}, {b4, 2}, data);
  ASSERT_EQ(packet[26], 0xff);
  ASSERT_EQ(packet[27], 0xff);
  packet[26] = 1;
  PacketBuffer buffer;
  ASSERT_TRUE(buffer.assign(packet));
  repair_checksum(buffer, *wire::packet::parse_ip(packet));
  EXPECT_EQ(content(buffer), test::udp({a4, 1}, {b4, 2}, data));
}

TEST(RepairChecksum, LeavesFragmentsStumpsAndOtherProtocolsAlone) {
  ByteVector lying = test::udp({a4, 1}, {b4, 2}, esp_bytes());
  lying[24] = 0xff;
  const ByteVector data(30, 1);
  for (const ByteVector& packet :
       {test::packet(a4, b4, 17, data, {.more_fragments = true}), test::packet(a4, b4, 6, Bytes{data}.first(19)),
        test::packet(a4, b4, 17, Bytes{data}.first(7)), test::packet(a4, b4, 132, data), lying}) {
    PacketBuffer buffer;
    ASSERT_TRUE(buffer.assign(packet));
    repair_checksum(buffer, *wire::packet::parse_ip(packet));
    EXPECT_EQ(content(buffer), packet);
  }
}

}  // namespace
}  // namespace testudo::transform
