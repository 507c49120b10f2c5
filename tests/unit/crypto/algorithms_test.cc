#include "crypto/algorithms.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace testudo::crypto {
namespace {

template <typename Rows>
void expect_unambiguous(const Rows& rows) {
  std::set<int> ids;
  std::set<std::string_view> names;
  for (const auto& row : rows) {
    EXPECT_TRUE(ids.insert(row.id).second) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.alias.empty() || names.insert(row.alias).second) << row.alias;
  }
}

TEST(Algorithms, NoTwoRowsShareANumberOrAName) {
  expect_unambiguous(ciphers());
  expect_unambiguous(macs());
}

TEST(Algorithms, EveryRowIsFoundByNumberNameAndAlias) {
  for (const auto& row : ciphers()) {
    EXPECT_EQ(cipher_by_id(row.id), &row);
    EXPECT_EQ(cipher_by_name(row.name), &row);
    if (!row.alias.empty()) {
      EXPECT_EQ(cipher_by_name(row.alias), &row);
    }
  }
  for (const auto& row : macs()) {
    EXPECT_EQ(mac_by_id(row.id), &row);
    EXPECT_EQ(mac_by_name(row.name), &row);
    if (!row.alias.empty()) {
      EXPECT_EQ(mac_by_name(row.alias), &row);
    }
  }
  for (const auto& row : compressions()) {
    EXPECT_EQ(compression_by_id(row.id), &row);
    EXPECT_EQ(compression_by_name(row.name), &row);
  }
}

TEST(Algorithms, WhatHasNoRowIsNotFound) {
  EXPECT_EQ(cipher_by_id(0), nullptr);
  EXPECT_EQ(cipher_by_id(250), nullptr);  // skipjack
  EXPECT_EQ(cipher_by_name(""), nullptr);
  EXPECT_EQ(mac_by_id(0), nullptr);
  EXPECT_EQ(mac_by_name("md5"), nullptr);  // printed so, but never read so
  EXPECT_EQ(compression_by_name("none"), nullptr);
}

TEST(Algorithms, KeyLengthsAreTheStepsFromMinimumToMaximum) {
  const auto& aes = cipher_by_name("aes-cbc")->key;
  for (std::size_t bytes = 0; bytes <= 64; ++bytes) {
    EXPECT_EQ(aes.allows(bytes), bytes == 16 || bytes == 24 || bytes == 32) << bytes;
  }
  const auto& gcm = cipher_by_name("aes-gcm-16")->key;
  for (std::size_t bytes = 0; bytes <= 64; ++bytes) {
    EXPECT_EQ(gcm.allows(bytes), bytes == 20 || bytes == 28 || bytes == 36) << bytes;
  }
  const auto& blowfish = cipher_by_name("blowfish-cbc")->key;
  for (std::size_t bytes = 0; bytes <= 64; ++bytes) {
    EXPECT_EQ(blowfish.allows(bytes), bytes >= 5 && bytes <= 56) << bytes;
  }
}

TEST(Algorithms, NullAuthenticationHasTwelveBytesInAhAndNoneInEsp) {
  EXPECT_EQ(mac_by_name("null")->icv, 12);
  EXPECT_EQ(mac_by_name("null")->esp_icv(), 0);
  EXPECT_EQ(mac_by_name("hmac-sha256")->esp_icv(), 16);
}

}  // namespace
}  // namespace testudo::crypto
