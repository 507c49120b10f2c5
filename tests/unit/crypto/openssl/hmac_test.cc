#include "crypto/openssl/hmac.h"

#include "unit/crypto/backends.h"

namespace testudo::crypto {
namespace {

struct HmacVector {
  MacKind kind;
  ByteVector key;
  ByteVector message;
  std::string_view mac;
};

/// Directly, because the rows allow only keys as long as the digest.
void expect_hmac(const HmacVector& v) {
  const auto mac = openssl::make_hmac(v.kind, v.key);
  ASSERT_TRUE(mac);
  const ByteVector expected = hex(v.mac);
  const Bytes pieces[] = {v.message};
  ByteVector out(expected.size());
  mac->compute(pieces, out);
  EXPECT_EQ(to_hex(out), to_hex(expected));
}

ByteVector repeated(std::uint8_t byte, std::size_t count) {
  return ByteVector(count, byte);
}

const ByteVector kCounting = hex("0102030405060708090a0b0c0d0e0f10111213141516171819");
const ByteVector kJefe = text_bytes("Jefe");
const ByteVector kNothing = text_bytes("what do ya want for nothing?");
const ByteVector kHashFirst = text_bytes("Test Using Larger Than Block-Size Key - Hash Key First");
const ByteVector kBothLarger = text_bytes("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data");
const ByteVector kBothLarger2 = text_bytes(
    "This is a test using a larger than block-size key and a larger than block-size data. "
    "The key needs to be hashed before being used by the HMAC algorithm.");

TEST(Hmac, Md5GivesTheExamplesOfRfc2202) {
  const auto kind = MacKind::HmacMd5;
  expect_hmac({kind, repeated(0x0b, 16), text_bytes("Hi There"), "9294727a3638bb1c13f48ef8158bfc9d"});
  expect_hmac({kind, kJefe, kNothing, "750c783e6ab0b503eaa86e310a5db738"});
  expect_hmac({kind, repeated(0xaa, 16), repeated(0xdd, 50), "56be34521d144c88dbb8c733f0e8b3f6"});
  expect_hmac({kind, kCounting, repeated(0xcd, 50), "697eaf0aca3a3aea3a75164746ffaa79"});
  expect_hmac({kind, repeated(0x0c, 16), text_bytes("Test With Truncation"), "56461ef2342edc00f9bab995"});
  expect_hmac({kind, repeated(0xaa, 80), kHashFirst, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"});
  expect_hmac({kind, repeated(0xaa, 80), kBothLarger, "6f630fad67cda0ee1fb1f562db3aa53e"});
}

TEST(Hmac, Sha1GivesTheExamplesOfRfc2202) {
  const auto kind = MacKind::HmacSha1;
  expect_hmac({kind, repeated(0x0b, 20), text_bytes("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00"});
  expect_hmac({kind, kJefe, kNothing, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"});
  expect_hmac({kind, repeated(0xaa, 20), repeated(0xdd, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"});
  expect_hmac({kind, kCounting, repeated(0xcd, 50), "4c9007f4026250c6bc8414f9bf50c86c2d7235da"});
  expect_hmac({kind, repeated(0x0c, 20), text_bytes("Test With Truncation"), "4c1a03424b55e07fe7f27be1"});
  expect_hmac({kind, repeated(0xaa, 80), kHashFirst, "aa4ae5e15272d00e95705637ce8a3b55ed402112"});
  expect_hmac({kind, repeated(0xaa, 80), kBothLarger, "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"});
}

TEST(Hmac, Ripemd160GivesTheExamplesOfRfc2286) {
  const auto kind = MacKind::HmacRipemd160;
  expect_hmac({kind, repeated(0x0b, 20), text_bytes("Hi There"), "24cb4bd67d20fc1a5d2ed7732dcc39377f0a5668"});
  expect_hmac({kind, kJefe, kNothing, "dda6c0213a485a9e24f4742064a7f033b43c4069"});
  expect_hmac({kind, repeated(0xaa, 20), repeated(0xdd, 50), "b0b105360de759960ab4f35298e116e295d8e7c1"});
  expect_hmac({kind, kCounting, repeated(0xcd, 50), "d5ca862f4d21d5e610e18b4cf1beb97a4365ecf4"});
  expect_hmac({kind, repeated(0xaa, 80), kHashFirst, "6466ca07ac5eac29e1bd523e5ada7605b791fd8b"});
  expect_hmac({kind, repeated(0xaa, 80), kBothLarger, "69ea60798d71616cce5fd0871e23754cd75d5a0a"});
}

TEST(Hmac, Sha2GivesTheExamplesOfRfc4231) {
  expect_hmac({MacKind::HmacSha256, repeated(0x0b, 20), text_bytes("Hi There"),
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"});
  expect_hmac({MacKind::HmacSha384, repeated(0x0b, 20), text_bytes("Hi There"),
               "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"});
  expect_hmac({MacKind::HmacSha512, repeated(0x0b, 20), text_bytes("Hi There"),
               "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
               "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"});
  expect_hmac(
      {MacKind::HmacSha256, kJefe, kNothing, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"});
  expect_hmac({MacKind::HmacSha384, kJefe, kNothing,
               "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"});
  expect_hmac({MacKind::HmacSha512, kJefe, kNothing,
               "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
               "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"});
  expect_hmac({MacKind::HmacSha256, repeated(0xaa, 20), repeated(0xdd, 50),
               "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"});
  expect_hmac({MacKind::HmacSha256, kCounting, repeated(0xcd, 50),
               "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"});
  expect_hmac({MacKind::HmacSha256, repeated(0x0c, 20), text_bytes("Test With Truncation"),
               "a3b6167473100ee06e0c796c2955552b"});
  expect_hmac({MacKind::HmacSha384, repeated(0x0c, 20), text_bytes("Test With Truncation"),
               "3abf34c3503b2a23a46efc619baef897"});
  expect_hmac({MacKind::HmacSha512, repeated(0x0c, 20), text_bytes("Test With Truncation"),
               "415fad6271580a531d4179bc891d87a6"});
}

TEST(Hmac, Sha2HashesKeysLongerThanABlock) {
  expect_hmac({MacKind::HmacSha256, repeated(0xaa, 131), kHashFirst,
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"});
  expect_hmac({MacKind::HmacSha384, repeated(0xaa, 131), kHashFirst,
               "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952"});
  expect_hmac({MacKind::HmacSha512, repeated(0xaa, 131), kBothLarger2,
               "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
               "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"});
}

}  // namespace
}  // namespace testudo::crypto
