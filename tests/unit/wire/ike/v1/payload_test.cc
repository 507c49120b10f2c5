#include "wire/ike/v1/payload.h"

#include <gtest/gtest.h>

#include "unit/wire/ike/v1/messages.h"

namespace testudo::wire::ike::v1 {
namespace {

using test::hex;

TEST(Identification, AddressHasProtocolAndPort) {
  // RFC 2407 section 4.6.2: type, protocol, port, data.
  const auto bytes = hex("01 11 01f4 0a020304");
  const auto id = parse_identification(bytes);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->type, IdType::V4Address);
  EXPECT_EQ(id->protocol, 17);
  EXPECT_EQ(id->port, 500);
  EXPECT_EQ(id->data, hex("0a020304"));
  EXPECT_EQ(compose_identification(*id), bytes);
}

TEST(Identification, LengthFollowsFromTheType) {
  EXPECT_FALSE(parse_identification(hex("01 00 0000 0a0203")));
  EXPECT_FALSE(parse_identification(hex("01 00 0000 0a02030405")));
  EXPECT_TRUE(parse_identification(hex("04 00 0000 0a020000 ffff0000")));
  EXPECT_FALSE(parse_identification(hex("04 00 0000 0a020000")));
  EXPECT_FALSE(parse_identification(hex("05 00 0000 0a020304")));
  EXPECT_FALSE(parse_identification(hex("02 00 0000"))) << "a name without a letter";
  EXPECT_TRUE(parse_identification(hex("02 00 0000 61")));
}

TEST(Notification, SpiAndDataAreApart) {
  // R-U-THERE of RFC 3706 section 5.3: both cookies, then the sequence number.
  const auto bytes = hex("00000001 01 10 8d28 0102030405060708 1112131415161718 00000a0b");
  const auto n = parse_notification(bytes);
  ASSERT_TRUE(n);
  EXPECT_EQ(n->type, Notify::RUThere);
  EXPECT_EQ(n->protocol, Protocol::Isakmp);
  EXPECT_EQ(n->spi.size(), 16U);
  EXPECT_EQ(n->data, hex("00000a0b"));
  EXPECT_EQ(compose_notification(*n), bytes);
  EXPECT_FALSE(parse_notification(hex("00000001 01 10 8d28 0102030405060708")));
}

TEST(Deletion, CountAndSizeMustFillThePayload) {
  const auto bytes = hex("00000001 03 04 0002 11111111 22222222");
  const auto d = parse_deletion(bytes);
  ASSERT_TRUE(d);
  ASSERT_EQ(d->spis.size(), 2U);
  EXPECT_EQ(d->spis[1], hex("22222222"));
  EXPECT_EQ(compose_deletion(*d), bytes);
  EXPECT_FALSE(parse_deletion(hex("00000001 03 04 0003 11111111 22222222")));
  EXPECT_FALSE(parse_deletion(hex("00000001 03 04 0001 11111111 22222222")));
  EXPECT_FALSE(parse_deletion(hex("00000001 03 00 ffff"))) << "65535 SPIs of no bytes";
}

TEST(OriginalAddress, IsAnAddressOfItsFamily) {
  // RFC 3947 section 5.2.
  const auto v4 = parse_original_address(hex("01 000000 c0000201"));
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->to_string(), "192.0.2.1");
  EXPECT_EQ(compose_original_address(*v4), hex("01 000000 c0000201"));
  const auto v6 = parse_original_address(hex("05 000000 20010db8000000000000000000000001"));
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->to_string(), "2001:db8::1");
  EXPECT_FALSE(parse_original_address(hex("02 000000 61626364")));
  EXPECT_FALSE(parse_original_address(hex("01 000000 c000020101")));
}

TEST(Fragment, IndexStartsAtOne) {
  const auto bytes = hex("0001 02 01 aabbcc");
  const auto fragment = parse_fragment(bytes);
  ASSERT_TRUE(fragment);
  EXPECT_EQ(fragment->id, 1);
  EXPECT_EQ(fragment->index, 2);
  EXPECT_TRUE(fragment->last);
  EXPECT_EQ(compose_fragment(*fragment), bytes);
  EXPECT_FALSE(parse_fragment(hex("0001 00 01 aabbcc")));
  EXPECT_FALSE(parse_fragment(hex("0001 01")));
}

TEST(Configuration, CarriesAttributes) {
  // mode-config draft section 3.2: REQUEST for INTERNAL_IP4_ADDRESS, empty.
  const auto bytes = hex("01 00 1234 0001 0000");
  const auto c = parse_configuration(bytes);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->type, Configuration::Type::Request);
  EXPECT_EQ(c->identifier, 0x1234);
  ASSERT_EQ(c->attributes.size(), 1U);
  EXPECT_TRUE(c->attributes[0].value.empty());
  EXPECT_EQ(compose_configuration(*c), bytes);
}

TEST(Certificate, StartsWithItsEncoding) {
  const auto bytes = hex("04 3082");
  const auto c = parse_certificate(bytes);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->encoding, 4);
  EXPECT_EQ(compose_certificate(4, c->data), bytes);
  EXPECT_FALSE(parse_certificate({}));
}

TEST(Names, NumbersWithoutANameHaveNone) {
  EXPECT_EQ(name_of(Notify::NoProposalChosen), "NO-PROPOSAL-CHOSEN");
  EXPECT_EQ(name_of(Notify{9999}), "");
  EXPECT_EQ(name_of(Exchange::Main), "main mode");
  EXPECT_EQ(name_of(Exchange{34}), "");
  EXPECT_EQ(name_of(Payload::KeyExchange), "KE");
  EXPECT_EQ(name_of(Protocol::Esp), "ESP");
  EXPECT_EQ(name_of(IdType::Fqdn), "FQDN");
}

}  // namespace
}  // namespace testudo::wire::ike::v1
