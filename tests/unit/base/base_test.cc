#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/endian.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/strong.h"
#include "base/time.h"

namespace testudo {
namespace {

enum class Oops : std::uint8_t { A, B };

Result<int, Oops> half(int n) {
  if (n % 2 != 0) return Failure{Oops::B};
  return n / 2;
}
Result<int, Oops> quarter(int n) {
  TRY(const int h, half(n));
  TRY(const int q, half(h));
  return q;
}
Status<Oops> even(int n) {
  if (n % 2 != 0) return Failure{Oops::A};
  return Done{};
}
Status<Oops> both_even(int a, int b) {
  TRY_DONE(even(a));
  TRY_DONE(even(b));
  return Done{};
}

TEST(Result, TryLeavesWithTheFirstErrorOrGoesOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error(), Oops::B);
  EXPECT_TRUE(both_even(2, 4));
  EXPECT_FALSE(both_even(2, 5));
}

TEST(Endian, LoadsAndStoresAreInverse) {
  std::array<std::uint8_t, 8> bytes{};
  put_be64(bytes.data(), 0x0102030405060708U);
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(be64(bytes.data()), 0x0102030405060708U);
  EXPECT_EQ(be32(bytes.data() + 1), 0x02030405U);
  EXPECT_EQ(be16(bytes.data() + 6), 0x0708U);
}

TEST(Secret, MovesAndLeavesNothingBehind) {
  const std::array<std::uint8_t, 4> key{1, 2, 3, 4};
  Secret a{key};
  const Secret b{std::move(a)};
  EXPECT_TRUE(std::ranges::equal(b.expose(), key));
  EXPECT_EQ(a.size(), 0U);  // NOLINT(bugprone-use-after-move): that is the promise
  EXPECT_EQ(b.clone().size(), 4U);
}

TEST(Secret, WipeOverwrites) {
  std::array<std::uint8_t, 3> bytes{1, 2, 3};
  wipe(bytes);
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 3>{}));
}

TEST(ConstantTime, EqualOnlyWhenEveryByteIs) {
  const std::array<std::uint8_t, 4> a{1, 2, 3, 4};
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto b = a;
    EXPECT_TRUE(equal_constant_time(a, b));
    b[i] ^= 0x80;
    EXPECT_FALSE(equal_constant_time(a, b));
  }
  EXPECT_FALSE(equal_constant_time(a, Bytes{a}.first(3)));
}

class Counting final : public Random {
 public:
  void fill(MutableBytes out) override {
    for (auto& b : out) b = static_cast<std::uint8_t>((state_ = state_ * 1664525U + 1013904223U) >> 24);
  }

 private:
  std::uint32_t state_ = 1;
};

TEST(Random, BetweenStaysInsideAndReachesBothEnds) {
  Counting random;
  std::uint32_t low = UINT32_MAX;
  std::uint32_t high = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::uint32_t n = random.between(10, 13);
    low = std::min(low, n);
    high = std::max(high, n);
  }
  EXPECT_EQ(low, 10U);
  EXPECT_EQ(high, 13U);
  EXPECT_EQ(random.between(7, 7), 7U);
}

TEST(Strong, ComparesByValue) {
  EXPECT_EQ(Spi{5}, Spi{5});
  EXPECT_LT(Spi{5}, Spi{6});
}

TEST(WallReference, TurnsMonotonicInstantsIntoDates) {
  const WallReference wall{Time{std::chrono::seconds{100}}, 1'000'000};
  EXPECT_EQ(wall.to_unix(Time{std::chrono::seconds{130}}), 1'000'030);
  EXPECT_EQ(wall.to_unix(Time{std::chrono::seconds{40}}), 999'940);
}

}  // namespace
}  // namespace testudo
