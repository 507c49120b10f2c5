// The counters of netstat -s, one event at a time: what grows, and that nothing else does.  Numbers of bytes and of
// look-ups, which grow with every packet, are left out but where a test is about them.
#include <gtest/gtest.h>

#include <functional>

#include "observe/netstat.h"
#include "scenario/network.h"

namespace testudo {
namespace {

using namespace test;
using net::DropReason;
using spd::Direction;
using spd::Level;

using Counts = std::map<std::string, std::uint64_t>;

const net::Address kA = ip("20.0.0.1"), kB = ip("20.0.0.2");

Counts counts(const Station& station) {
  Counts out;
  for (const auto& section : observe::netstat_sections(station.statistics())) {
    for (const auto& line : section.lines) out[section.name + "." + line.name] = line.value;
  }
  return out;
}

bool grows_always(const std::string& name) {
  return name.ends_with("bytes") || name.find("spdcache") != std::string::npos;
}

/// What `event` adds to the counters of `station`.
Counts grown(Station& station, const std::function<void()>& event) {
  Counts before = counts(station), out;
  event();
  for (const auto& [name, value] : counts(station)) {
    if (value != before[name] && !grows_always(name)) out[name] = value - before[name];
  }
  return out;
}

sad::SaParameters common_esp() {
  return esp(kA, kB, "aes-cbc", "hmac-sha1");
}

class CountersTest : public testing::Test {
 protected:
  CountersTest() {
    a.host.addresses = {kA};
    b.host.addresses = {kB};
  }

  static ByteVector datagram(std::size_t size = 200) { return udp({kA, 1025}, {kB, 7}, Protection::text(size)); }
  Counts sending(const std::vector<ByteVector>& packets) {
    return grown(a, [&] { a.send(packets); });
  }
  Counts receiving(const std::vector<ByteVector>& packets) {
    return grown(b, [&] { b.receive(packets); });
  }
  /// What A makes of a packet with this one SA, whose peer B may be another one.
  std::vector<ByteVector> sealed(sad::SaParameters p, const ByteVector& packet, const spd::Request& how) {
    a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {how}));
    a.install(std::move(p));
    a.send({packet});
    EXPECT_EQ(a.wire.size(), 1U);
    return a.wire;
  }
  std::vector<ByteVector> sealed_esp() { return sealed(common_esp(), datagram(), request(Proto::Esp)); }
  std::vector<ByteVector> sealed_ah() { return sealed(ah(kA, kB, "hmac-sha1"), datagram(), request(Proto::Ah)); }

  Station a, b;
};

// ---- received

TEST_F(CountersTest, WhatIsOpenedCountsAsInputAndItsAlgorithmsInBothHistograms) {
  b.install(common_esp());
  EXPECT_EQ(receiving(sealed_esp()),
            (Counts{{"esp.input", 1}, {"esp.histogram.aes-cbc", 1}, {"ah.histogram.hmac-sha1", 1}}));
}

TEST_F(CountersTest, AesGcmCountsAsTheGmacOfItsKeyInTheHistogramOfAh) {
  b.install(esp(kA, kB, "aes-gcm-16"));
  EXPECT_EQ(receiving(sealed(esp(kA, kB, "aes-gcm-16"), datagram(), request(Proto::Esp))),
            (Counts{{"esp.input", 1}, {"esp.histogram.aes-gcm-16", 1}, {"ah.histogram.aes-256-mac", 1}}));
}

TEST_F(CountersTest, ReplayAndBadAuthentication) {
  b.install(common_esp());
  auto packets = sealed_esp();
  auto forged = packets;
  forged[0].back() ^= 1;
  EXPECT_EQ(receiving(forged), (Counts{{"esp.input", 1}, {"esp.badauth", 1}}));
  b.receive(packets);
  EXPECT_EQ(receiving(packets), (Counts{{"esp.input", 1}, {"esp.replay", 1}}));
}

