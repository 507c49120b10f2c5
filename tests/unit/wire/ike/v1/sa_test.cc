#include "wire/ike/v1/sa.h"

#include <gtest/gtest.h>

#include "unit/wire/ike/v1/messages.h"

namespace testudo::wire::ike::v1 {
namespace {

using test::hex;
using test::offer_sa;

TEST(SaPayload, ProposalHoldsItsTransformsInOrder) {
  const auto sa = parse_sa(offer_sa());
  ASSERT_TRUE(sa);
  EXPECT_EQ(sa->doi, kDoiIpsec);
  ASSERT_EQ(sa->proposals.size(), 1U);
  const Proposal& proposal = sa->proposals[0];
  EXPECT_EQ(proposal.number, 1);
  EXPECT_EQ(proposal.protocol, Protocol::Isakmp);
  EXPECT_TRUE(proposal.spi.empty());
  ASSERT_EQ(proposal.transforms.size(), 2U);
  EXPECT_EQ(proposal.transforms[0].number, 1);
  EXPECT_EQ(proposal.transforms[1].number, 2);
  EXPECT_EQ(proposal.transforms[0].id, kKeyIke);
}

TEST(SaPayload, AttributesAreShortOrLong) {
  const auto sa = parse_sa(offer_sa());
  ASSERT_TRUE(sa);
  const auto& first = sa->proposals[0].transforms[0];
  const auto& second = sa->proposals[0].transforms[1];
  EXPECT_EQ(first.number_of(oakley::kEncryption), 5U);
  EXPECT_EQ(first.number_of(oakley::kLifeDuration), 28800U);
  EXPECT_EQ(second.number_of(oakley::kLifeDuration), 86400U);
  EXPECT_FALSE(second.attributes[1].is_short);
  EXPECT_EQ(second.number_of(oakley::kKeyLength), 256U);
  EXPECT_EQ(first.number_of(oakley::kKeyLength), std::nullopt);
}

TEST(SaPayload, ComposedIsWhatWasParsed) {
  const auto sa = parse_sa(offer_sa());
  ASSERT_TRUE(sa);
  EXPECT_EQ(compose_sa(*sa), ByteVector(offer_sa().begin(), offer_sa().end()));
}

TEST(SaPayload, BundleOfAhAndEspIsTwoProposalsOfOneNumber) {
  const auto sa = parse_sa(hex(R"(00000001 00000001
      02 00 0018 01 02 04 01 11111111  00 00 000c 01 03 0000 80050002
      00 00 0018 01 03 04 01 22222222  00 00 000c 01 03 0000 80050002)"));
  ASSERT_TRUE(sa);
  ASSERT_EQ(sa->proposals.size(), 2U);
  EXPECT_EQ(sa->proposals[0].number, sa->proposals[1].number);
  EXPECT_EQ(sa->proposals[0].protocol, Protocol::Ah);
  EXPECT_EQ(sa->proposals[1].protocol, Protocol::Esp);
  EXPECT_EQ(sa->proposals[1].spi, hex("22222222"));
}

TEST(SaPayload, EveryTruncationIsRefused) {
  for (std::size_t n = 0; n < offer_sa().size(); ++n) EXPECT_FALSE(parse_sa(offer_sa().first(n))) << n;
}

TEST(SaPayload, TransformsAreLimitedOverAllProposals) {
  Proposal many{.number = 1, .protocol = Protocol::Esp, .spi = {}, .transforms = {}};
  many.transforms.assign(128, Transform{1, 12, {}});
  EXPECT_TRUE(parse_sa(compose_sa({.proposals = {many, many}})));
  Proposal one = many;
  one.transforms.resize(1);
  EXPECT_FALSE(parse_sa(compose_sa({.proposals = {many, many, one}})));
}

TEST(SaPayload, ContradictionsAreRefused) {
  struct Row {
    std::size_t offset;
    std::uint8_t value;
    const char* what;
  };
  for (const auto& [offset, value, what] :
       {Row{3, 2, "another DOI"}, Row{7, 2, "situation with secrecy"}, Row{8, 13, "a proposal followed by a vendor id"},
        Row{15, 3, "three transforms announced, two there"}, Row{16, 2, "a transform followed by a proposal"},
        Row{16, 0, "a last transform with another behind it"},
        Row{19, 0x1f, "a transform that ends inside an attribute"}}) {
    ByteVector bytes(offer_sa().begin(), offer_sa().end());
    bytes[offset] = value;
    EXPECT_FALSE(parse_sa(bytes)) << what;
  }
}

TEST(Attribute, NumbersOfMoreThanEightBytesAreNone) {
  EXPECT_EQ(Attribute::of(1, hex("0000 0001 0203 0405 0607 08")).number(), 0x0102030405060708U);
  EXPECT_EQ(Attribute::of(1, hex("01 0203 0405 0607 0809")).number(), std::nullopt);
  EXPECT_EQ(Attribute::of(1, Bytes{}).number(), std::nullopt);
}

TEST(Attribute, ValueDecidesTheForm) {
  EXPECT_TRUE(Attribute::of(12, 65535).is_short);
  EXPECT_FALSE(Attribute::of(12, 65536).is_short);
  EXPECT_EQ(Attribute::of(12, 65536).value, hex("00010000"));
}

}  // namespace
}  // namespace testudo::wire::ike::v1
