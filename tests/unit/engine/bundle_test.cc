#include "engine/bundle.h"

#include <gtest/gtest.h>

#include "support/packets.h"
#include "support/random.h"
#include "support/requests.h"
#include "support/sas.h"

namespace testudo::engine {
namespace {

using net::DropReason;
using spd::Level;
using test::ip;
using test::kGateA;
using test::kGateB;
using test::kHostA;
using test::kHostB;
using test::request;
using test::tunnel;
using Proto = spd::RequestProtocol;

const net::Address kGateA6 = ip("fd::1"), kGateB6 = ip("fd::2");

class NoHost final : public Host {
 public:
  bool is_local(const net::Address&) const override { return false; }
  std::size_t mtu_towards(const net::Address&) const override { return 1500; }
  net::Address source_towards(const net::Address& to) const override { return to; }
};

class BundleTest : public testing::Test {
 protected:
  sad::Sa& add(sad::SaParameters p, sad::Mode mode = sad::Mode::Any) {
    p.group.mode = mode;
    p.spi = Spi{next_spi_++};
    return **sad_.add(test::sa(std::move(p)));
  }
  Assembly assembled(std::vector<spd::Request> requests) {
    const auto policy = test::policy(spd::Direction::Out, "10.0.1.0/24", "10.0.2.0/24", std::move(requests));
    return assemble(policy, {kHostA, kHostB}, {sad_, spd_, settings, random_, host_});
  }

  Settings settings;

