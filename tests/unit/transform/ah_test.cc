#include "transform/ah.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/endian.h"
#include "unit/transform/one_packet.h"

namespace testudo::transform {
namespace {

using namespace test_support;

const net::Address kA = test::ip("10.0.0.1"), kB = test::ip("10.0.0.2");
const net::Address kA6 = test::ip("fd00::1"), kB6 = test::ip("fd00::2");

struct AhVector {
  const char *name, *mac;
  bool esn;
  const char *before, *after;
};

// Made with scapy 2.5's IPsec layer: SPI 0x1000, sequence number 7 (high half 3 with ESN), key 01 02 03 ….  Scapy does
// not predict IPv4 source routes: that ICV is Python's hmac over the bytes that RFC 4302 section 3.3.3.1.1.2
// prescribes.
constexpr AhVector kScapy[] = {
    {"v4 hmac-sha1", "hmac-sha1", false,
     "45b8002912344000211132d60a0000010a00000203e807d00015f48c61757468656e74696361746564",
     "45b80041123440002133329c0a0000010a0000021104000000001000000000075e8032156d2278fa6a7f41e603e807d00015f48c61757468"
     "656e74696361746564"},
    {"v4 hmac-md5", "hmac-md5", false,
     "45b8002912344000211132d60a0000010a00000203e807d00015f48c61757468656e74696361746564",
     "45b80041123440002133329c0a0000010a0000021104000000001000000000072c40b79ccd86e340ef66ef5903e807d00015f48c61757468"
     "656e74696361746564"},
    {"v4 hmac-sha256", "hmac-sha256", false,
     "45b8002912344000211132d60a0000010a00000203e807d00015f48c61757468656e74696361746564",
     "45b8004512344000213332980a0000010a0000021105000000001000000000076ddedaa8ccd46186857fe57671c6a25903e807d00015f48c"
     "61757468656e74696361746564"},
    {"v4 hmac-sha512", "hmac-sha512", false,
     "45b8002912344000211132d60a0000010a00000203e807d00015f48c61757468656e74696361746564",
     "45b8005512344000213332880a0000010a00000211090000000010000000000742522538075ca465084995c8e859bae009fc11515e1983ae"
     "694583168bedaa1303e807d00015f48c61757468656e74696361746564"},
    {"v4 aes-cmac", "aes-cmac", false,
     "45b8002912344000211132d60a0000010a00000203e807d00015f48c61757468656e74696361746564",
     "45b80041123440002133329c0a0000010a0000021104000000001000000000074625bd76bcbc0fdfa271207e03e807d00015f48c61757468"
     "656e74696361746564"},
    {"v4 with router alert and record route", "hmac-sha1", false,
     "48000035000100002111e3a90a0000010a00000294040000070704000000000003e807d00015f48c61757468656e74696361746564",
     "4800004d000100002133e36f0a0000010a0000029404000007070400000000001104000000001000000000077e6d099290e1c71c0d3da8da"
     "03e807d00015f48c61757468656e74696361746564"},
    {"v4 with a loose source route ahead", "hmac-sha1", false,
     "48000035000100002111f1900a0000010a000007830b040a0000080a0000020003e807d00015f48c61757468656e74696361746564",
     "4800004d000100002133f1560a0000010a000007830b040a0000080a000002001104000000001000000000070e9c3bb8248c4be88f920bee"
     "03e807d00015f48c61757468656e74696361746564"},
    {"v4 with ESN", "hmac-sha1", true,
     "45b8002912344000211132d60a0000010a00000203e807d00015f48c61757468656e74696361746564",
     "45b80041123440002133329c0a0000010a000002110400000000100000000007d216bc4b0cb942d90613081e03e807d00015f48c61757468"
     "656e74696361746564"},
    {"v6 hmac-sha1", "hmac-sha1", false,
     "6b81234500151121fd000000000000000000000000000001fd00000000000000000000000000000203e807d000150e8b61757468656e7469"
     "6361746564",
     "6b812345002d3321fd000000000000000000000000000001fd000000000000000000000000000002110400000000100000000007f20dbf2a"
     "5b775526451a5dfc03e807d000150e8b61757468656e74696361746564"},
    {"v6 hmac-sha256, padded to 8", "hmac-sha256", false,
     "6b81234500151121fd000000000000000000000000000001fd00000000000000000000000000000203e807d000150e8b61757468656e7469"
     "6361746564",
     "6b81234500353321fd000000000000000000000000000001fd000000000000000000000000000002110600000000100000000007d0894ba5"
     "f9ed4ccd3e05c42ccbd06c1a0000000003e807d000150e8b61757468656e74696361746564"},
    {"v6 with an option that may change", "hmac-sha1", false,
     "60000000001d0021fd000000000000000000000000000001fd000000000000000000000000000002110026041122334403e807d000150e8b"
     "61757468656e74696361746564",
     "6000000000350021fd000000000000000000000000000001fd00000000000000000000000000000233002604112233441104000000001000"
     "000000079abf7619140dff4c856fff5903e807d000150e8b61757468656e74696361746564"},
    {"v6 with a routing header ahead", "hmac-sha1", false,
     "60000000003d2b21fd000000000000000000000000000001fd0000000000000000000000000000021104000200000000fd00000000000000"
     "00000000000000a2fd0000000000000000000000000000dd03e807d000150db061757468656e74696361746564",
     "6000000000552b21fd000000000000000000000000000001fd0000000000000000000000000000023304000200000000fd00000000000000"
     "00000000000000a2fd0000000000000000000000000000dd110400000000100000000007cf71dcf856b3794a4d6179ca03e807d000150db0"
     "61757468656e74696361746564"},
};

sad::SaParameters parameters_of(const AhVector& v) {
  const bool v4 = v.before[0] == '4';
  sad::SaParameters p = test::ah(v4 ? kA : kA6, v4 ? kB : kB6, v.mac, {.extended_sequence = v.esn});
  ByteVector key(p.mac->key.max);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i + 1);
  p.mac_key = Secret{key};
  return p;
}

TEST(Ah, SignsAsScapyDoes) {
  for (const AhVector& v : kScapy) {
    const auto sa = test::sa(parameters_of(v));
    sa->sequence = sad::Sequence{v.esn, sad::Sequence::Wrap::Never, (v.esn ? std::uint64_t{3} << 32 : 0) + 6};
    const Outcome signed_packet = sign(*sa, hex(v.before));
    ASSERT_TRUE(signed_packet) << v.name << ' ' << name_of(signed_packet);
    EXPECT_EQ(signed_packet.bytes, hex(v.after)) << v.name;
  }
}

TEST(Ah, VerifiesWhatScapySigned) {
  for (const AhVector& v : kScapy) {
    if (std::string{v.name}.ends_with("ahead")) continue;  // not the form in which it arrives
    const auto sa = test::sa(parameters_of(v));
    if (v.esn) sa->window.commit(std::uint64_t{3} << 32);
    const Outcome o = verify(*sa, hex(v.after));
    ASSERT_TRUE(o) << v.name << ' ' << name_of(o);
    EXPECT_EQ(o.bytes, hex(v.before)) << v.name;
    EXPECT_EQ(static_cast<std::uint32_t>(o.opened.sequence), 7U) << v.name;
    EXPECT_EQ(o.opened.next_protocol, net::protocol::kUdp) << v.name;
  }
}

/// What the routers of a source route make of the two packets that were signed with hops ahead.
TEST(Ah, VerifiesAPacketThatTravelledItsSourceRoute) {
  const AhVector& v4 = kScapy[6];
  ByteVector packet = hex(v4.after);
  const ByteVector last = hex("0a000002"), been = hex("0a000007 0a000008");
  std::ranges::copy(last, packet.begin() + 16);
  packet[22] = 12;  // the pointer, behind the last address
  std::ranges::copy(been, packet.begin() + 23);
  packet[8] -= 3;
  const auto in4 = test::sa(parameters_of(v4));
  const Outcome o4 = verify(*in4, packet);
  EXPECT_TRUE(o4) << name_of(o4);

  const AhVector& v6 = kScapy[11];
  packet = hex(v6.after);
  const ByteVector hops = hex("fd000000000000000000000000000002 fd0000000000000000000000000000a2");
  std::ranges::copy(hex("fd0000000000000000000000000000dd"), packet.begin() + 24);
  std::ranges::copy(hops, packet.begin() + 48);
  packet[43] = 0;  // segments left
  const auto in6 = test::sa(parameters_of(v6));
  const Outcome o6 = verify(*in6, packet);
  EXPECT_TRUE(o6) << name_of(o6);
}

std::vector<std::string> macs() {
  std::vector<std::string> out;
  for (const auto& row : crypto::macs()) {
    if (row.kind != crypto::MacKind::TcpMd5) out.emplace_back(row.name);
  }
  return out;
}

TEST(Ah, RoundTripOfEveryMacFormatAndFamily) {
  std::size_t count = 0;
  for (const std::string& mac : macs()) {
    for (const sad::SaFlags& flags :
         {sad::SaFlags{}, sad::SaFlags{.old_format = true}, sad::SaFlags{.extended_sequence = true}}) {
      if (flags.extended_sequence && mac == "null") continue;
      for (const auto& [a, b] : {std::pair{kA, kB}, std::pair{kA6, kB6}}) {
        const auto out = test::sa(test::ah(a, b, mac, flags)), in = test::sa(test::ah(a, b, mac, flags));
        for (std::size_t size : {0U, 1U, 7U, 64U, 1400U}) {
          const ByteVector packet = test::udp({a, 5}, {b, 6}, test::SeededRandom{4}.bytes(size));
          const Outcome sealed = sign(*out, packet);
          ASSERT_TRUE(sealed) << mac << ' ' << name_of(sealed);
          EXPECT_EQ(sealed.bytes.size() - packet.size(), out->layout().header);
          const Outcome o = verify(*in, sealed.bytes);
          ASSERT_TRUE(o) << mac << ' ' << name_of(o);
          EXPECT_EQ(o.bytes, packet);
          ++count;
        }
      }
    }
  }
  EXPECT_EQ(count, (11U * 3U - 1U) * 2U * 5U);
}

/// Which bits of the packet AH does not protect: those that routers change.
using Mask = std::map<std::size_t, std::uint8_t>;

void expect_exactly_these_may_change(const ByteVector& packet, const net::Address& a, const net::Address& b,
                                     const Mask& mutable_bits) {
  const auto out = test::sa(test::ah(a, b, "hmac-sha1"));
  const ByteVector sealed = sign(*out, packet).bytes;
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const auto in = test::sa(test::ah(a, b, "hmac-sha1"));
      ByteVector changed = sealed;
      changed[at] ^= static_cast<std::uint8_t>(1U << bit);
      const auto mask = mutable_bits.find(at);
      const bool may = mask != mutable_bits.end() && (mask->second >> bit & 1U) != 0;
      const Outcome o = verify(*in, changed);
      EXPECT_EQ(!o.drop, may) << "byte " << at << " bit " << bit << ' ' << name_of(o);
    }
  }
}

