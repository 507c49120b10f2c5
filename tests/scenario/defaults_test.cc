// What the system's defaults decide: level `default` by the eight *_deflev variables, each alone, and def_policy.
#include <gtest/gtest.h>

#include "scenario/network.h"

namespace testudo {
namespace {

using namespace test;
using engine::FamilySettings;
using net::DropReason;
using spd::Direction;
using spd::Level;

constexpr std::int32_t kUse = 1, kRequire = 2;

struct Row {
  const char* name;
  std::int32_t FamilySettings::*variable;
  Proto protocol;
  Mode mode;
};
constexpr std::array kRows{Row{"esp_trans_deflev", &FamilySettings::esp_trans_deflev, Proto::Esp, Mode::Transport},
                           Row{"esp_net_deflev", &FamilySettings::esp_net_deflev, Proto::Esp, Mode::Tunnel},
                           Row{"ah_trans_deflev", &FamilySettings::ah_trans_deflev, Proto::Ah, Mode::Transport},
                           Row{"ah_net_deflev", &FamilySettings::ah_net_deflev, Proto::Ah, Mode::Tunnel}};
constexpr std::array kFamilies{net::Family::V4, net::Family::V6};

/// A with policies of level `default` towards B, both ways.
struct World {
  World(const Row& row, net::Family family) : where(sides(family)) {
    a.host.addresses = {where.a};
    const bool net = row.mode == Mode::Tunnel;
    const std::string from = where.a.to_string(), to = where.b.to_string();
    const auto asked = [&](const net::Address& source, const net::Address& destination) {
      return net ? tunnel(row.protocol, source, destination, Level::Default) : request(row.protocol, Level::Default);
    };
    a.install(policy(Direction::Out, from, to, {asked(where.a, where.b)}));
    a.install(policy(Direction::In, to, from, {asked(where.b, where.a)}));
  }
  ByteVector there() const { return udp({where.a, 1}, {where.b, 2}, ByteVector(20, 7)); }
  ByteVector back() const { return udp({where.b, 2}, {where.a, 1}, ByteVector(20, 7)); }
  FamilySettings& of(net::Family family) { return family == net::Family::V4 ? a.settings.v4 : a.settings.v6; }

  void expect_level(std::int32_t level, const std::string& when) {
    SCOPED_TRACE(when);
    a.clear();
    const auto out = a.drops(DropReason::NoSa), in = a.drops(DropReason::InboundPolicyClear);
    a.send({there()});
    a.receive({back()});
    const bool required = level == kRequire;
    EXPECT_EQ(a.wire.size(), required ? 0U : 1U);
    EXPECT_EQ(a.delivered.size(), required ? 0U : 1U);
    EXPECT_EQ(a.drops(DropReason::NoSa) - out, required ? 1U : 0U);
    EXPECT_EQ(a.drops(DropReason::InboundPolicyClear) - in, required ? 1U : 0U);
  }

  Sides where;
  Station a;
};

TEST(Defaults, LevelDefaultIsUseUntilItsVariableSaysRequireInBothDirections) {
  for (const net::Family family : kFamilies) {
    for (const Row& row : kRows) {
      World world{row, family};
      const std::string name = std::string{row.name} + (family == net::Family::V4 ? " v4" : " v6");
      world.expect_level(kUse, name + " before");
      world.of(family).*row.variable = kRequire;
      world.expect_level(kRequire, name + " = 2");
      world.of(family).*row.variable = kUse;
      world.expect_level(kUse, name + " = 1 again");
    }
  }
}

TEST(Defaults, TheOtherSevenVariablesHaveNoSay) {
  for (const net::Family family : kFamilies) {
    for (const Row& row : kRows) {
      World world{row, family};
      for (const net::Family other : kFamilies) {
        for (const Row& each : kRows) world.of(other).*each.variable = kRequire;
      }
      world.of(family).*row.variable = kUse;
      world.expect_level(kUse, row.name);
    }
  }
}

TEST(Defaults, WhatIsProtectedPassesAtEitherLevel) {
  for (const net::Family family : kFamilies) {
    for (const Row& row : kRows) {
      World world{row, family};
      Station b{2};
      b.host.addresses = {world.where.b};
      const Layer layer{row.protocol, row.mode};
      for (Station* station : {&world.a, &b}) {
        station->install(sa_of(layer, world.where.a, world.where.b, 0));
        station->install(sa_of(layer, world.where.b, world.where.a, 0));
      }
      for (const std::int32_t level : {kUse, kRequire}) {
        SCOPED_TRACE(row.name);
        world.of(family).*row.variable = level;
        world.a.clear();
        b.clear();
        world.a.send({world.there()});
        b.receive(world.a.wire);
        ASSERT_EQ(b.delivered.size(), 1U);
        EXPECT_EQ(b.delivered[0], world.there());
        ASSERT_FALSE(world.a.in_clear.empty());
        EXPECT_FALSE(world.a.in_clear[0]);
      }
    }
  }
}

TEST(Defaults, DefPolicyIsForWhatNoPolicyNamesAndForItsFamilyAlone) {
  for (const net::Family family : kFamilies) {
    World world{kRows[0], family};
    const net::Address stranger = ip(family == net::Family::V4 ? "20.0.0.9" : "2001:db8::9");
    const auto out = udp({world.where.a, 1}, {stranger, 2}, ByteVector(20, 7));
    const auto in = udp({stranger, 2}, {world.where.a, 1}, ByteVector(20, 7));
    const auto through = [&] {
      world.a.clear();
      world.a.send({out});
      world.a.receive({in});
      return world.a.wire.size() + world.a.delivered.size();
    };
    EXPECT_EQ(through(), 2U);
    world.of(family == net::Family::V4 ? net::Family::V6 : net::Family::V4).def_policy = 0;
    EXPECT_EQ(through(), 2U);
    world.of(family).def_policy = 0;
    EXPECT_EQ(through(), 0U);
    world.expect_level(kUse, "a policy is there");
  }
}

}  // namespace
}  // namespace testudo
