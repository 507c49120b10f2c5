#include "crypto/nettle/twofish.h"

#include "unit/crypto/backends.h"

namespace testudo::crypto {
namespace {

// B. Schneier et al., "Twofish: A 128-Bit Block Cipher", appendix A: one for each length of key.
TEST(Twofish, GivesItsAuthorsVectors) {
  const char* const zero = "00000000000000000000000000000000";
  expect_cipher({"twofish-cbc", zero, zero, zero, "9f589f5cf6122c32b6bfec2f2ae8c35a"});
  expect_cipher({"twofish-cbc", "0123456789abcdeffedcba98765432100011223344556677", zero, zero,
                 "cfd1d2e5a9be9cdf501f13b892bd2248"});
  expect_cipher({"twofish-cbc", "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff", zero, zero,
                 "37527be0052334b89f0cfccae87cfa20"});
}

TEST(Twofish, RefusesOtherKeysIvsAndLengths) {
  for (const std::size_t length : {0U, 15U, 17U, 23U, 25U, 31U, 33U}) {
    EXPECT_EQ(nettle::make_twofish_cbc(ByteVector(length, 1)), nullptr) << length;
  }
  const auto cipher = nettle::make_twofish_cbc(ByteVector(24, 1));
  ASSERT_NE(cipher, nullptr);
  ByteVector text(33, 0), iv(16, 0);
  EXPECT_FALSE(cipher->encrypt(iv, text));
  EXPECT_FALSE(cipher->decrypt(iv, text));
  EXPECT_FALSE(cipher->encrypt(Bytes{iv}.first(8), MutableBytes{text}.first(32)));
}

TEST(Twofish, ChainsItsBlocks) {
  const auto cipher = nettle::make_twofish_cbc(ByteVector(24, 1));
  ASSERT_NE(cipher, nullptr);
  ByteVector text(48, 7);
  const ByteVector plain = text, iv(16, 9);
  ASSERT_TRUE(cipher->encrypt(iv, text));
  EXPECT_NE(ByteVector(text.begin(), text.begin() + 16), ByteVector(text.begin() + 16, text.begin() + 32));
  ASSERT_TRUE(cipher->clone()->decrypt(iv, text));
  EXPECT_EQ(text, plain);
}

}  // namespace
}  // namespace testudo::crypto
