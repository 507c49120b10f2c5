#include "crypto/stretched_random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/random.h"
#include "unit/crypto/hex.h"

namespace testudo::crypto {
namespace {

/// Gives one byte again and again, and counts what it gave.
class Constant final : public Random {
 public:
  explicit Constant(std::uint8_t value) : value_(value) {}
  void fill(MutableBytes out) override {
    std::ranges::fill(out, value_);
    given += out.size();
  }
  std::size_t given = 0;

 private:
  std::uint8_t value_;
};

ByteVector take(Random& random, std::size_t size) {
  ByteVector out(size);
  random.fill(out);
  return out;
}

/// The key of zeros of RFC 8439 appendix A.1, test vectors 1 and 2: the blocks of counter 0 and 1.
TEST(StretchedRandom, IsTheKeyStreamOfItsSourcesKey) {
  Constant source{0};
  StretchedRandom random{source};
  EXPECT_EQ(take(random, 64), hex("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                                  "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"));
  EXPECT_EQ(take(random, 64), hex("9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                                  "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"));
  EXPECT_EQ(source.given, 32U);
}

TEST(StretchedRandom, EachPortionHasAKeyOfItsOwn) {
  Constant source{0};
  StretchedRandom random{source};
  const ByteVector first = take(random, 256);
  for (int i = 0; i < 7; ++i) take(random, 256);
  EXPECT_EQ(source.given, 32U);
  EXPECT_EQ(take(random, 256), first);  // as that source gives the same again
  EXPECT_EQ(source.given, 64U);
}

TEST(StretchedRandom, GivesNothingTwice) {
  test::SeededRandom source{5};
  StretchedRandom random{source};
  std::set<ByteVector> seen;
  for (std::size_t i = 0; i < 5000; ++i) {
    EXPECT_TRUE(seen.insert(take(random, 8 + i % 25)).second);  // across the ends of portions
  }
}

TEST(StretchedRandom, LongRequestsAreTheSources) {
  Constant source{7};
  StretchedRandom random{source};
  EXPECT_EQ(take(random, 257), ByteVector(257, 7));
  EXPECT_NE(take(random, 256), ByteVector(256, 7));
  take(random, 0);
  EXPECT_EQ(source.given, 257U + 32U);
}

}  // namespace
}  // namespace testudo::crypto
