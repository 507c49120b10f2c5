#include "base/base64.h"

#include <gtest/gtest.h>

namespace testudo {
namespace {

// RFC 4648 section 10.
constexpr std::pair<std::string_view, std::string_view> kBase64Vectors[] = {{"", ""},
                                                                            {"f", "Zg=="},
                                                                            {"fo", "Zm8="},
                                                                            {"foo", "Zm9v"},
                                                                            {"foob", "Zm9vYg=="},
                                                                            {"fooba", "Zm9vYmE="},
                                                                            {"foobar", "Zm9vYmFy"}};

TEST(Base64, VectorsOfRfc4648) {
  for (const auto& [plain, text] : kBase64Vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), text);
    const auto bytes = from_base64(text);
    ASSERT_TRUE(bytes) << text;
    EXPECT_EQ(std::string(bytes->begin(), bytes->end()), plain);
  }
}

TEST(Base64, PaddingMayBeMissing) {
  EXPECT_EQ(from_base64("Zm8"), (ByteVector{'f', 'o'}));
  EXPECT_EQ(from_base64("Zg"), (ByteVector{'f'}));
}

TEST(Base64, WhatIsNoneIsRefused) {
  for (const char* text : {"Z", "Zm9vY", "Zm9=v", "====", "Z===", "Zm9v=", "Zm 9v", "Zm9-", "Zh==", "Zm9"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Base64, EveryByteComesBack) {
  ByteVector all;
  for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<std::uint8_t>(i));
  EXPECT_EQ(from_base64(to_base64(all)), all);
}

}  // namespace
}  // namespace testudo
