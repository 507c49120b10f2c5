#include "crypto/ike/certificate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/certificates.h"

namespace testudo::crypto::ike {
namespace {

bool is_printable(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

TEST(Certificate, AStrangersNameShowsNothingThatATerminalObeys) {
  // Escape, line feed, C1's control sequence introducer and a mark that turns the order of letters round.
  const test::Party stranger{{.name = "a\x1b[2J\nb\xc2\x9b"
                                      "2Jc\xe2\x80\xae"
                                      "d"}};
  const auto credentials = Credentials::load(stranger.certificate(), stranger.key());
  ASSERT_TRUE(credentials) << credentials.error();
  const std::string text = credentials->certificate().subject_text();
  EXPECT_TRUE(is_printable(text)) << text;
  EXPECT_EQ(text, "O = Example, CN = a\\1B[2J\\0Ab\\C2\\9B2Jc\\E2\\80\\AEd");
  EXPECT_EQ(text_of_name(credentials->certificate().subject()), text);
}

TEST(Certificate, IsReadFromItsBytesAndNoOthers) {
  const test::Party anna{{.name = "anna"}};
  const auto credentials = Credentials::load(anna.certificate(), anna.key());
  ASSERT_TRUE(credentials) << credentials.error();
  ByteVector der = credentials->certificate().der();
  EXPECT_TRUE(parse_certificate(der));
  der.push_back(0);
  EXPECT_FALSE(parse_certificate(der)) << "a byte more";
  der.resize(der.size() - 2);
  EXPECT_FALSE(parse_certificate(der)) << "a byte less";
  EXPECT_FALSE(parse_certificate({}));
}

TEST(Certificate, AKeyThatIsNotItsOwnIsRefused) {
  const test::Party anna{{.name = "anna"}}, bert{{.name = "bert"}};
  const auto credentials = Credentials::load(anna.certificate(), bert.key());
  ASSERT_FALSE(credentials);
  EXPECT_EQ(credentials.error(), "the private key is not that of the first certificate");
}

}  // namespace
}  // namespace testudo::crypto::ike
