#include "base/hex.h"

#include <gtest/gtest.h>

namespace testudo {
namespace {

TEST(Hex, WritesTwoLowerCaseDigitsForEachByte) {
  EXPECT_EQ(to_hex(ByteVector{0x00, 0x0f, 0xa5, 0xff}), "000fa5ff");
  EXPECT_EQ(to_hex(Bytes{}), "");
}

TEST(Hex, WritesAMarkWithAllItsDigits) {
  EXPECT_EQ(to_hex(std::uint32_t{0x1a}), "0x0000001a");
  EXPECT_EQ(to_hex(std::uint32_t{0xfedcba98}), "0xfedcba98");
}

TEST(Hex, ReadsEitherCase) {
  EXPECT_EQ(from_hex("00aBFf"), (ByteVector{0x00, 0xab, 0xff}));
  EXPECT_EQ(from_hex(""), ByteVector{});
}

TEST(Hex, ReadsNothingOfWhatIsNotHexadecimal) {
  for (const char* text : {"0", "abc", "0g", "g0", "0x", " 0", "0:", "@0", "G0", "`0", "\x80\x80"}) {
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
  }
}

TEST(Hex, ReadsWhatItWrote) {
  ByteVector all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(from_hex(to_hex(all)), all);
}

}  // namespace
}  // namespace testudo
