// Every protocol and mode, alone and nested, in both families: what one engine seals the other opens, byte for byte,
// and nothing else is on the wire.
#include <gtest/gtest.h>

#include "scenario/network.h"

namespace testudo {
namespace {

using namespace test;

const Layer kEspTransport{Proto::Esp, Mode::Transport}, kEspTunnel{Proto::Esp, Mode::Tunnel};
const Layer kGcmTransport{Proto::Esp, Mode::Transport, "aes-gcm-16", ""},
    kGcmTunnel{Proto::Esp, Mode::Tunnel, "aes-gcm-16", ""};
const Layer kNullTransport{Proto::Esp, Mode::Transport, "null", "hmac-sha1"};
const Layer kAhTransport{Proto::Ah, Mode::Transport}, kAhTunnel{Proto::Ah, Mode::Tunnel};
const Layer kIpcompTransport{Proto::Ipcomp, Mode::Transport}, kIpcompTunnel{Proto::Ipcomp, Mode::Tunnel};

/// Of two IPcomp SAs between the same ends, uncompressed packets do not say by which they came.
bool ambiguous(const Layer& inner, const Layer& outer) {
  return inner.protocol == Proto::Ipcomp && inner.mode == Mode::Tunnel && outer.protocol == Proto::Ipcomp &&
         outer.mode == Mode::Transport;
}

/// Every protocol and mode alone, and each around each other one.
std::vector<Way> alone_and_in_pairs() {
  const std::vector<Layer> layers{kEspTransport, kEspTunnel, kAhTransport, kAhTunnel, kIpcompTransport, kIpcompTunnel};
  std::vector<Way> ways;
  for (const Layer& inner : layers) {
    ways.push_back({inner});
    for (const Layer& outer : layers) {
      if (!ambiguous(inner, outer)) ways.push_back({inner, outer});
    }
  }
  return ways;
}

const std::vector<Way> kMoreWays{
    {kGcmTransport},
    {kGcmTunnel},
    {kNullTransport},
    {kIpcompTransport, kEspTransport, kAhTransport},
    {kEspTransport, kGcmTransport},
    {kEspTunnel, kGcmTunnel},
    {kEspTransport, kGcmTunnel},
    {kAhTransport, kEspTunnel, kAhTransport},
    {kIpcompTunnel, kEspTunnel, kAhTunnel},
    {kEspTunnel, kEspTunnel, kEspTunnel},
    {kEspTransport, kEspTransport, kEspTransport, kEspTransport},
};

std::vector<Way> all_ways() {
  std::vector<Way> ways = alone_and_in_pairs();
  ways.insert(ways.end(), kMoreWays.begin(), kMoreWays.end());
  return ways;
}

struct Case {
  Way way;
  net::Family inner, outer;
};

std::vector<Case> all_cases() {
  std::vector<Case> out;
  for (const Way& way : all_ways()) {
    for (const net::Family inner : {net::Family::V4, net::Family::V6}) {
      for (const net::Family outer : {net::Family::V4, net::Family::V6}) {
        if (inner == outer || has_tunnel(way)) out.push_back({way, inner, outer});
      }
    }
  }
  return out;
}

std::string name(const Case& c) {
  return to_string(c.way) + (c.inner == net::Family::V4 ? ", IPv4" : ", IPv6") +
         (c.outer == net::Family::V4 ? " in IPv4" : " in IPv6");
}

TEST(Combinations, WhatOneSealsTheOtherOpensInBothDirections) {
  const std::vector<Case> cases = all_cases();
  EXPECT_EQ(all_ways().size(), 6U + 35 + 11);
  for (const Case& c : cases) {
    SCOPED_TRACE(name(c));
    EnginePair pair;
    const Protection protection{pair, c.way, c.inner, c.outer};
    const std::vector<ByteVector> sent{protection.datagram(20), protection.datagram(300), protection.datagram(1000)};
    pair.a.send(sent);
    pair.settle();
    EXPECT_EQ(pair.b.delivered, sent);
    const std::vector<ByteVector> answers{protection.answer(1), protection.answer(512)};
    pair.b.send(answers);
    pair.settle();
    EXPECT_EQ(pair.a.delivered, answers);
    EXPECT_EQ(pair.a.statistics().dropped() + pair.b.statistics().dropped(), 0U);
    EXPECT_TRUE(pair.a.all_drops().empty() && pair.b.all_drops().empty());
  }
}

}  // namespace
}  // namespace testudo
