// What a packet looks like on the wire and after it: outer headers, traffic flow padding, windows, extended numbers.
// Tables are those of the RFCs, typed here.
#include <gtest/gtest.h>

#include "base/endian.h"
#include "scenario/network.h"
#include "support/fragments.h"

namespace testudo {
namespace {

using namespace test;
using net::DropReason;
using net::Family;

const Way kTunnel{{Proto::Esp, Mode::Tunnel}};
constexpr std::array kFamilies{Family::V4, Family::V6};
constexpr std::array<std::uint8_t, 4> kCodepoints{0, 1, 2, 3};

wire::packet::IpView view(const ByteVector& packet) {
  const auto ip = wire::packet::parse_ip(packet);
  EXPECT_TRUE(ip);
  return ip ? *ip : wire::packet::IpView{};
}

void set_ecn(ByteVector& packet, std::uint8_t ecn) {
  const auto ip = view(packet);
  wire::packet::set_traffic_class(packet, static_cast<std::uint8_t>((ip.traffic_class & 0xfc) | ecn));
  if (ip.is_v4()) wire::packet::update_ipv4_checksum(packet);
}

struct Ways {
  Family inner, outer;
};
std::vector<Ways> all_families() {
  std::vector<Ways> out;
  for (const Family inner : kFamilies) {
    for (const Family outer : kFamilies) out.push_back({inner, outer});
  }
  return out;
}

TEST(OuterHeader, TheDfBitIsClearSetOrCopied) {
  struct Row {
    std::int32_t dfbit;
    bool inner, outer;
  };
  for (const Row& row : {Row{0, false, false}, Row{0, true, false}, Row{1, false, true}, Row{1, true, true},
                         Row{2, false, false}, Row{2, true, true}, Row{7, true, true}, Row{-1, false, false}}) {
    EnginePair pair;
    const Protection protection{pair, kTunnel, Family::V4, Family::V4};
    pair.a.settings.headers.dfbit = row.dfbit;
    const ByteVector sent = protection.datagram(100, {.dont_fragment = row.inner});
    pair.a.send({sent});
    EXPECT_EQ(view(pair.a.wire.at(0)).dont_fragment, row.outer) << row.dfbit << (row.inner ? " DF" : " -");
    pair.settle();
    EXPECT_EQ(pair.b.delivered, std::vector<ByteVector>{sent}) << "the inner one stays";
  }
}

TEST(OuterHeader, TheTtlIsOursAndTheInnerOneStays) {
  for (const auto& [inner, outer] : all_families()) {
    EnginePair pair;
    const Protection protection{pair, kTunnel, inner, outer};
    pair.a.settings.headers.default_ttl = 40;
    const ByteVector sent = protection.datagram(100, {.ttl = 3});
    pair.a.send({sent});
    EXPECT_EQ(view(pair.a.wire.at(0)).ttl, 40);
    pair.settle();
    EXPECT_EQ(pair.b.delivered, std::vector<ByteVector>{sent});
  }
}

// RFC 6040 figure 3, and RFC 2401's verbatim copy for -1.
TEST(OuterHeader, TheDscpIsCopiedAndEcnAsItsKnobSays) {
  constexpr std::uint8_t kDscp = 0xb8;
  for (const auto& [inner, outer] : all_families()) {
    for (const std::int32_t ecn : {-1, 0, 1}) {
      for (const std::uint8_t codepoint : kCodepoints) {
        EnginePair pair;
        const Protection protection{pair, kTunnel, inner, outer};
        (outer == Family::V4 ? pair.a.settings.headers.ecn_v4 : pair.a.settings.headers.ecn_v6) = ecn;
        const auto tos = static_cast<std::uint8_t>(kDscp | codepoint);
        pair.a.send({protection.datagram(100, {.traffic_class = tos})});
        EXPECT_EQ(view(pair.a.wire.at(0)).traffic_class, ecn == 0 ? kDscp : tos) << ecn << " " << int{codepoint};
      }
    }
  }
}

// RFC 6040 figure 4: rows are the inner header's codepoints 00, 01 (ECT(1)), 10 (ECT(0)), 11 (CE), columns the outer
// one's; -1 drops.  With the knob at 0 and -1 the inner header stays as it was.
TEST(OuterHeader, CongestionOnTheWayReachesTheInnerHeaderAsItsKnobSays) {
  constexpr int kAllowed[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};
  for (const auto& [inner, outer] : all_families()) {
    for (const std::int32_t ecn : {-1, 0, 1}) {
      EnginePair pair;
      const Protection protection{pair, kTunnel, inner, outer};
      (outer == Family::V4 ? pair.b.settings.headers.ecn_v4 : pair.b.settings.headers.ecn_v6) = ecn;
      std::uint64_t refused = 0;
      for (const std::uint8_t inside : kCodepoints) {
        for (const std::uint8_t outside : kCodepoints) {
          pair.a.clear();
          pair.b.clear();
          pair.a.send({protection.datagram(100, {.traffic_class = inside})});
          set_ecn(pair.a.wire.at(0), outside);
          pair.b.receive(pair.a.wire);
          const int wanted = ecn == 1 ? kAllowed[inside][outside] : inside;
          if (wanted < 0) ++refused;
          ASSERT_EQ(pair.b.delivered.size(), wanted < 0 ? 0U : 1U) << ecn << " " << int{inside} << int{outside};
          if (wanted < 0) continue;
          EXPECT_EQ(view(pair.b.delivered[0]).traffic_class, wanted) << int{inside} << int{outside};
        }
      }
      EXPECT_EQ(pair.b.drops(DropReason::EcnForbidden), refused);
    }
  }
}

// RFC 4303 sections 2.6 and 2.7: dummies, and padding behind the inner packet's end.
TEST(TrafficFlow, PaddingIsTakenOffAndDummiesAreSwallowed) {
  const net::Address a = ip("20.0.0.1"), b = ip("20.0.0.2");
  Station receiver;
  receiver.host.addresses = {b};
  sad::SaParameters p = esp(a, b, "null");
  p.group.mode = sad::Mode::Tunnel;
  receiver.install(std::move(p));
  const ByteVector inner = udp({ip("10.0.1.5"), 1}, {ip("10.0.2.5"), 2}, Protection::text(31));
  const auto sealed = [&](std::uint8_t next_header, std::size_t flow_padding) {
    ByteVector payload{0, 0, 0x10, 0, 0, 0, 0, 1};
    detail::put(payload, inner);
    payload.resize(payload.size() + flow_padding, 0x5a);
    std::uint8_t pad = 0;
    while ((payload.size() + 2) % 4 != 0) payload.push_back(++pad);
    detail::put(payload, ByteVector{pad, next_header});
    return packet(a, b, net::protocol::kEsp, payload);
  };
  receiver.receive({sealed(net::protocol::kIpv4, 0), sealed(net::protocol::kIpv4, 1), sealed(net::protocol::kIpv4, 700),
                    sealed(net::protocol::kNoNext, 100)});
  EXPECT_EQ(receiver.delivered, std::vector<ByteVector>(3, inner));
  EXPECT_EQ(receiver.drops(DropReason::DummyPacket), 1U);
}

/// A transport SA from A to B, reachable at both ends.
struct Numbered {
  explicit Numbered(std::uint32_t window, bool extended = false) {
    pair.a.host.addresses = {ip("20.0.0.1")};
    pair.b.host.addresses = {ip("20.0.0.2")};
    pair.a.install(policy(spd::Direction::Out, "20.0.0.1", "20.0.0.2", {request(Proto::Esp)}));
    const auto parameters = [&] {
      auto p = esp(ip("20.0.0.1"), ip("20.0.0.2"), "aes-gcm-16", "", {.extended_sequence = extended});
      p.replay_packets = window;
      return p;
    };
    out = &pair.a.install(parameters());
    in = &pair.b.install(parameters());
  }
  /// The packet with this number.
  std::vector<ByteVector> numbered(std::uint64_t number) {
    out->sequence = sad::Sequence{out->parameters().flags.extended_sequence, sad::Sequence::Wrap::Never, number - 1};
    pair.a.clear();
    pair.a.send({udp({ip("20.0.0.1"), 1}, {ip("20.0.0.2"), 2}, ByteVector(20, 1))});
    return pair.a.wire;
  }
  /// How many of these B delivers.
  std::size_t delivered(const std::vector<ByteVector>& packets) {
    pair.b.clear();
    pair.b.receive(packets);
    return pair.b.delivered.size();
  }