 private:
  NoHost host_;
  test::SeededRandom random_;
  sad::Database sad_{settings.key, random_};
  spd::Database spd_;
  std::uint32_t next_spi_ = 0x1000;
};

TEST_F(BundleTest, APolicyWithoutRequestsLetsNothingOut) {
  const auto found = assembled({});
  ASSERT_FALSE(found.bundle);
  EXPECT_EQ(found.bundle.error(), net::DropReason::NoSa);
}

TEST_F(BundleTest, ATransportRequestMeansTheAddressesOfThePacket) {
  add(test::esp(kGateA, kGateB, "aes-cbc"));
  sad::Sa& wanted = add(test::esp(kHostA, kHostB, "aes-cbc"));
  const auto found = assembled({request(Proto::Esp)});
  ASSERT_TRUE(found.bundle);
  ASSERT_EQ(found.bundle->steps().size(), 1U);
  EXPECT_EQ(found.bundle->steps()[0], (SealStep{&wanted, false}));
  EXPECT_EQ(found.bundle->destination(), kHostB);
}

TEST_F(BundleTest, ATunnelMovesTheAddressesForTheRequestsAfterIt) {
  sad::Sa& esp = add(test::esp(kGateA, kGateB, "aes-cbc"), sad::Mode::Tunnel);
  add(test::ah(kHostA, kHostB, "hmac-sha1"));
  sad::Sa& ah = add(test::ah(kGateA, kGateB, "hmac-sha1"), sad::Mode::Transport);
  const auto found = assembled({tunnel(Proto::Esp, kGateA, kGateB), request(Proto::Ah)});
  ASSERT_TRUE(found.bundle);
  ASSERT_EQ(found.bundle->steps().size(), 2U);
  EXPECT_EQ(found.bundle->steps()[0], (SealStep{&esp, true}));
  EXPECT_EQ(found.bundle->steps()[1], (SealStep{&ah, false}));
  EXPECT_EQ(found.bundle->destination(), kGateB);
}

TEST_F(BundleTest, AnOptionalTunnelThatIsMissingMovesNothing) {
  sad::Sa& ah = add(test::ah(kHostA, kHostB, "hmac-sha1"));
  const auto found = assembled({tunnel(Proto::Esp, kGateA, kGateB, Level::Use), request(Proto::Ah)});
  ASSERT_TRUE(found.bundle);
  ASSERT_EQ(found.bundle->steps().size(), 1U);
  EXPECT_EQ(found.bundle->steps()[0].sa, &ah);
  ASSERT_EQ(found.missing.size(), 1U);
  EXPECT_EQ(found.missing[0].destination, kGateB);
}

TEST_F(BundleTest, ModesAreKeptApartAndAnyServesBoth) {
  add(test::esp(kHostA, kHostB, "aes-cbc"), sad::Mode::Tunnel);
  EXPECT_FALSE(assembled({request(Proto::Esp)}).bundle);
  add(test::esp(kGateA, kGateB, "aes-cbc"), sad::Mode::Transport);
  EXPECT_FALSE(assembled({tunnel(Proto::Esp, kGateA, kGateB)}).bundle);
  add(test::esp(kHostA, kHostB, "aes-cbc"), sad::Mode::Any);
  EXPECT_TRUE(assembled({request(Proto::Esp)}).bundle);
}

TEST_F(BundleTest, TheOtherFamilyIsAlwaysEncapsulated) {
  add(test::esp(kGateA6, kGateB6, "aes-cbc"));
  spd::Request r = request(Proto::Esp);
  r.source = net::Endpoint{kGateA6, 0};
  r.destination = net::Endpoint{kGateB6, 0};
  const auto found = assembled({r});
  ASSERT_TRUE(found.bundle);
  EXPECT_TRUE(found.bundle->steps()[0].encapsulate);
  EXPECT_EQ(found.bundle->destination(), kGateB6);
}

TEST_F(BundleTest, WhatIsRequiredAndMissingEndsTheSearchAndOptionalOnesAreAskedForToo) {
  const auto found = assembled({request(Proto::Ipcomp), request(Proto::Esp), request(Proto::Ah)});
  ASSERT_FALSE(found.bundle);
  EXPECT_EQ(found.bundle.error(), DropReason::NoSa);
  ASSERT_EQ(found.missing.size(), 2U);
  EXPECT_EQ(found.missing[0].protocol, sad::SaProtocol::Ipcomp);
  EXPECT_EQ(found.missing[1].protocol, sad::SaProtocol::Esp);
}

TEST_F(BundleTest, EverySwitchedOffTransformSaysSo) {
  add(test::esp(kHostA, kHostB, "aes-cbc"));
  add(test::ah(kHostA, kHostB, "hmac-sha1"));
  add(test::ipcomp(kHostA, kHostB));
  struct Row {
    Proto protocol;
    std::int32_t Settings::*knob;
  };
  for (const Row& row : {Row{Proto::Esp, &Settings::esp_enable}, Row{Proto::Ah, &Settings::ah_enable},
                         Row{Proto::Ipcomp, &Settings::ipcomp_enable}}) {
    EXPECT_TRUE(assembled({request(row.protocol)}).bundle);
    settings.*row.knob = 0;
    const auto found = assembled({request(row.protocol)});
    ASSERT_FALSE(found.bundle);
    EXPECT_EQ(found.bundle.error(), DropReason::TransformDisabled);
  }
}

TEST_F(BundleTest, NestingHasALimit) {
  add(test::esp(kHostA, kHostB, "aes-cbc"));
  EXPECT_TRUE(assembled(std::vector(Bundle::kMaxSteps, request(Proto::Esp))).bundle);
  const auto found = assembled(std::vector(Bundle::kMaxSteps + 1, request(Proto::Esp)));
  ASSERT_FALSE(found.bundle);
  EXPECT_EQ(found.bundle.error(), DropReason::BundleTooDeep);
}

TEST_F(BundleTest, OverheadCountsAnOuterHeaderOnceWhateverTheModeOfTheSa) {
  add(test::esp(kGateA, kGateB, "aes-cbc", "hmac-sha1"), sad::Mode::Tunnel);
  const std::size_t by_tunnel_sa = assembled({tunnel(Proto::Esp, kGateA, kGateB)}).bundle->overhead();
  add(test::esp(kGateA, kGateB, "aes-cbc", "hmac-sha1"), sad::Mode::Any);
  const std::size_t by_any_sa = assembled({tunnel(Proto::Esp, kGateA, kGateB)}).bundle->overhead();
  EXPECT_EQ(by_any_sa, by_tunnel_sa);
  // Outer IPv4 20, ESP 8, IV 16, padding and trailer at most 17, ICV 12.
  EXPECT_EQ(by_tunnel_sa, 20U + 8 + 16 + 17 + 12);
}

TEST_F(BundleTest, OnlyEncapsulatingNatSasAskForSmallerPieces) {
  const auto nat = [](std::uint16_t size) {
    sad::SaParameters p = test::esp(kGateA, kGateB, "aes-cbc");
    p.nat = sad::NatTraversal{.fragment_size = size};
    return p;
  };
  add(test::esp(kGateA, kGateB, "aes-cbc"));
  EXPECT_EQ(assembled({tunnel(Proto::Esp, kGateA, kGateB)}).bundle->fragment_size(), std::nullopt);
  add(nat(552));
  EXPECT_EQ(assembled({tunnel(Proto::Esp, kGateA, kGateB)}).bundle->fragment_size(), 552U);
}

}  // namespace
}  // namespace testudo::engine
