#include "wire/ike/header.h"

#include <gtest/gtest.h>

#include "unit/wire/ike/v1/messages.h"

namespace testudo::wire::ike {
namespace {

using v1::test::hex;
using v1::test::kMainModeOffer;

TEST(IkeHeader, FieldsStandWhereRfc2408Figure2DrawsThem) {
  const auto message = parse(kMainModeOffer);
  ASSERT_TRUE(message);
  const Header& h = message->header;
  EXPECT_EQ(h.initiator, 0x0102030405060708U);
  EXPECT_EQ(h.responder, 0U);
  EXPECT_EQ(h.next, 1);
  EXPECT_EQ(h.major, 1);
  EXPECT_EQ(h.minor, 0);
  EXPECT_EQ(h.exchange, 2);
  EXPECT_EQ(h.message_id, 0U);
  EXPECT_EQ(message->body.size(), kMainModeOffer.size() - kHeaderBytes);
}

TEST(IkeHeader, ComposedIsWhatWasParsed) {
  const auto message = parse(kMainModeOffer);
  ASSERT_TRUE(message);
  EXPECT_EQ(compose(message->header, message->body), kMainModeOffer);
}

TEST(IkeHeader, MajorVersionIsReadBeforeAnythingOfVersionOne) {
  // RFC 7296 section 3.1: IKE_SA_INIT is exchange 34 with version 0x20 and the initiator flag.
  const auto message = parse(hex("0102030405060708 0000000000000000 21 20 22 08 00000000 0000001c"));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.major, 2);
  EXPECT_EQ(message->header.exchange, 34);
}

TEST(IkeHeader, EveryTruncationIsRefused) {
  for (std::size_t n = 0; n < kMainModeOffer.size(); ++n) {
    EXPECT_FALSE(parse(Bytes{kMainModeOffer}.first(n))) << n;
  }
}

TEST(IkeHeader, LengthFieldMustSayWhatArrived) {
  for (const int change : {-1, +1, +127}) {
    ByteVector bytes = kMainModeOffer;
    bytes[27] = static_cast<std::uint8_t>(bytes[27] + change);
    const auto message = parse(bytes);
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error(), Malformed::BadLength);
  }
}

TEST(IkeHeader, MoreThanADatagramHoldsIsNotComposed) {
  EXPECT_EQ(compose({}, ByteVector(kMaxMessage - kHeaderBytes)).size(), kMaxMessage);
  EXPECT_TRUE(compose({}, ByteVector(kMaxMessage - kHeaderBytes + 1)).empty());
}

}  // namespace
}  // namespace testudo::wire::ike