TEST(Ah, EveryBitOfAnIpv4PacketIsProtectedButThoseThatRoutersChange) {
  const Mask ip{{1, 0xff},  // TOS
                {6, 0xc0},  // reserved flag and DF; MF and the offset make it a fragment
                {8, 0xff},  // TTL
                {10, 0xff},
                {11, 0xff}};  // checksum
  expect_exactly_these_may_change(test::udp({kA, 1}, {kB, 2}, as_bytes("protected")), kA, kB, ip);
}

TEST(Ah, EveryBitOfAnIpv4PacketWithOptionsIsProtectedButThoseThatRoutersChange) {
  // router alert, record route with room for one address, end of list
  Mask ip{{1, 0xff}, {6, 0xc0}, {8, 0xff}, {10, 0xff}, {11, 0xff}};
  // The record route option lies at 24 to 30: its pointer and addresses may change; type and length are zeroed too, so
  // a change is seen only where the option ends elsewhere or becomes another kind.
  const ByteVector packet =
      test::udp({kA, 1}, {kB, 2}, as_bytes("protected"), {.options = hex("94040000 07070400 00000000")});
  const auto out = test::sa(test::ah(kA, kB, "hmac-sha1"));
  const ByteVector sealed = sign(*out, packet).bytes;
  const std::set<std::size_t> may{1, 8, 10, 11, 26, 27, 28, 29, 30};
  const std::set<std::size_t> judged_elsewhere{0, 2, 3, 6, 7, 24, 25};
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    if (judged_elsewhere.count(at) != 0) continue;
    const auto in = test::sa(test::ah(kA, kB, "hmac-sha1"));
    ByteVector changed = sealed;
    changed[at] ^= 0x40;
    EXPECT_EQ(!verify(*in, changed).drop, may.count(at) != 0) << at;
  }
}

