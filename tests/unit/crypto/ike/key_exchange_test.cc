#include "crypto/ike/key_exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "crypto/ike/prf.h"
#include "unit/crypto/hex.h"

namespace testudo::crypto::ike {
namespace {

/// Gives the same private value to whoever asks.
class Fixed final : public Random {
 public:
  explicit Fixed(ByteVector bytes) : bytes_(std::move(bytes)) {}
  void fill(MutableBytes out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = bytes_[i % bytes_.size()];
  }

 private:
  ByteVector bytes_;
};

KeyExchange with_private(const GroupRow& group, std::string_view x) {
  Fixed random{hex(x)};
  auto made = KeyExchange::generate(group, random);
  EXPECT_TRUE(made);
  return *std::move(made);
}

std::string sha256(Bytes bytes) {
  return to_hex(digest(HashKind::Sha256, {bytes}));
}

TEST(KeyExchange, ModpGroupsAgreeWithPowersOfTwoModuloThePrimesOfTheRfcs) {
  // Computed with Python's pow() from the primes in the texts of RFC 2409 and RFC 3526, with private values of 11… and
  // 22…: SHA-256 of the public value and of the secret.
  struct Row {
    std::uint16_t group;
    const char *shown, *secret;
  };
  static constexpr Row kRows[] = {
      {1, "dc07cbb0381d728e247b08bfb58a894f73729d03fc94601327da5c44d361a598",
       "10be405f218e14699b4dd5632cf8cca315ff5ddd72fcba8502a83e6168366680"},
      {2, "801a93702449efe86f1fe0780e84d4cab2dece46de7a6ed346bea2237be696b1",
       "2dfd7f5ec3137cddc8a0f6a837818d34a8c870fd389e1677a6c0611f69aea069"},
      {5, "60207fe0dba8e2122a1aa49fde824c7417965bca821ae072cb76491d64384b7e",
       "b20008f52534084a1a6cd55216d33092051fc2f2369a57b6a119be2e14ef0fcf"},
      {14, "cf620d64260beddaf4bc62234b9b3237014f895ab1b5ace7d3d26d9cd1c34fe1",
       "20649a53a304c6980fcd47873b89ea9839c271c15844e85d80fffcb04fb18ddd"},
      {15, "4de3b4418033699381740386f97d450a311c70d61b8c1c9e62e29d9e55c0420e",
       "55e6f69fe33e8dd6ebdd173e4aa70e67a29f3bf6a62dff34cedfb0d48ea3549b"},
      {16, "d1baa0936ea8d080d0ed91ccd41e2ef4047151cc0ce2055ce39dfbf1338882d8",
       "54c05faf383f8508eccedfcda4bd075ee2f4346c1f092cc0b9bac35ee1370df3"},
      {17, "1b73ca0cb799d40eae76e0862eeed6c874fa656317023469d69e4fd77cb26a01",
       "0b4d6915ff8d7cdcfc38ea948019d6915beb7626503ef4e5182210cbc4064dce"},
      {18, "226d5d11eb44811dfd35cb5728fbd29b56acca4182365acbdfe75701040c94e1",
       "9fa5e300ada6723221616b88d6cc61b153d135e6122bf2814701e22ccce5f4b7"},
  };
  for (const auto& [id, shown, secret] : kRows) {
    const GroupRow& group = *group_by_id(id);
    const KeyExchange ours = with_private(group, "11");
    const KeyExchange theirs = with_private(group, "22");
    EXPECT_EQ(sha256(ours.public_value()), shown) << group.name;
    const auto agreed = ours.agree(theirs.public_value());
    ASSERT_TRUE(agreed) << group.name;
    EXPECT_EQ(sha256(agreed->expose()), secret) << group.name;
  }
}

struct CurveRow {
  std::uint16_t group;
  const char *i, *gi, *r, *gr, *secret;
};

// RFC 5903 sections 8.1 and 8.3, RFC 7748 section 6.1.
constexpr CurveRow kCurves[] = {
    {19, "C88F01F5 10D9AC3F 70A292DA A2316DE5 44E9AAB8 AFE84049 C62A9C57 862D1433",
     "DAD0B653 94221CF9 B051E1FE CA5787D0 98DFE637 FC90B9EF 945D0C37 72581180"
     "5271A046 1CDB8252 D61F1C45 6FA3E59A B1F45B33 ACCF5F58 389E0577 B8990BB3",
     "C6EF9C5D 78AE012A 011164AC B397CE20 88685D8F 06BF9BE0 B283AB46 476BEE53",
     "D12DFB52 89C8D4F8 1208B702 70398C34 2296970A 0BCCB74C 736FC755 4494BF63"
     "56FBF3CA 366CC23E 8157854C 13C58D6A AC23F046 ADA30F83 53E74F33 039872AB",
     "D6840F6B 42F6EDAF D13116E0 E1256520 2FEF8E9E CE7DCE03 812464D0 4B9442DE"},
    {21,
     "0037ADE9 319A89F4 DABDB3EF 411AACCC A5123C61 ACAB57B5 393DCE47 608172A0"
     "95AA85A3 0FE1C295 2C6771D9 37BA9777 F5957B26 39BAB072 462F68C2 7A57382D 4A52",
     "0015417E 84DBF28C 0AD3C278 713349DC 7DF153C8 97A1891B D98BAB43 57C9ECBE"
     "E1E3BF42 E00B8E38 0AEAE57C 2D107564 94188594 2AF5A7F4 601723C4 195D176C ED3E"
     "017CAE20 B6641D2E EB695786 D8C94614 6239D099 E18E1D5A 514C739D 7CB4A10A"
     "D8A78801 5AC405D7 799DC75E 7B7D5B6C F2261A6A 7F150743 8BF01BEB 6CA3926F 9582",
     "0145BA99 A847AF43 793FDD0E 872E7CDF A16BE30F DC780F97 BCCC3F07 8380201E"
     "9C677D60 0B343757 A3BDBF2A 3163E4C2 F869CCA7 458AA4A4 EFFC311F 5CB15168 5EB9",
     "00D0B397 5AC4B799 F5BEA16D 5E13E9AF 971D5E9B 984C9F39 728B5E57 39735A21"
     "9B97C356 436ADC6E 95BB0352 F6BE64A6 C2912D4E F2D0433C ED2B6171 640012D9 460F"
     "015C6822 6383956E 3BD066E7 97B623C2 7CE0EAC2 F551A10C 2C724D98 52077B87"
     "220B6536 C5C408A1 D2AEBB8E 86D678AE 49CB5709 1F473229 6579AB44 FCD17F0F C56A",
     "01144C7D 79AE6956 BC8EDB8E 7C787C45 21CB086F A64407F9 7894E5E6 B2D79B04"
     "D1427E73 CA4BAA24 0A347868 59810C06 B3C715A3 A8CC3151 F2BEE417 996D19F3 DDEA"},
    {31, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
     "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
     "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
};

TEST(KeyExchange, CurvesGiveWhatTheirRfcsPrint) {
  for (const CurveRow& row : kCurves) {
    const GroupRow& group = *group_by_id(row.group);
    const KeyExchange i = with_private(group, row.i);
    const KeyExchange r = with_private(group, row.r);
    EXPECT_EQ(i.public_value(), hex(row.gi)) << group.name;
    EXPECT_EQ(r.public_value(), hex(row.gr)) << group.name;
    const auto at_i = i.agree(r.public_value());
    const auto at_r = r.agree(i.public_value());
    ASSERT_TRUE(at_i && at_r) << group.name;
    EXPECT_EQ(to_hex(at_i->expose()), to_hex(hex(row.secret))) << group.name;
    EXPECT_EQ(to_hex(at_r->expose()), to_hex(hex(row.secret))) << group.name;
  }
}

TEST(KeyExchange, ValuesThatWouldGiveTheSecretAwayAreRefused) {
  const GroupRow& modp = *group_by_id(2);
  const KeyExchange ours = with_private(modp, "11");
  ByteVector value(modp.public_bytes);
  EXPECT_FALSE(ours.agree(value)) << "0";
  value.back() = 1;
  EXPECT_FALSE(ours.agree(value)) << "1";
  std::ranges::fill(value, std::uint8_t{0xff});
  EXPECT_FALSE(ours.agree(value)) << "beyond the prime";
  // RFC 2409 section 6.2: the last eight bytes of the prime are ones; p - 1 has order 2.
  EXPECT_FALSE(ours.agree(Bytes{value}.first(127))) << "shorter than the group's values";

  const KeyExchange curve = with_private(*group_by_id(19), kCurves[0].i);
  ByteVector point = hex(kCurves[0].gr);
  point.back() ^= 1;
  EXPECT_FALSE(curve.agree(point)) << "not on the curve";
  EXPECT_FALSE(curve.agree(ByteVector(64))) << "neither is zero";

  const KeyExchange x25519 = with_private(*group_by_id(31), kCurves[2].i);
  EXPECT_FALSE(x25519.agree(ByteVector(32))) << "a point of small order";
}

TEST(KeyExchange, WhatIsNoValueOfTheGroupShowsWithoutAPrivateOne) {
  for (const GroupRow& group : groups()) {
    const ByteVector fine = with_private(group, "0102030405060708").public_value();
    EXPECT_TRUE(KeyExchange::is_plausible(group, fine)) << group.name;
    EXPECT_FALSE(KeyExchange::is_plausible(group, Bytes{fine}.first(fine.size() - 1))) << group.name;
    EXPECT_FALSE(KeyExchange::is_plausible(group, ByteVector(fine.size()))) << group.name;
    if (group.kind == GroupKind::Curve25519) continue;  // takes any other 32 bytes
    EXPECT_FALSE(KeyExchange::is_plausible(group, ByteVector(fine.size(), 0xff))) << group.name;
    EXPECT_FALSE(KeyExchange::is_plausible(group, {})) << group.name;
  }
}

TEST(KeyExchange, EveryGroupAgreesWithItself) {
  for (const GroupRow& group : groups()) {
    const KeyExchange a = with_private(group, "0102030405060708");
    const KeyExchange b = with_private(group, "0f0e0d0c0b0a0908");
    EXPECT_EQ(a.public_value().size(), group.public_bytes) << group.name;
    const auto left = a.agree(b.public_value());
    const auto right = b.agree(a.public_value());
    ASSERT_TRUE(left && right) << group.name;
    EXPECT_EQ(left->size(), group.secret_bytes) << group.name;
    EXPECT_TRUE(equal_constant_time(left->expose(), right->expose())) << group.name;
  }
}

TEST(IkeRows, NamesAndNumbersFindTheSameRow) {
  for (const GroupRow& row : groups()) {
    EXPECT_EQ(group_by_id(row.id), &row);
    EXPECT_EQ(group_by_name(row.name), &row);
    EXPECT_EQ(group_by_name(std::to_string(row.id)), &row);
  }
  EXPECT_EQ(group_by_id(3), nullptr) << "EC2N";
  EXPECT_EQ(cipher_by_name("rijndael"), cipher_by_id(7));
  EXPECT_EQ(hash_by_name("sha256"), hash_by_id(4));
  EXPECT_EQ(hash_by_id(3), nullptr) << "Tiger";
  EXPECT_EQ(cipher_by_id(0x1'0000'0007), nullptr) << "a number that was cut would be AES";
}

TEST(Cbc, RefusesWhatDoesNotFitTheCipher) {
  ByteVector text(16);
  EXPECT_TRUE(cbc_encrypt(CipherKind::AesCbc, ByteVector(16), ByteVector(16), text));
  EXPECT_TRUE(cbc_decrypt(CipherKind::AesCbc, ByteVector(16), ByteVector(16), text));
  EXPECT_EQ(text, ByteVector(16));
  EXPECT_FALSE(cbc_decrypt(CipherKind::AesCbc, ByteVector(16), ByteVector(16), MutableBytes{text}.first(15)));
  EXPECT_FALSE(cbc_decrypt(CipherKind::AesCbc, ByteVector(16), ByteVector(8), text));
  EXPECT_FALSE(cbc_decrypt(CipherKind::AesCbc, ByteVector(17), ByteVector(16), text));
  EXPECT_FALSE(cbc_decrypt(CipherKind::AesCbc, ByteVector(16), ByteVector(16), {}));
}

}  // namespace
}  // namespace testudo::crypto::ike
