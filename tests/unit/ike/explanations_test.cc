// What `racoonctl explain` remembers: bounded, and no flood of strangers drives out the rest.
#include "ike/explanations.h"

#include <gtest/gtest.h>

#include "unit/ike/pair.h"

namespace testudo::ike {
namespace {

Refusal refusal(const std::string& peer, const std::string& attribute, Role role = Role::Initiator) {
  Refusal made;
  made.remote = {test::address(peer.c_str()), 500};
  made.role = role;
  made.why.attribute = attribute;
  return made;
}

std::string nth_peer(unsigned i) {
  return "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
}

TEST(Explanations, SameFailureAgainIsCountedAndComesLast) {
  Explanations e;
  e.add(refusal("192.0.2.1", "DH group"), 100);
  e.add(refusal("192.0.2.1", "hash algorithm"), 110);
  Refusal again = refusal("192.0.2.1", "DH group");
  again.remote.port = 4500;
  e.add(again, 120);
  ASSERT_EQ(e.entries().size(), 2U);
  EXPECT_EQ(e.entries().back().refusal.why.attribute, "DH group");
  EXPECT_EQ(e.entries().back().times, 2U);
  EXPECT_EQ(e.entries().back().first, 100);
  EXPECT_EQ(e.entries().back().last, 120);
  EXPECT_EQ(e.entries().back().id, 1U);
}

TEST(Explanations, OnePeerHasNoMoreThanItsShare) {
  Explanations e;
  e.add(refusal("192.0.2.9", "identifier"), 1);
  for (int i = 0; i < 100; ++i) e.add(refusal("192.0.2.1", "attribute " + std::to_string(i)), 2);
  EXPECT_EQ(e.entries().size(), 1 + Explanations::kMostOfPeer);
  EXPECT_EQ(e.entries().front().refusal.why.attribute, "identifier");
  EXPECT_EQ(e.entries().back().refusal.why.attribute, "attribute 99");
}

TEST(Explanations, FloodOfStrangersLeavesWhatIsKnownOfOthers) {
  Explanations e;
  for (unsigned i = 0; i < 50; ++i) e.add(refusal(nth_peer(i), "own"), 1);
  for (unsigned i = 0; i < 5000; ++i) e.add(refusal(nth_peer(i), "theirs", Role::Responder), 2);
  const auto own = std::ranges::count_if(e.entries(), [](const auto& x) { return x.refusal.why.attribute == "own"; });
  EXPECT_EQ(own, 50);
  EXPECT_EQ(e.entries().size(), 50 + Explanations::kMostOfStrangers);
}

TEST(Explanations, AllOfItIsBounded) {
  Explanations e;
  for (unsigned i = 0; i < 5000; ++i) e.add(refusal(nth_peer(i), "own"), 1);
  EXPECT_EQ(e.entries().size(), Explanations::kMost);
}

}  // namespace
}  // namespace testudo::ike
