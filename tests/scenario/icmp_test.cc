// ICMP errors about protected traffic belong to it.  RFC 4301 section 6.
#include <gtest/gtest.h>

#include "scenario/network.h"

namespace testudo {
namespace {

using namespace test;
using net::DropReason;

const Way kTunnel{{Proto::Esp, Mode::Tunnel}};

/// "Host unreachable" about `packet`, from somebody whom no policy names.
ByteVector unreachable(const net::Address& from, Bytes about) {
  const auto source = wire::packet::parse_ip(about)->source;
  ByteVector body(4, 0);
  body.insert(body.end(), about.begin(), about.begin() + 48);
  const std::pair<std::uint8_t, std::uint8_t> type = from.is_v4() ? std::pair{3, 1} : std::pair{1, 0};
  return icmp(from, source, type, body);
}

TEST(IcmpErrors, OfARouterBehindTheFarGatewayComeBackThroughTheTunnel) {
  for (const net::Family family : {net::Family::V4, net::Family::V6}) {
    EnginePair pair;
    const Protection protection{pair, kTunnel, family, net::Family::V4};
    const net::Address router = family == net::Family::V4 ? ip("172.16.0.1") : ip("fd00:3::1");
    const ByteVector sent = protection.datagram(100);
    pair.a.send({sent});
    pair.settle();
    ASSERT_EQ(pair.b.delivered.size(), 1U);

    const ByteVector error = unreachable(router, sent);
    pair.b.send({error});
    ASSERT_EQ(pair.b.wire.size(), 1U);
    EXPECT_FALSE(pair.b.in_clear[0]) << "it quotes what the tunnel hides";
    pair.settle();
    EXPECT_EQ(pair.a.delivered, std::vector<ByteVector>{error});
  }
}

TEST(IcmpErrors, InClearAboutTrafficThatIsNeverInClearAreForged) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  const ByteVector sent = protection.datagram(100);
  pair.a.send({sent});
  pair.settle();
  pair.a.receive({unreachable(ip("172.16.0.1"), sent)});
  EXPECT_TRUE(pair.a.delivered.empty());
  EXPECT_EQ(pair.a.drops(DropReason::InboundPolicyClear), 1U);
}

TEST(IcmpErrors, AboutOtherTrafficPassInClear) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  const ByteVector ordinary = udp({ip("20.0.0.1"), 1}, {ip("20.0.0.9"), 2}, Protection::text(60));
  const ByteVector error = unreachable(ip("172.16.0.1"), ordinary);
  pair.a.receive({error});
  EXPECT_EQ(pair.a.delivered, std::vector<ByteVector>{error});
}

TEST(IcmpErrors, ThatAPolicyNamesFollowThatPolicy) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  const net::Address router = ip("172.16.0.1");
  pair.b.install(policy(spd::Direction::Out, "172.16.0.1", "10.0.1.0/24", spd::Action::Discard));
  pair.b.send({unreachable(router, protection.datagram(100))});
  EXPECT_TRUE(pair.b.wire.empty());
  EXPECT_EQ(pair.b.drops(DropReason::PolicyDiscard), 1U);
}

TEST(IcmpErrors, AboutOurProtectedPacketsOtherThanTooBigAreTheHosts) {
  EnginePair pair;
  const Protection protection{pair, kTunnel, net::Family::V4, net::Family::V4};
  pair.a.send({protection.datagram(100)});
  const ByteVector error = unreachable(ip("20.0.0.77"), pair.a.wire.at(0));
  pair.a.receive({error});
  EXPECT_EQ(pair.a.delivered, std::vector<ByteVector>{error});
}

}  // namespace
}  // namespace testudo
