#include "config/psk_file.h"

#include <gtest/gtest.h>

#include "unit/crypto/hex.h"

namespace testudo::config {
namespace {

constexpr const char* kFile =
    "# 10.0.0.9 commented\n"
    "\n"
    "10.0.0.1 simple\n"
    "10.0.0.2\t \twith blanks inside and behind \n"
    "10.0.0.3 0xdeadbeef\n"
    "10.0.0.4 0xdeadbee\n"
    "10.0.0.1 second\n"
    "10.0.0.5\n"
    "user@example.org last";

std::optional<std::string> key(std::string_view name) {
  const auto found = find_pre_shared_key(kFile, name);
  if (!found) return std::nullopt;
  return std::string{found->expose().begin(), found->expose().end()};
}

TEST(PskFile, KeyIsTheRestOfTheFirstLineOfThatName) {
  EXPECT_EQ(key("10.0.0.1"), "simple");
  EXPECT_EQ(key("10.0.0.2"), "with blanks inside and behind ");
  EXPECT_EQ(key("10.0.0.3"), "\xde\xad\xbe\xef");
  EXPECT_EQ(key("user@example.org"), "last");
}

TEST(PskFile, WhatIsNoEntryGivesNoKey) {
  EXPECT_EQ(key("10.0.0.4"), std::nullopt) << "half a byte";
  EXPECT_EQ(key("10.0.0.5"), std::nullopt) << "no key";
  EXPECT_EQ(key("10.0.0.9"), std::nullopt) << "a comment";
  EXPECT_EQ(key("10.0.0"), std::nullopt) << "a part of a name";
  EXPECT_EQ(key("10.0.0.2\t \twith"), std::nullopt) << "a name and the beginning of its key";
  EXPECT_EQ(key("#"), std::nullopt);
  EXPECT_EQ(key(""), std::nullopt);
}

TEST(PskFile, OthersMustBeKeptOut) {
  EXPECT_EQ(complaint_about("psk.txt", {true, 0, 0600}, 0), "");
  EXPECT_EQ(complaint_about("psk.txt", {true, 0, 0400}, 0), "");
  EXPECT_NE(complaint_about("psk.txt", {true, 0, 0640}, 0), "");
  EXPECT_NE(complaint_about("psk.txt", {true, 0, 0604}, 0), "");
  EXPECT_EQ(complaint_about("psk.txt", {true, 1, 0600}, 0), "psk.txt has invalid owner uid");
  EXPECT_NE(complaint_about("psk.txt", {false, 0, 0600}, 0), "");
}

TEST(PskFile, TheKeyOfACertificateMayBeReadByAGroupAndNobodyElse) {
  const auto complaint = [](unsigned mode, unsigned owner = 0) {
    return complaint_about("own.key", {true, owner, mode}, 0, KeyKind::Certificate);
  };
  EXPECT_EQ(complaint(0600), "");
  EXPECT_EQ(complaint(0640), "");
  for (const unsigned mode : {0644U, 0660U, 0604U, 0602U, 0601U}) {
    EXPECT_EQ(complaint(mode), "own.key has weak file permission (chmod 600 it)") << mode;
  }
  EXPECT_EQ(complaint(0600, 1), "own.key has invalid owner uid");
}

}  // namespace
}  // namespace testudo::config