TEST_F(CountersTest, ReplayAndBadAuthenticationOfAh) {
  b.install(ah(kA, kB, "hmac-sha1"));
  auto packets = sealed_ah();
  auto forged = packets;
  forged[0].back() ^= 1;
  EXPECT_EQ(receiving(forged), (Counts{{"ah.input", 1}, {"ah.badauth", 1}}));
  EXPECT_EQ(receiving(packets), (Counts{{"ah.input", 1}, {"ah.histogram.hmac-sha1", 1}}));
  EXPECT_EQ(receiving(packets), (Counts{{"ah.input", 1}, {"ah.replay", 1}}));
}

TEST_F(CountersTest, AnAuthenticatorOfAnotherLength) {
  b.install(ah(kA, kB, "hmac-sha256"));
  EXPECT_EQ(receiving(sealed_ah()), (Counts{{"ah.input", 1}, {"ah.badauthl", 1}}));
}

TEST_F(CountersTest, NoSaAndOneThatIsOnlyReserved) {
  const Counts expected{{"esp.input", 1}, {"esp.notdb", 1}};
  const auto packets = sealed_esp();
  EXPECT_EQ(receiving(packets), expected);
  ASSERT_TRUE(b.sad.reserve(sa(common_esp())->group(), {0x1000, 0x1000}, 0, 0, Time{}));
  EXPECT_EQ(receiving(packets), expected) << "netipsec looks among mature and dying SAs only";
}

TEST_F(CountersTest, PastItsHardLifetimeAnSaIsAsGoodAsGone) {
  sad::SaParameters p = common_esp();
  p.lifetimes = sad::Lifetimes{{.allocations = 1}, {.allocations = 1}};
  b.install(std::move(p));
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  a.install(common_esp());
  a.send({datagram(), datagram(), datagram()});
  b.receive({a.wire[0], a.wire[1]});
  EXPECT_EQ(receiving({a.wire[2]}), (Counts{{"esp.input", 1}, {"esp.notdb", 1}}));
}

TEST_F(CountersTest, HeadersCutShort) {
  const ByteVector few(3);
  EXPECT_EQ(receiving({packet(kA, kB, 50, few)}), (Counts{{"esp.input", 1}, {"esp.hdrops", 1}}));
  EXPECT_EQ(receiving({packet(kA, kB, 51, few)}), (Counts{{"ah.input", 1}, {"ah.hdrops", 1}}));
  EXPECT_EQ(receiving({packet(kA, kB, 108, few)}), (Counts{{"ipcomp.input", 1}, {"ipcomp.hdrops", 1}}));
}

TEST_F(CountersTest, SwitchedOffComesBeforeEverythingElse) {
  b.settings.esp_enable = b.settings.ah_enable = b.settings.ipcomp_enable = 0;
  for (const ByteVector& bytes : {ByteVector(3), ByteVector(40)}) {
    EXPECT_EQ(receiving({packet(kA, kB, 50, bytes)}), (Counts{{"esp.input", 1}, {"esp.pdrops", 1}}));
    EXPECT_EQ(receiving({packet(kA, kB, 51, bytes)}), (Counts{{"ah.input", 1}, {"ah.pdrops", 1}}));
    EXPECT_EQ(receiving({packet(kA, kB, 108, bytes)}), (Counts{{"ipcomp.input", 1}, {"ipcomp.pdrops", 1}}));
  }
}

TEST_F(CountersTest, EspOfALengthThatNoBlocksMake) {
  b.install(common_esp());
  const ByteVector whole = sealed_esp().at(0);
  EXPECT_EQ(receiving({packet(kA, kB, 50, Bytes{whole}.subspan(20, whole.size() - 24))}),
            (Counts{{"esp.input", 1}, {"esp.badilen", 1}}));
}

