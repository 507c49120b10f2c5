#include "base/room.h"

#include <gtest/gtest.h>

namespace testudo {
namespace {

struct Furnished {
  int a = 1, b = 2;
  bool c = true;
};

TEST(Room, InitialisesWhatIsAdded) {
  Room<Furnished, 2> room;
  const Furnished& added = room.add();
  EXPECT_EQ(added.a, 1);
  EXPECT_EQ(added.b, 2);
  EXPECT_TRUE(added.c);
}

TEST(Room, MakesAValueOfTheMembersThatItIsGivenAndTheirDefaults) {
  Room<Furnished, 2> room;
  room.add();
  const Furnished& made = room.emplace(7);
  EXPECT_EQ(made.a, 7);
  EXPECT_EQ(made.b, 2);
  EXPECT_TRUE(made.c);
  EXPECT_EQ(room.size(), 2U);
  EXPECT_EQ(&room[1], &made);
  room.drop_last();
  EXPECT_EQ(room.size(), 1U);
  EXPECT_EQ(room.emplace(3, 4, false).b, 4);
}

}  // namespace
}  // namespace testudo