  EnginePair pair;
  sad::Sa *out = nullptr, *in = nullptr;
};

TEST(Windows, AcceptWhatIsInsideOnceAndNothingOlderFromTwoTo64k) {
  for (const std::uint32_t window : {2U, 8U, 32U, 64U, 65U, 1000U, 4096U, 65535U, 65536U}) {
    Numbered inside{window};
    const auto first = inside.numbered(1);
    EXPECT_EQ(inside.delivered(inside.numbered(window)), 1U);
    EXPECT_EQ(inside.delivered(first), 1U) << window << ": the oldest that fits";
    EXPECT_EQ(inside.delivered(first), 0U) << window << ": once";
    Numbered beyond{window};
    const auto old = beyond.numbered(1);
    EXPECT_EQ(beyond.delivered(beyond.numbered(window + 1)), 1U);
    EXPECT_EQ(beyond.delivered(old), 0U) << window << ": one too old";
    EXPECT_EQ(beyond.pair.b.drops(DropReason::Replayed), 1U);
  }
}

TEST(Windows, OfNothingCheckNothing) {
  Numbered none{0};
  const auto first = none.numbered(1);
  EXPECT_EQ(none.delivered(none.numbered(100000)), 1U);
  EXPECT_EQ(none.delivered(first), 1U);
  EXPECT_EQ(none.delivered(first), 1U);
}

TEST(ExtendedNumbers, CrossTheEndOfThirtyTwoBitsInAnyOrderOnce) {
  constexpr std::uint64_t kTop = std::uint64_t{1} << 32;
  Numbered esn{64, true};
  esn.in->window.commit(kTop - 20);
  std::vector<ByteVector> crossing;
  for (std::uint64_t n = kTop - 5; n < kTop + 5; ++n) crossing.push_back(esn.numbered(n).at(0));
  std::swap(crossing[3], crossing[7]);
  std::swap(crossing[4], crossing[9]);
  EXPECT_EQ(esn.delivered(crossing), crossing.size());
  EXPECT_EQ(esn.delivered(crossing), 0U);
  EXPECT_EQ(esn.in->window.highest(), kTop + 4);
  EXPECT_EQ(esn.pair.b.drops(DropReason::Replayed), crossing.size());
}

TEST(Nesting, SixteenLayersAreOpenedAndNoMore) {
  const net::Address a = ip("20.0.0.1"), b = ip("20.0.0.2");
  const auto layer = [&](std::uint32_t number) {
    auto p = esp(a, b, "null");
    p.spi = Spi{0x1000 + number};
    p.group.reqid = ReqId{1 + number};
    return p;
  };
  const auto unique = [&](std::uint32_t number) {
    auto r = request(Proto::Esp, spd::Level::Unique);
    r.reqid = ReqId{1 + number};
    return r;
  };
  Station sender, once_more, receiver;
  receiver.host.addresses = {b};
  std::vector<spd::Request> sixteen;
  for (std::uint32_t i = 0; i < 17; ++i) receiver.install(layer(i));
  for (std::uint32_t i = 0; i < 16; ++i) {
    sender.install(layer(i));
    sixteen.push_back(unique(i));
  }
  sender.install(policy(spd::Direction::Out, "20.0.0.1", "20.0.0.2", sixteen));
  once_more.install(layer(16));
  once_more.install(policy(spd::Direction::Out, "20.0.0.1", "20.0.0.2", {unique(16)}));

  const ByteVector sent = udp({a, 1}, {b, 2}, Protection::text(20));
  sender.send({sent});
  receiver.receive(sender.wire);
  EXPECT_EQ(receiver.delivered, std::vector<ByteVector>{sent});
  once_more.send(sender.wire);
  receiver.receive(once_more.wire);
  EXPECT_EQ(receiver.delivered.size(), 1U);
  EXPECT_EQ(receiver.drops(DropReason::NestedTooDeep), 1U);

  sixteen.push_back(unique(16));
  Station too_deep;
  for (std::uint32_t i = 0; i < 17; ++i) too_deep.install(layer(i));
  too_deep.install(policy(spd::Direction::Out, "20.0.0.1", "20.0.0.2", sixteen));
  too_deep.send({sent});
  EXPECT_TRUE(too_deep.wire.empty());
  EXPECT_EQ(too_deep.drops(DropReason::BundleTooDeep), 1U);
}

TEST(EspFrag, CutsPacketsOfEitherFamilyBeforeTheyAreEncapsulated) {
  for (const Family inner : kFamilies) {
    const Sides s = sides(inner), outside = sides(Family::V4);
    EnginePair pair;
    pair.a.host.addresses = {outside.a, s.cloud_a};  // IPv6 lets only the source cut
    pair.b.host.addresses = {outside.b, s.cloud_b};
    for (Station* station : {&pair.a, &pair.b}) {
      sad::SaParameters p = esp(outside.a, outside.b, "aes-cbc", "hmac-sha1");
      p.group.mode = sad::Mode::Tunnel;
      p.nat = sad::NatTraversal{};
      p.nat->fragment_size = 552;
      station->install(std::move(p));
    }
    pair.a.install(policy(spd::Direction::Out, s.prefix_a, s.prefix_b, {tunnel(Proto::Esp, outside.a, outside.b)}));
    const ByteVector sent = udp({s.cloud_a, 1}, {s.cloud_b, 2}, Protection::text(2000));
    pair.a.send({sent});
    ASSERT_GE(pair.a.wire.size(), 4U);
    for (const ByteVector& packet : pair.a.wire) {
      EXPECT_FALSE(view(packet).fragment) << "what crosses the NAT is whole";
      // Outer header, UDP, ESP, IV, a trailer of at most a block, ICV.
      EXPECT_LE(packet.size(), 552U + 20 + 8 + 8 + 16 + 17 + 12);
    }
    pair.b.receive(pair.a.wire);
    EXPECT_EQ(pair.b.delivered, std::vector<ByteVector>{sent});
  }
}

}  // namespace
}  // namespace testudo