TEST(Ah, EveryBitOfAnIpv6PacketIsProtectedButThoseThatRoutersChange) {
  const Mask ip{{0, 0x0f},
                {1, 0xff},
                {2, 0xff},
                {3, 0xff},   // traffic class, flow label
                {7, 0xff}};  // hop limit
  expect_exactly_these_may_change(test::udp({kA6, 1}, {kB6, 2}, as_bytes("protected")), kA6, kB6, ip);
}

TEST(Ah, EveryBitOfAnIpv6PacketWithOptionsIsProtectedButThoseThatRoutersChange) {
  const ByteVector packet =
      test::udp({kA6, 1}, {kB6, 2}, as_bytes("protected"),
                {.options = hex("11002604 11223344"), .first_extension = net::protocol::kHopByHop});
  const Mask ip{{0, 0x0f}, {1, 0xff}, {2, 0xff}, {3, 0xff}, {7, 0xff}, {44, 0xff}, {45, 0xff}, {46, 0xff}, {47, 0xff}};
  expect_exactly_these_may_change(packet, kA6, kB6, ip);
}

TEST(Ah, WantsExactlyTheLengthThatTheSaImplies) {
  for (const auto& [a, b] : {std::pair{kA, kB}, std::pair{kA6, kB6}}) {
    const auto out = test::sa(test::ah(a, b, "hmac-sha256")), in = test::sa(test::ah(a, b, "hmac-sha1"));
    const ByteVector packet = sign(*out, test::udp({a, 1}, {b, 2}, as_bytes("x"))).bytes;
    EXPECT_EQ(verify(*in, packet).drop, DropReason::BadIcvLength);
  }
  const auto in = test::sa(test::ah(kA, kB, "hmac-sha1"));
  for (std::size_t size = 0; size < 24; ++size) {
    const ByteVector cut =
        test::packet(kA, kB, 51, Bytes{hex("11040000 00001000 00000001 000000000000000000000000")}.first(size));
    EXPECT_EQ(verify(*in, cut).drop, DropReason::InboundMalformed) << size;
  }
}

