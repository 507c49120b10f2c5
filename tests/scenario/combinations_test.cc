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

const std::vector<Way> kWays{
    {kEspTransport},
    {kEspTunnel},
    {kGcmTransport},
    {kGcmTunnel},
    {kNullTransport},
    {kAhTransport},
    {kAhTunnel},
    {kIpcompTransport},
    {kIpcompTunnel},
    {kEspTransport, kAhTransport},
    {kEspTunnel, kAhTransport},
    {kEspTunnel, kAhTunnel},
    {kAhTransport, kEspTransport},
    {kAhTunnel, kEspTransport},
    {kIpcompTransport, kEspTransport},
    {kIpcompTransport, kEspTransport, kAhTransport},
    {kIpcompTunnel, kEspTransport},
    {kIpcompTunnel, kEspTunnel},
    {kEspTransport, kGcmTransport},
    {kEspTunnel, kGcmTunnel},
    {kEspTransport, kGcmTunnel},
    {kAhTransport, kEspTunnel, kAhTransport},
    {kEspTransport, kEspTransport, kEspTransport, kEspTransport},
};

struct Case {
  Way way;
  net::Family inner, outer;
};

std::vector<Case> all_cases() {
  std::vector<Case> out;
  for (const Way& way : kWays) {
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
  for (const Case& c : all_cases()) {
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
