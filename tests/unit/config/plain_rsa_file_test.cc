// Files of plain RSA keys: what is read, and what a complaint says.
#include "config/plain_rsa_file.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/hex.h"

namespace testudo::config {
namespace {

using crypto::ike::RsaPrivateKey;
using ike::PlainKeys;

const RsaPrivateKey& plain_key() {
  static const RsaPrivateKey made = *RsaPrivateKey::generate(1024, 65537);
  return made;
}

std::string pub() {
  return ": PUB 0s" + to_base64(plain_key().public_key().blob());
}

std::string complaint(const std::string& text, KeyUse use) {
  const auto keys = parse_plain_rsa(text, "keys", use);
  return keys ? "" : keys.error();
}

TEST(PlainRsaFile, WhatIsWrittenIsRead) {
  const auto own = parse_plain_rsa(plain_rsa_text(plain_key()), "own", KeyUse::Own);
  ASSERT_TRUE(own) << own.error();
  ASSERT_EQ(own->own.size(), 1U);
  EXPECT_EQ(own->own[0].key.public_key().name(), plain_key().public_key().name());
  const auto peers = parse_plain_rsa(plain_rsa_text(plain_key().public_key()), "peers", KeyUse::Peers);
  ASSERT_TRUE(peers) << peers.error();
  EXPECT_EQ(peers->peers.at(0).key.blob(), plain_key().public_key().blob());
  EXPECT_EQ(plain_rsa_text(plain_key()).substr(2, 9), ": PUB 0sA") << "the first line is a comment with the public key";
}

TEST(PlainRsaFile, PrivateKeyAmongThoseOfPeersGivesItsPublicPart) {
  const auto peers = parse_plain_rsa(
      "10.0.0.1 " + plain_rsa_text(plain_key()).substr(plain_rsa_text(plain_key()).find('\n')), "peers", KeyUse::Peers);
  ASSERT_TRUE(peers) << peers.error();
  EXPECT_EQ(peers->peers.at(0).key.blob(), plain_key().public_key().blob());
  EXPECT_TRUE(peers->own.empty());
}

TEST(PlainRsaFile, ScopesAreAddressesNetworksAndNames) {
  const auto keys = parse_plain_rsa("# nobody\n" + pub() + "\n10.0.0.1" + pub() + "\n10.1.0.0/16 10.0.0.0/8 " + pub() +
                                        "\nany 2001:db8::1 " + pub() + " 2001:db8::/32 ::1" + pub() +
                                        "# end\n@host.example" + pub() + "\n0.0.0.0/0 any " + pub(),
                                    "keys", KeyUse::Peers);
  ASSERT_TRUE(keys) << keys.error();
  std::vector<std::string> scopes;
  for (const PlainKeys::Peer& each : keys->peers) scopes.push_back(each.scope.to_string());
  EXPECT_EQ(scopes, (std::vector<std::string>{"any", "10.0.0.1", "10.1.0.0/16 10.0.0.0/8", "2001:db8::1",
                                              "2001:db8::/32 ::1", "@host.example", "any"}));
}

TEST(PlainRsaFile, HexadecimalKeysAndOddDigitsAreRead) {
  const ByteVector blob = plain_key().public_key().blob();
  const auto keys = parse_plain_rsa(": PUB 0x" + to_hex(blob), "keys", KeyUse::Peers);
  ASSERT_TRUE(keys) << keys.error();
  std::string text = plain_rsa_text(plain_key());
  text.replace(text.find("0x010001"), 8, "0x10001");
  EXPECT_EQ(complaint(text, KeyUse::Own), "");
  text.erase(text.find("\tPrime1"), text.find("\tPrime2") - text.find("\tPrime1"));
  EXPECT_EQ(complaint(text, KeyUse::Own), "") << "without one of the numbers that only save time";
}

TEST(PlainRsaFile, ComplaintsHaveFileAndLine) {
  const std::string own = plain_rsa_text(plain_key());
  EXPECT_EQ(complaint("\n\n10.0.0.1 :", KeyUse::Peers),
            "keys:3: expected RSA or PUB, and there is the end of the file");
  EXPECT_EQ(complaint("10.0.0.300 " + pub(), KeyUse::Peers),
            "keys:1: expected an address, a network, any, @NAME or a colon, and there is \"10.0.0.300\"");
  EXPECT_EQ(complaint("1.1.1.1 2.2.2.2 3.3.3.3 " + pub(), KeyUse::Peers),
            "keys:1: expected :, and there is \"3.3.3.3\"");
  EXPECT_EQ(complaint(": PUB 0sAwE", KeyUse::Peers), "keys:1: the key ends before its modulus");
  EXPECT_EQ(complaint(": PUB AwEAAQ==", KeyUse::Peers), "keys:1: expected 0s and base64, or 0x and hexadecimal digits");
  EXPECT_EQ(complaint("# nothing\n", KeyUse::Peers), "keys:2: there is no public key in it");
  EXPECT_EQ(complaint("", KeyUse::Own), "keys:1: there is no private key in it");
  EXPECT_EQ(complaint("\n" + pub(), KeyUse::Own),
            "keys:2: a public key where only private ones may be: in the file of certificate_type");
  EXPECT_EQ(complaint(own.substr(0, own.find("\tPrivateExponent")) + "}", KeyUse::Own),
            "keys:2: has no PrivateExponent");
  EXPECT_EQ(complaint(own.substr(0, own.find("\tPrime1")), KeyUse::Own),
            "keys:7: expected Modulus and the like, and there is the end of the file");
  std::string twice = own;
  twice.replace(twice.find("Prime2"), 6, "Prime1");
  EXPECT_EQ(complaint(twice, KeyUse::Own), "keys:8: Prime1 already defined");
  EXPECT_NE(complaint("@me " + own.substr(own.find('\n')), KeyUse::Own), "");
}

TEST(PlainRsaFile, NoNumberOfAKeyStandsInAComplaint) {
  const std::string own = plain_rsa_text(plain_key());
  for (std::size_t cut = 0; cut < own.size(); cut += 7) {
    for (const std::string& text : {own.substr(0, cut), own.substr(0, cut) + " x", own.substr(0, cut) + "{"}) {
      const std::string said = complaint(text, KeyUse::Own);
      EXPECT_EQ(said.find("0x1"), std::string::npos) << said;
      EXPECT_LT(said.size(), 120U) << said;
    }
  }
}

TEST(PlainRsaFile, KeysOfOneScopeAreFew) {
  std::string text;
  for (std::size_t i = 0; i < PlainKeys::kMostOfOneScope; ++i) text += "10.0.0.1 " + pub() + "\n";
  EXPECT_EQ(complaint(text, KeyUse::Peers), "");
  EXPECT_EQ(complaint(text + "10.0.0.2 " + pub(), KeyUse::Peers), "");
  EXPECT_EQ(complaint(text + "10.0.0.1/32" + pub(), KeyUse::Peers), "keys:17: more than 16 keys for 10.0.0.1");
}

}  // namespace
}  // namespace testudo::config