TEST(Ah, RefusesRepeatsAfterTheIcvProvedThem) {
  const auto out = test::sa(test::ah(kA, kB, "hmac-sha1")), in = test::sa(test::ah(kA, kB, "hmac-sha1"));
  const ByteVector packet = sign(*out, test::udp({kA, 1}, {kB, 2}, as_bytes("x"))).bytes;
  ByteVector forged = packet;
  forged.back() ^= 1;
  EXPECT_EQ(verify(*in, forged).drop, DropReason::BadIcv);
  const auto opened = open_all(&verify_with_defaults, *in, {packet, packet, packet});
  EXPECT_TRUE(opened[0]);
  EXPECT_EQ(opened[1].drop, DropReason::Replayed);
  EXPECT_EQ(opened[2].drop, DropReason::Replayed);
}

TEST(Ah, TheOldFormatHasNoSequenceNumberAndSixteenBytes) {
  const auto sa = test::sa(test::ah(kA, kB, "keyed-md5", {.old_format = true}));
  const ByteVector packet = sign(*sa, test::udp({kA, 1}, {kB, 2}, as_bytes("x"))).bytes;
  EXPECT_EQ(ByteVector(packet.begin() + 20, packet.begin() + 28), hex("11040000 00001000"));
  EXPECT_EQ(ByteVector(packet.begin() + 44, packet.begin() + 48), hex("00010002"));
  EXPECT_EQ(sa->sequence.last(), 0U);
}