TEST_F(CountersTest, EspUnderAnotherKey) {
  sad::SaParameters other = esp(kA, kB, "aes-cbc");
  other.cipher_key = key(32, 99);
  b.install(std::move(other));
  // Long enough for any length of padding that chance makes.
  EXPECT_EQ(receiving(sealed(esp(kA, kB, "aes-cbc"), datagram(400), request(Proto::Esp))),
            (Counts{{"esp.input", 1}, {"esp.badenc", 1}}));
}

TEST_F(CountersTest, WhatIsNotDeflate) {
  b.install(ipcomp(kA, kB));
  const ByteVector bytes{17, 0, 0, 2, 0xff, 0xff, 0xff, 0xff};
  EXPECT_EQ(receiving({packet(kA, kB, 108, bytes)}), (Counts{{"ipcomp.input", 1}, {"ipcomp.noxform", 1}}));
}

TEST_F(CountersTest, InputPolicyViolations) {
  const Counts violation{{"ipsec.in_polvio", 1}};
  b.install(policy(Direction::In, "20.0.0.1", "20.0.0.2", {request(Proto::Ah)}));
  EXPECT_EQ(receiving({datagram()}), violation) << "in clear";
  b.install(common_esp());
  EXPECT_EQ(
      receiving(sealed_esp()),
      (Counts{{"esp.input", 1}, {"esp.histogram.aes-cbc", 1}, {"ah.histogram.hmac-sha1", 1}, {"ipsec.in_polvio", 1}}))
      << "by another SA";
  b.spd.flush();
  b.install(policy(Direction::In, "20.0.0.1", "20.0.0.2", spd::Action::Discard));
  EXPECT_EQ(receiving({datagram()}), violation) << "discard";
  b.spd.flush();
  b.settings.v4.def_policy = 0;
  EXPECT_EQ(receiving({datagram()}), violation) << "def_policy";
}

TEST_F(CountersTest, AnIcmpErrorAboutAnSaThatWeDoNotHaveIsNoProtectedPacket) {
  const ByteVector quoted = packet(kB, kA, 50, ByteVector(40, 4));
  ByteVector body{0, 0, 5, 0};
  body.insert(body.end(), quoted.begin(), quoted.end());
  EXPECT_EQ(receiving({icmp(kA, kB, {3, 4}, body)}), Counts{});
  EXPECT_EQ(b.drops(DropReason::IcmpUnbelieved), 1U);
}

// ---- tunnels, received

class TunnelCountersTest : public CountersTest {
 protected:
  /// ESP by hand, without encryption and authentication.
  static ByteVector esp_of(std::uint8_t next_header, Bytes payload, std::uint32_t sequence) {
    ByteVector out;
    detail::put32(out, 0x1000);
    detail::put32(out, sequence);
    detail::put(out, payload);
    std::uint8_t pad = 0;
    while ((payload.size() + pad + 2) % 4 != 0) out.push_back(++pad);
    out.push_back(pad);
    out.push_back(next_header);
    return packet(kA, kB, 50, out);
  }
  static sad::SaParameters null_tunnel(const net::Address& from = kA) {
    sad::SaParameters p = esp(from, kB, "null", "null");
    p.group.mode = sad::Mode::Tunnel;
    return p;
  }
  static Counts with_esp(Counts more) {
    more.insert({{"esp.input", 1}, {"esp.histogram.null", 1}, {"ah.histogram.null", 1}});
    return more;
  }
};

TEST_F(TunnelCountersTest, EveryPacketInATunnelIsInputOfIpipWhateverBecomesOfIt) {
  b.install(null_tunnel());
  const ByteVector inner = udp({ip("10.0.1.5"), 1}, {ip("10.0.2.5"), 2}, Protection::text(64));
  EXPECT_EQ(receiving({esp_of(4, inner, 1)}), with_esp({{"ipip.ipackets", 1}}));
  const ByteVector spoofed = udp({kB, 1}, {ip("10.0.2.5"), 2}, Protection::text(64));
  EXPECT_EQ(receiving({esp_of(4, spoofed, 2)}), with_esp({{"ipip.ipackets", 1}, {"ipip.spoof", 1}}));
  EXPECT_EQ(receiving({esp_of(41, inner, 3)}), with_esp({{"ipip.ipackets", 1}, {"ipip.family", 1}}));
  EXPECT_EQ(receiving({esp_of(4, Bytes{inner}.first(10), 4)}), with_esp({{"ipip.ipackets", 1}, {"ipip.hdrops", 1}}));
}

