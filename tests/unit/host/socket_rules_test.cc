#include "host/socket_rules.h"

#include <gtest/gtest.h>

namespace testudo::host {
namespace {

using Out = SocketRule::Out;
using In = SocketRule::In;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(SocketMarks, StandAboveTheTwoOfTheEngine) {
  const Settings s;
  EXPECT_EQ(s.slot_mask(), 0xf0000000U);
  EXPECT_EQ(s.slot_mask() & s.mark_mask(), 0U);
  for (unsigned slot = 1; slot <= kSocketSlots; ++slot) {
    EXPECT_EQ(s.slot_of(s.slot_mark(slot) | 0x0000ffffU | s.mark_mask()), slot);
  }
  EXPECT_EQ(s.slot_of(0x0fffffff), 0U);
}

TEST(SocketMarks, AreNoneWhereTheyDoNotFit) {
  Settings s;
  for (const std::uint32_t mark : {0x40000000U, 0x08000000U}) {
    s.mark = mark;
    EXPECT_EQ(s.slot_mask(), 0U);
    EXPECT_EQ(s.slot_of(0xffffffff), 0U);
  }
  EXPECT_EQ(socket_chains(s, "accept", "drop"), "");
  EXPECT_EQ(socket_elements(s, {{1, Out::Engine, In::Refuse}}), "");
}

TEST(SocketRules, EachMeaningHasItsSet) {
  const Settings s;
  const std::string text = socket_elements(s, {{1, Out::Engine, In::Refuse},
                                               {2, Out::Clear, In::Clear},
                                               {3, Out::ByPolicies, In::RefuseUnlisted},
                                               {15, Out::ByPolicies, In::ByPolicies}});
  EXPECT_TRUE(has(text, "add element inet testudo_testudo0 socket_out_engine { 0x10000000 }\n"));
  EXPECT_TRUE(has(text, "add element inet testudo_testudo0 socket_in_refuse { 0x10000000 }\n"));
  EXPECT_TRUE(has(text, "add element inet testudo_testudo0 socket_out_clear { 0x20000000 }\n"));
  EXPECT_TRUE(has(text, "add element inet testudo_testudo0 socket_in_clear { 0x20000000 }\n"));
  EXPECT_TRUE(has(text, "add element inet testudo_testudo0 socket_in_unlisted { 0x30000000 }\n"));
  EXPECT_FALSE(has(text, "0xf0000000 }"));
  EXPECT_LT(text.rfind("flush set"), text.find("add element")) << "what was said before is forgotten first";
}

TEST(SocketRules, WhatIsTakenOutOfASocketIsNotRefusedAsClear) {
  const Settings s;
  const std::string elements = socket_elements(s, {{4, Out::ByPolicies, In::ByPolicies, UdpEncapsulation::Esp},
                                                   {5, Out::Clear, In::Clear, UdpEncapsulation::NonIke}});
  EXPECT_TRUE(has(elements, "add element inet testudo_testudo0 socket_udp_esp { 0x40000000 }\n"));
  EXPECT_TRUE(has(elements, "add element inet testudo_testudo0 socket_udp_non_ike { 0x50000000 }\n"));
  const std::string text = socket_chains(s, "to-engine", "refuse-it");
  const std::string esp =
      "socket_first meta l4proto udp @th,64,32 != 0 socket mark & 0xf0000000 @socket_udp_esp accept\n";
  ASSERT_TRUE(has(text, esp));
  EXPECT_LT(text.find(esp), text.find("@socket_in_refuse")) << "in front of what the socket's policy refuses";
}

TEST(SocketRules, ClearPacketsAreJudgedByTheSocketTheyAreFor) {
  const std::string text = socket_chains(Settings{}, "to-engine", "refuse-it");
  EXPECT_TRUE(has(text, "socket_outbound meta mark & 0xf0000000 @socket_out_engine to-engine\n"));
  EXPECT_TRUE(
      has(text, "socket_first meta l4proto { tcp, udp } socket mark & 0xf0000000 @socket_in_refuse refuse-it\n"));
  EXPECT_TRUE(
      has(text, "socket_last meta l4proto { tcp, udp } socket mark & 0xf0000000 @socket_in_unlisted refuse-it\n"));
}

}  // namespace
}  // namespace testudo::host
