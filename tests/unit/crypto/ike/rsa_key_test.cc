// Keys of RSA without certificates: how they are written, and which numbers are none.
#include "crypto/ike/rsa_key.h"

#include <gtest/gtest.h>

#include "support/certificates.h"
#include "unit/crypto/hex.h"

namespace testudo::crypto::ike {
namespace {

using testudo::test::Party;

const Party& rsa_party() {
  static const Party made{{.name = "plain"}};
  return made;
}

RsaPrivateKey rsa_key() {
  return *RsaPrivateKey::of_pem(rsa_party().key());
}

/// RFC 3110 section 2, by hand.
ByteVector rfc3110(std::size_t exponent_length) {
  ByteVector blob;
  if (exponent_length > 255) {
    blob = {0, static_cast<std::uint8_t>(exponent_length >> 8), static_cast<std::uint8_t>(exponent_length)};
  } else {
    blob = {static_cast<std::uint8_t>(exponent_length)};
  }
  blob.insert(blob.end(), exponent_length, 0);
  blob.back() = 3;
  blob.insert(blob.end(), 128, 0xff);
  return blob;
}

TEST(RsaKey, PublicKeyIsWrittenAsDnsWritesIt) {
  const RsaPrivateKey key = rsa_key();
  const ByteVector blob = key.public_key().blob();
  ASSERT_EQ(blob.size(), 4U + 128U);
  EXPECT_EQ(ByteVector(blob.begin(), blob.begin() + 4), (ByteVector{3, 1, 0, 1}));
  const RsaNumbers numbers = key.numbers();
  EXPECT_TRUE(std::ranges::equal(Bytes{blob}.subspan(4), numbers.modulus.expose()));
  const auto again = RsaPublicKey::parse(blob);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->blob(), blob);
  EXPECT_EQ(again->bits(), 1024U);
  EXPECT_EQ(again->name(), key.public_key().name());
}

TEST(RsaKey, BothFormsOfTheExponentsLengthAreRead) {
  for (const std::size_t length : {1U, 3U, 255U, 256U}) {
    const auto key = RsaPublicKey::parse(rfc3110(length));
    ASSERT_TRUE(key) << length << key.error();
    EXPECT_EQ(key->blob(), rfc3110(1)) << "without the zeros";
  }
}

TEST(RsaKey, WhatIsNoPublicKeyIsRefused) {
  const ByteVector good = rfc3110(1);
  for (std::size_t length = 0; length < 90; ++length) {
    EXPECT_FALSE(RsaPublicKey::parse(Bytes{good}.first(length))) << length;
  }
  ByteVector even = good, one = good, even_modulus = good;
  even[1] = 2, one[1] = 1, even_modulus.back() = 0xfe;
  for (const ByteVector& bad : {even, one, even_modulus, ByteVector{0}, ByteVector{0, 1}, ByteVector{0, 0, 1, 3},
                                ByteVector{200, 1, 2}, ByteVector{0, 255, 255, 1}}) {
    EXPECT_FALSE(RsaPublicKey::parse(bad));
  }
  ByteVector large(2500, 0xff);
  EXPECT_FALSE(RsaPublicKey::of(large, ByteVector{3})) << "20000 bits";
}

TEST(RsaKey, NumbersMakeTheKeyThatSigns) {
  const RsaPrivateKey key = rsa_key();
  const ByteVector hash(20, 7), other(20, 8);
  const auto again = RsaPrivateKey::of(key.numbers());
  ASSERT_TRUE(again) << again.error();
  EXPECT_TRUE(key.public_key().is_signature_of(again->sign(hash), hash));
  EXPECT_FALSE(key.public_key().is_signature_of(again->sign(hash), other));
  EXPECT_FALSE(key.public_key().is_signature_of({}, hash));
  RsaNumbers few = key.numbers();
  few.prime1 = Secret{};
  const auto without = RsaPrivateKey::of(few);
  ASSERT_TRUE(without) << "one of those of the Chinese remainder is missing: " << without.error();
  EXPECT_TRUE(key.public_key().is_signature_of(without->sign(hash), hash));
}

TEST(RsaKey, NumbersThatDoNotBelongTogetherAreRefused) {
  const auto changed = [](Secret RsaNumbers::*member) {
    RsaNumbers numbers = rsa_key().numbers();
    ByteVector bytes{(numbers.*member).expose().begin(), (numbers.*member).expose().end()};
    bytes[bytes.size() / 2] ^= 4;
    numbers.*member = Secret{bytes};
    return RsaPrivateKey::of(numbers).has_value();
  };
  EXPECT_FALSE(changed(&RsaNumbers::modulus));
  EXPECT_FALSE(changed(&RsaNumbers::public_exponent));
  EXPECT_FALSE(changed(&RsaNumbers::private_exponent));
  EXPECT_FALSE(changed(&RsaNumbers::prime1));
  EXPECT_FALSE(changed(&RsaNumbers::prime2));
  EXPECT_FALSE(RsaPrivateKey::of(RsaNumbers{}));
}

TEST(RsaKey, PemOfAnotherKindIsRefused) {
  EXPECT_FALSE(RsaPrivateKey::of_pem(rsa_party().certificate()));
  EXPECT_FALSE(RsaPublicKey::of_pem(rsa_party().key()));
  EXPECT_FALSE(RsaPrivateKey::of_pem(""));
}

}  // namespace
}  // namespace testudo::crypto::ike