TEST_F(TunnelCountersTest, BytesAreThoseOfInnerPacketsThatWereAccepted) {
  b.install(null_tunnel());
  const ByteVector inner = udp({ip("10.0.1.5"), 1}, {ip("10.0.2.5"), 2}, Protection::text(64));
  const ByteVector spoofed = udp({kB, 1}, {ip("10.0.2.5"), 2}, Protection::text(64));
  b.receive({esp_of(4, inner, 1), esp_of(4, spoofed, 2)});
  EXPECT_EQ(counts(b)["ipip.ibytes"], inner.size());
}

TEST_F(TunnelCountersTest, ATunnelFromElsewhereIsInsane) {
  b.install(null_tunnel(ip("20.0.0.9")));
  const ByteVector inner = udp({ip("10.0.1.5"), 1}, {ip("10.0.2.5"), 2}, Protection::text(64));
  EXPECT_EQ(receiving({esp_of(4, inner, 1)}), with_esp({{"esp.tunnel", 1}}));
}

// ---- sent

TEST_F(CountersTest, OutputPolicyViolationsAndMissingSas) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", spd::Action::Discard));
  EXPECT_EQ(sending({datagram()}), (Counts{{"ipsec.out_polvio", 1}}));
  a.spd.flush();
  a.settings.v4.def_policy = 0;
  EXPECT_EQ(sending({datagram()}), (Counts{{"ipsec.out_polvio", 1}})) << "def_policy";
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  EXPECT_EQ(sending({datagram()}), (Counts{{"ipsec.out_nosa", 1}}));
  EXPECT_EQ(sending({ByteVector(40, 0xff)}), (Counts{{"ipsec.out_inval", 1}})) << "no IP packet";
}

TEST_F(CountersTest, ASwitchedOffTransformCountsAtItsProtocolAndOnlyWithAnSa) {
  struct Row {
    Proto protocol;
    std::int32_t engine::Settings::*variable;
    sad::SaParameters sa;
    Counts off;
  };
  std::vector<Row> rows;
  rows.push_back({Proto::Esp, &engine::Settings::esp_enable, common_esp(), {{"esp.pdrops", 1}}});
  rows.push_back({Proto::Ah, &engine::Settings::ah_enable, ah(kA, kB, "hmac-sha1"), {{"ah.pdrops", 1}}});
  rows.push_back({Proto::Ipcomp, &engine::Settings::ipcomp_enable, ipcomp(kA, kB), {{"ipcomp.pdrops", 1}}});
  for (Row& row : rows) {
    a.spd.flush();
    a.settings.*row.variable = 0;
    a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(row.protocol)}));
    if (row.protocol != Proto::Ipcomp) {
      EXPECT_EQ(sending({datagram()}), (Counts{{"ipsec.out_nosa", 1}}));
    }
    a.install(std::move(row.sa));
    EXPECT_EQ(sending({datagram()}), row.off);
  }
}

TEST_F(CountersTest, TheEndOfTheSequenceNumbers) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Ah)}));
  a.install(ah(kA, kB, "hmac-sha1")).sequence = sad::Sequence{false, sad::Sequence::Wrap::Never, UINT32_MAX};
  EXPECT_EQ(sending({datagram()}), (Counts{{"ah.output", 1}, {"ah.wrap", 1}}));
}

TEST_F(CountersTest, LargerThanAnIpPacketCanBe) {
  const ByteVector large = datagram(65500);
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
  a.install(common_esp());
  EXPECT_EQ(sending({large}), (Counts{{"esp.output", 1}, {"esp.toobig", 1}}));
  EXPECT_EQ(counts(a)["esp.obytes"], 0U);
  a.spd.flush();
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {tunnel(Proto::Esp, kA, kB)}));
  EXPECT_EQ(sending({large}).at("esp.toobig"), 1U) << "with another IP header, too";
}

