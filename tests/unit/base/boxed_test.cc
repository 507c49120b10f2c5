#include "base/boxed.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace testudo {
namespace {

TEST(Boxed, IsAnOptionalOfTheSizeOfAPointer) {
  EXPECT_EQ(sizeof(Boxed<std::string>), sizeof(void*));
  const Boxed<std::string> none, one{std::string{"one"}};
  EXPECT_FALSE(none.has_value());
  EXPECT_TRUE(one.has_value());
  EXPECT_EQ(*one, "one");
  EXPECT_EQ(one->size(), 3U);
  EXPECT_FALSE(Boxed<std::string>{std::nullopt});
  EXPECT_FALSE(Boxed<std::string>{std::optional<std::string>{}});
  EXPECT_EQ(*Boxed<std::string>{std::optional<std::string>{"two"}}, "two");
}

TEST(Boxed, CopiesTheValueAndNotThePlace) {
  Boxed<std::string> a{std::string{"one"}};
  Boxed<std::string> b{a};
  *b = "two";
  EXPECT_EQ(*a, "one");
  a = b;
  *b = "three";
  EXPECT_EQ(*a, "two");
  Boxed<std::string>& same = a;
  a = same;
  EXPECT_EQ(*a, "two");
  b = Boxed<std::string>{};
  EXPECT_FALSE(b);
  a.reset();
  EXPECT_FALSE(a);
}

TEST(Boxed, ComparesValues) {
  const Boxed<std::string> none, one{std::string{"one"}}, two{std::string{"two"}};
  EXPECT_EQ(none, Boxed<std::string>{});
  EXPECT_EQ(one, Boxed<std::string>{one});
  EXPECT_NE(one, two);
  EXPECT_NE(one, none);
  EXPECT_EQ(one, std::string{"one"});
  EXPECT_NE(none, std::string{});
}

}  // namespace
}  // namespace testudo