TEST(Ah, StopsAtTheEndOfItsNumbers) {
  sad::SaParameters p = test::ah(kA, kB, "hmac-sha1");
  const auto sa = test::sa(std::move(p));
  sa->sequence = sad::Sequence{false, sa->sequence.wrap(), UINT32_MAX};
  EXPECT_EQ(sign(*sa, test::udp({kA, 1}, {kB, 2}, as_bytes("x"))).drop, DropReason::SequenceExhausted);
}

TEST(Ah, RefusesFragmentsAndWhatBecomesTooLarge) {
  const auto sa = test::sa(test::ah(kA, kB, "hmac-sha1"));
  EXPECT_EQ(sign(*sa, test::packet(kA, kB, 17, ByteVector(64, 1), {.more_fragments = true})).drop,
            DropReason::OutboundInvalid);
  EXPECT_TRUE(sign(*sa, test::packet(kA, kB, 253, ByteVector(65535 - 20 - 24, 1))));
  EXPECT_EQ(sign(*sa, test::packet(kA, kB, 253, ByteVector(65535 - 20 - 23, 1))).drop, DropReason::TooBig);
  EXPECT_EQ(verify(*sa, test::packet(kA, kB, 51, ByteVector(64, 1), {.more_fragments = true})).drop,
            DropReason::InboundMalformed);
}

TEST(Ah, RefusesOptionsThatDoNotAddUp) {
  const auto sa = test::sa(test::ah(kA, kB, "hmac-sha1"));
  EXPECT_EQ(sign(*sa, test::udp({kA, 1}, {kB, 2}, as_bytes("x"), {.options = hex("82010000")})).drop,
            DropReason::OutboundInvalid);
  EXPECT_EQ(verify(*sa, test::packet(kA, kB, 51, hex("11040000 00001000 00000001 000000000000000000000000"),
                                     {.options = hex("82010000")}))
                .drop,
            DropReason::InboundMalformed);
}

TEST(Ah, StandsInFrontOfEsp) {
  const auto esp_out = test::sa(test::esp(kA, kB, "aes-cbc")), esp_in = test::sa(test::esp(kA, kB, "aes-cbc"));
  const auto ah_out = test::sa(test::ah(kA, kB, "hmac-sha1")), ah_in = test::sa(test::ah(kA, kB, "hmac-sha1"));
  const ByteVector packet = test::tcp({kA, 1}, {kB, 2}, as_bytes("both"));
  const Outcome wire = sign(*ah_out, seal(*esp_out, packet).bytes);
  ASSERT_TRUE(wire);
  EXPECT_EQ(wire.bytes[9], 51);
  EXPECT_EQ(wire.bytes[20], 50);
  const Outcome inner = verify(*ah_in, wire.bytes);
  ASSERT_TRUE(inner) << name_of(inner);
  EXPECT_EQ(inner.opened.next_protocol, 50);
  EXPECT_EQ(open(*esp_in, inner.bytes).bytes, packet);
}

TEST(Ah, GivesANumberToPacketsThatARawSocketWouldNumber) {
  test::SeededRandom random{3};
  const auto sealer = test::sa(test::ah(kA, kB, "hmac-sha1")), opener = test::sa(test::ah(kA, kB, "hmac-sha1"));
  for (const bool dont_fragment : {false, true}) {
    const ByteVector plain =
        test::udp({kA, 1000}, {kB, 2000}, as_bytes("numbered"), {.identification = 0, .dont_fragment = dont_fragment});
    const Outcome sealed = seal_all(sign_ah, *sealer, {plain}, random).front();
    ASSERT_TRUE(sealed) << name_of(sealed);
    EXPECT_EQ(be16(sealed.bytes.data() + 4) == 0, dont_fragment);
    const auto open = [](sad::Sa& sa, std::span<OpenJob> jobs, sad::Worker) { verify_ah(sa, jobs, {}); };
    EXPECT_TRUE(open_all(open, *opener, {sealed.bytes}).front());
  }
}

}  // namespace
}  // namespace testudo::transform