TEST_F(CountersTest, ABundleCountsEachSaButTheLast) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp), request(Proto::Ah)}));
  a.install(common_esp());
  sad::Sa& outer = a.install(ah(kA, kB, "hmac-sha1"));
  EXPECT_EQ(sending({datagram()}), (Counts{{"esp.output", 1},
                                           {"esp.histogram.aes-cbc", 1},
                                           {"ah.output", 1},
                                           {"ah.histogram.hmac-sha1", 2},
                                           {"ipsec.out_bundlesa", 1}}));
  EXPECT_EQ(counts(a)["esp.obytes"], 208U) << "what stood behind the IP header";
  outer.sequence = sad::Sequence{false, sad::Sequence::Wrap::Never, UINT32_MAX};
  EXPECT_EQ(sending({datagram()}).at("ipsec.out_bundlesa"), 1U) << "the first was processed";
  a.sad.find(sad::SaProtocol::Esp, kA, kB, Spi{0x1000})->sequence =
      sad::Sequence{false, sad::Sequence::Wrap::Never, UINT32_MAX};
  EXPECT_EQ(sending({datagram()}), (Counts{{"esp.output", 1}, {"esp.wrap", 1}})) << "none was processed";
}

TEST_F(CountersTest, WhatIpcompLeavesAlone) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Ipcomp)}));
  a.install(ipcomp(kA, kB));
  EXPECT_EQ(sending({datagram(40)}), (Counts{{"ipcomp.minlen", 1}})) << "not even tried";
  const ByteVector random = udp({kA, 1025}, {kB, 7}, SeededRandom{3}.bytes(200));
  EXPECT_EQ(sending({random}), (Counts{{"ipcomp.output", 1}, {"ipcomp.useless", 1}, {"ipcomp.histogram.deflate", 1}}));
  EXPECT_EQ(sending({datagram()}), (Counts{{"ipcomp.output", 1}, {"ipcomp.histogram.deflate", 1}}));
}

TEST_F(CountersTest, TunnelsSent) {
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {tunnel(Proto::Ah, kA, kB)}));
  a.install(ah(kA, kB, "hmac-sha1"));
  EXPECT_EQ(sending({datagram()}), (Counts{{"ah.output", 1}, {"ah.histogram.hmac-sha1", 1}, {"ipip.opackets", 1}}));
  EXPECT_EQ(counts(a)["ipip.obytes"], datagram().size());
}

TEST_F(CountersTest, ATunnelThatEndsNowhere) {
  const net::Address any = net::Address::any(net::Family::V4);
  a.install(policy(Direction::Out, "20.0.0.1", "20.0.0.2", {tunnel(Proto::Esp, kA, any)}));
  a.install(esp(kA, any, "aes-cbc", "hmac-sha1"));
  EXPECT_EQ(sending({datagram()}), (Counts{{"ipip.unspec", 1}}));
}

// ---- what the outside gives back

TEST_F(CountersTest, PacketsThatTheOutsideCouldNotTake) {
  const ByteVector protected_packet = packet(kA, kB, 50, ByteVector(40, 4));
  const auto back = [&](DropReason reason) { return grown(a, [&] { a.engine.count_drop(reason, protected_packet); }); };
  EXPECT_EQ(back(DropReason::NoRoute), (Counts{{"ipsec.out_noroute", 1}}));
  EXPECT_EQ(back(DropReason::SendFailed), (Counts{{"ipsec.out_inval", 1}}));
  EXPECT_EQ(back(DropReason::QueueFull), (Counts{{"esp.qfull", 1}}));
  EXPECT_EQ(back(DropReason::HostQueueFull), (Counts{{"ipip.qfull", 1}}));
}

}  // namespace
}  // namespace testudo
