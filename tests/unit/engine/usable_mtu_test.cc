#include "engine/usable_mtu.h"

#include <gtest/gtest.h>

#include "support/requests.h"
#include "support/station.h"

namespace testudo {
namespace {

using namespace test;
using Proto = spd::RequestProtocol;

const net::Address kGateA = ip("20.0.0.1"), kGateB = ip("20.0.0.2"), kGateA6 = ip("fd::1"), kGateB6 = ip("fd::2");

class UsableMtu : public testing::Test {
 protected:
  std::size_t of(std::vector<spd::Request> requests, const char* source = "10.0.1.0/24",
                 const char* destination = "10.0.2.0/24") {
    return a.engine.usable_mtu(policy(spd::Direction::Out, source, destination, std::move(requests)), Time{});
  }
  void add(sad::SaParameters p, sad::Mode mode) {
    p.group.mode = mode;
    a.install(std::move(p));
  }
  Station a;
};

// RFC 4303: header 8, IV 16, ICV 12, and a trailer of 2 with up to 15 in front.
TEST_F(UsableMtu, IsThePathLessWhatTheSaAdds) {
  add(esp(kGateA, kGateB, "aes-cbc", "hmac-sha1"), sad::Mode::Tunnel);
  EXPECT_EQ(of({tunnel(Proto::Esp, kGateA, kGateB)}), 1500U - 20 - 8 - 16 - 17 - 12);
  a.host.mtu = 9000;
  EXPECT_EQ(of({tunnel(Proto::Esp, kGateA, kGateB)}), 9000U - 20 - 8 - 16 - 17 - 12);
}

TEST_F(UsableMtu, LeavesMoreThanEnoughWhileTheSaIsNotThere) {
  const std::size_t before = of({tunnel(Proto::Esp, kGateA6, kGateB6)});
  EXPECT_GT(before, 1280U);
  sad::SaParameters largest = esp(kGateA6, kGateB6, "aes-cbc", "hmac-sha512");
  largest.nat = sad::NatTraversal{};
  add(std::move(largest), sad::Mode::Tunnel);
  EXPECT_LE(before, of({tunnel(Proto::Esp, kGateA6, kGateB6)}));
}

TEST_F(UsableMtu, AddsUpABundle) {
  EXPECT_EQ(of({tunnel(Proto::Esp, kGateA, kGateB)}) - of({tunnel(Proto::Esp, kGateA, kGateB), request(Proto::Ah)}),
            48U);
  EXPECT_EQ(of({request(Proto::Ipcomp)}), 1500U);
}

TEST_F(UsableMtu, KnowsWhatRoutersSaid) {
  add(esp(kGateA, kGateB, "aes-cbc", "hmac-sha1"), sad::Mode::Tunnel);
  const spd::Policy p = policy(spd::Direction::Out, "10.0.1.0/24", "10.0.2.0/24", {tunnel(Proto::Esp, kGateA, kGateB)});
  engine::PathMtu learned;
  learned.lower(kGateB, 1400, Time{});
  SeededRandom random{1};
  EXPECT_EQ(engine::usable_mtu(p, {a.sad, a.spd, a.settings, random, a.host}, learned, Time{}),
            1400U - 20 - 8 - 16 - 17 - 12);
}

TEST_F(UsableMtu, TakesTheUsualLinkForAPolicyThatLeadsAnywhere) {
  a.host.mtu = 65536;
  EXPECT_LT(of({request(Proto::Esp)}, "0.0.0.0/0", "0.0.0.0/0"), 1500U);
}

}  // namespace
}  // namespace testudo
