#include "app/racoon/held_messages.h"

#include <gtest/gtest.h>

#include <set>

namespace testudo::app {
namespace {

using ike::ChildId;

class Holding : public testing::Test {
 protected:
  void hold(std::uint32_t child, std::uint8_t mark) {
    ike::Send message;
    message.bytes = {mark};
    held.hold(ChildId{child}, std::move(message));
  }
  std::vector<std::uint8_t> released() {
    std::vector<std::uint8_t> marks;
    for (const ike::Send& each : held.release([this](ChildId id) { return installing.contains(id); })) {
      marks.push_back(each.bytes.at(0));
    }
    return marks;
  }
  HeldMessages held;
  std::set<ChildId> installing;
};

TEST_F(Holding, EachMessageWaitsForItsOwnSas) {
  installing = {ChildId{1}, ChildId{2}};
  hold(1, 10);
  hold(2, 20);
  hold(1, 11);
  EXPECT_EQ(released(), std::vector<std::uint8_t>{});
  installing = {ChildId{2}};
  EXPECT_EQ(released(), (std::vector<std::uint8_t>{10, 11}));
  EXPECT_EQ(released(), std::vector<std::uint8_t>{}) << "each once";
  installing = {};
  EXPECT_EQ(released(), std::vector<std::uint8_t>{20});
}

TEST_F(Holding, WhatIsForRefusedSasIsNeverSent) {
  installing = {ChildId{1}};
  hold(1, 10);
  hold(2, 20);
  held.drop(ChildId{1});
  installing = {};
  EXPECT_EQ(released(), std::vector<std::uint8_t>{20});
}

}  // namespace
}  // namespace testudo::app
