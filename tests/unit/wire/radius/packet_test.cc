// RADIUS packets: those of RFC 2865 section 7, and what is none.
#include "wire/radius/packet.h"

#include <gtest/gtest.h>

namespace testudo::wire::radius {
namespace {

// Section 7.1.
const ByteVector kAccept{0x02, 0x00, 0x00, 0x26, 0x86, 0xfe, 0x22, 0x0e, 0x76, 0x24, 0xba, 0x2a, 0x10,
                         0x05, 0xf6, 0xbf, 0x9b, 0x55, 0xe0, 0xb2, 0x06, 0x06, 0x00, 0x00, 0x00, 0x01,
                         0x0f, 0x06, 0x00, 0x00, 0x00, 0x00, 0x0e, 0x06, 0xc0, 0xa8, 0x01, 0x03};

TEST(RadiusPacket, TheAnswerOfTheRfcIsReadAsTheRfcExplainsIt) {
  const auto packet = parse(kAccept);
  ASSERT_TRUE(packet);
  EXPECT_EQ(Code{packet->code}, Code::AccessAccept);
  EXPECT_EQ(packet->id, 0);
  EXPECT_EQ(packet->authenticator.front(), 0x86);
  ASSERT_EQ(packet->attributes.size(), 3U);
  const Attribute* const host = packet->find(14);
  ASSERT_NE(host, nullptr);
  EXPECT_EQ(ByteVector(host->value.begin(), host->value.end()), (ByteVector{192, 168, 1, 3}));
  EXPECT_EQ(host->offset, 34U);
  EXPECT_EQ(packet->find(type::kClass), nullptr);
}

TEST(RadiusPacket, WhatIsCutAnywhereIsNone) {
  for (std::size_t length = 0; length < kAccept.size(); ++length) EXPECT_FALSE(parse(Bytes{kAccept}.first(length)));
}

TEST(RadiusPacket, WhatStandsBehindTheLengthIsPadding) {
  ByteVector padded = kAccept;
  padded.insert(padded.end(), {25, 200, 1});
  const auto packet = parse(padded);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->attributes.size(), 3U);
  EXPECT_EQ(packet->whole.size(), kAccept.size());
}

TEST(RadiusPacket, LengthsThatContradictThemselvesAreRefused) {
  ByteVector wrong = kAccept;
  wrong[3] = 19;
  EXPECT_FALSE(parse(wrong)) << "shorter than a header";
  wrong = kAccept;
  wrong[21] = 1;
  EXPECT_FALSE(parse(wrong)) << "an attribute shorter than its own head";
  wrong = kAccept;
  wrong[33] = 7;
  EXPECT_FALSE(parse(wrong)) << "an attribute that reaches over the end";
  ByteVector large(5000);
  large[2] = 0x10;
  large[3] = 0x01;
  EXPECT_FALSE(parse(large)) << "4097 bytes";
}

TEST(RadiusPacket, AttributesHaveOneTo253Bytes) {
  Attributes all;
  EXPECT_FALSE(all.add(1, Bytes{}));
  EXPECT_TRUE(all.add(1, ByteVector(253)));
  EXPECT_FALSE(all.add(1, ByteVector(254)));
  EXPECT_EQ(all.bytes().size(), 255U);
  all.add_number(5, 3);
  const auto packet = parse(compose(Code::AccessRequest, 9, {}, all.bytes()));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->attributes.size(), 2U);
  EXPECT_EQ(packet->id, 9);
}

}  // namespace
}  // namespace testudo::wire::radius
