#include "crypto/weak_key.h"

#include <gtest/gtest.h>

#include "unit/crypto/hex.h"

namespace testudo::crypto {
namespace {

// FIPS 74, with odd parity as it is usually printed.
TEST(WeakKey, TheSixteenKeysOfFips74AreWeak) {
  for (const char* key : {"0101010101010101", "fefefefefefefefe", "1f1f1f1f0e0e0e0e", "e0e0e0e0f1f1f1f1",
                          "01fe01fe01fe01fe", "fe01fe01fe01fe01", "1fe01fe00ef10ef1", "e01fe01ff10ef10e",
                          "01e001e001f101f1", "e001e001f101f101", "1ffe1ffe0efe0efe", "fe1ffe1ffe0efe0e",
                          "011f011f010e010e", "1f011f010e010e01", "e0fee0fef1fef1fe", "fee0fee0fef1fef1"}) {
    EXPECT_TRUE(is_weak_des_key(hex(key))) << key;
  }
}

TEST(WeakKey, ParityBitsDoNotHideOne) {
  EXPECT_TRUE(is_weak_des_key(hex("0000000000000000")));
  EXPECT_TRUE(is_weak_des_key(hex("ffffffffffffffff")));
  EXPECT_TRUE(is_weak_des_key(hex("1e1f1e1f0f0e0f0e")));
}

TEST(WeakKey, OthersAreNot) {
  EXPECT_FALSE(is_weak_des_key(hex("0123456789abcdef")));
  EXPECT_FALSE(is_weak_des_key(hex("0301010101010101")));
  EXPECT_FALSE(is_weak_des_key(hex("01010101010101")));
}

}  // namespace
}  // namespace testudo::crypto
