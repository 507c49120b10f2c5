// RFC 4302 section 3.3.3.1 and appendix A as tables: what the integrity check sees of a header.  Expected bytes are
// written by hand from the RFC's tables.
#include "transform/ah_mutable.h"

#include <gtest/gtest.h>

#include "unit/transform/one_packet.h"

namespace testudo::transform {
namespace {

using namespace test_support;

const HeaderSettings kDefaults;

std::optional<ByteVector> cooked(const ByteVector& packet, std::size_t ah_offset, AhSide side,
                                 const HeaderSettings& settings = kDefaults) {
  const auto ip = wire::packet::parse_ip(packet);
  if (!ip) return std::nullopt;
  CookedHeader out;
  if (!cook_header(Bytes{packet}.first(ah_offset), *ip, side, settings, out)) return std::nullopt;
  return ByteVector(out.bytes().begin(), out.bytes().end());
}

// An IPv4 header with every field set, no options: TOS b8, DF, TTL 40, checksum, AH.
constexpr const char* kPlain = "45b80018 12344000 4033abcd 0a000001 0a000002 11223344";

TEST(AhMutable, ZeroesTheChangingFieldsOfAnIpv4Header) {
  EXPECT_EQ(cooked(hex(kPlain), 20, AhSide::Sender), hex("45000018 12340000 00330000 0a000001 0a000002"));
  EXPECT_EQ(cooked(hex(kPlain), 20, AhSide::Receiver), hex("45000018 12340000 00330000 0a000001 0a000002"));
}

TEST(AhMutable, HonoursClearTosAndOffsetMask) {
  HeaderSettings keep_tos;
  keep_tos.ah_cleartos = 0;
  EXPECT_EQ(cooked(hex(kPlain), 20, AhSide::Sender, keep_tos), hex("45b80018 12340000 00330000 0a000001 0a000002"));
  HeaderSettings keep_flags;
  keep_flags.ah_offsetmask = 0xffff;
  EXPECT_EQ(cooked(hex(kPlain), 20, AhSide::Sender, keep_flags), hex("45000018 12344000 00330000 0a000001 0a000002"));
  keep_flags.ah_offsetmask = 0x1fff;
  EXPECT_EQ(cooked(hex(kPlain), 20, AhSide::Sender, keep_flags), hex("45000018 12340000 00330000 0a000001 0a000002"));
}

struct OptionRow {
  const char* name;
  const char *options, *expected;  // what stands behind the 20 bytes, before and after
};

TEST(AhMutable, TreatsEveryIpv4OptionAsAppendixA1Says) {
  const OptionRow rows[] = {
      {"end of list", "00000000", "00000000"},
      {"bytes behind the end of the list", "00123456", "00123456"},
      {"no operation", "01010101", "01010101"},
      {"security", "8206abcd 12340101", "8206abcd 12340101"},
      {"extended security", "8506abcd 12340101", "8506abcd 12340101"},
      {"commercial security", "8606abcd 12340101", "8606abcd 12340101"},
      {"router alert", "94040001", "94040001"},
      {"sender directed multi-destination", "95060a00 00090000", "95060a00 00090000"},
      {"loose source route, travelled", "01830708 0a000009", "01000000 00000000"},
      {"time stamp", "4408050011223344", "0000000000000000"},
      {"record route", "01070704 0a000009", "01000000 00000000"},
      {"strict source route, travelled", "01890708 0a000009", "01000000 00000000"},
      {"traceroute", "520caaaa bbbbcccc dddddddd", "00000000 00000000 00000000"},
      {"stream id", "88041234", "00000000"},
      {"MTU probe", "0b041234", "00000000"},
      {"MTU reply", "0c041234", "00000000"},
      {"extended internet protocol", "91041234", "00000000"},
      {"experimental measurement", "0a041234", "00000000"},
      {"experimental flow control", "cd041234", "00000000"},
      {"experimental access control", "8e041234", "00000000"},
      {"number 15", "0f041234", "00000000"},
      {"IMI traffic descriptor", "90041234", "00000000"},
      {"address extension", "93041234", "00000000"},
      {"an option nobody knows", "e2041234", "00000000"},
      {"several", "94040001 01880412 34000000", "94040001 01000000 00000000"},
  };
  for (const OptionRow& row : rows) {
    const ByteVector packet =
        test::packet(test::ip("10.0.0.1"), test::ip("10.0.0.2"), 51, hex("11223344"), {.options = hex(row.options)});
    for (const AhSide side : {AhSide::Sender, AhSide::Receiver}) {
      const auto got = cooked(packet, 20 + hex(row.options).size(), side);
      ASSERT_TRUE(got) << row.name;
      EXPECT_EQ(ByteVector(got->begin() + 20, got->end()), hex(row.expected)) << row.name;
      EXPECT_EQ(ByteVector(got->begin() + 16, got->begin() + 20), hex("0a000002")) << row.name;
    }
  }
}

TEST(AhMutable, RefusesIpv4OptionsThatDoNotAddUp) {
  for (const char* options : {"82000000", "82010000", "82050000", "94ff0000", "07080400", "01010182"}) {
    const ByteVector packet =
        test::packet(test::ip("10.0.0.1"), test::ip("10.0.0.2"), 51, hex("11223344"), {.options = hex(options)});
    EXPECT_FALSE(cooked(packet, 24, AhSide::Sender)) << options;
    EXPECT_FALSE(cooked(packet, 24, AhSide::Receiver)) << options;
  }
}

struct RouteRow {
  const char *sentence, *options, *sender_sees;
};

// "The destination address … predictable": the sender uses the address that the packet will have when it arrives.
TEST(AhMutable, PredictsTheEndOfASourceRoute) {
  const RouteRow rows[] = {
      {"loose, two hops left", "01830b04 0a000007 0a000009", "0a000009"},
      {"strict, two hops left", "01890b04 0a000007 0a000009", "0a000009"},
      {"loose, one hop left", "01830b08 0a000007 0a000009", "0a000009"},
      {"loose, none left", "01830b0c 0a000007 0a000009", "0a000002"},
  };
  for (const RouteRow& row : rows) {
    const ByteVector packet =
        test::packet(test::ip("10.0.0.1"), test::ip("10.0.0.2"), 51, hex("11223344"), {.options = hex(row.options)});
    const auto sender = cooked(packet, 32, AhSide::Sender), receiver = cooked(packet, 32, AhSide::Receiver);
    ASSERT_TRUE(sender && receiver) << row.sentence;
    EXPECT_EQ(ByteVector(sender->begin() + 16, sender->begin() + 20), hex(row.sender_sees)) << row.sentence;
    EXPECT_EQ(ByteVector(receiver->begin() + 16, receiver->begin() + 20), hex("0a000002")) << row.sentence;
    EXPECT_EQ(ByteVector(sender->begin() + 20, sender->end()), hex("01000000 00000000 00000000")) << row.sentence;
  }
}

ByteVector v6(std::uint8_t first, const char* chain) {
  return test::packet(
      test::ip("fd00::1"), test::ip("fd00::2"), 51, hex("11223344"),
      {.ttl = 77, .traffic_class = 0xb8, .flow_label = 0x12345, .options = hex(chain), .first_extension = first});
}

TEST(AhMutable, ZeroesTheChangingFieldsOfAnIpv6Header) {
  EXPECT_EQ(cooked(v6(0, ""), 40, AhSide::Sender),
            hex("60000000 0004 33 00 fd000000000000000000000000000001 fd000000000000000000000000000002"));
}

TEST(AhMutable, ZeroesOnlyTheDataOfIpv6OptionsThatMayChange) {
  const OptionRow rows[] = {
      {"PadN", "33000104 00000000", "33000104 00000000"},
      {"PadN with something in it", "33000104 01020304", "33000104 01020304"},
      {"router alert, 0x05, does not change", "33000502 00010100", "33000502 00010100"},
      {"0x26: may change", "33002604 11223344", "33002604 00000000"},
      {"0x3e: may change", "33003e04 11223344", "33003e04 00000000"},
      {"0xe6: may change", "3300e604 11223344", "3300e604 00000000"},
      {"0xc9 home address: does not", "3300c904 11223344", "3300c904 11223344"},
      {"two, one of which changes", "33010502 00002604 11223344 0102aabb", "33010502 00002604 00000000 0102aabb"},
      {"no data", "33002600 01020000", "33002600 01020000"},
  };
  for (const OptionRow& row : rows) {
    for (const std::uint8_t kind : {net::protocol::kHopByHop, net::protocol::kDestination}) {
      const auto got = cooked(v6(kind, row.options), 40 + hex(row.options).size(), AhSide::Receiver);
      ASSERT_TRUE(got) << row.name;
      EXPECT_EQ(ByteVector(got->begin() + 40, got->end()), hex(row.expected)) << row.name;
    }
  }
  const auto pad1 = cooked(v6(0, "33000026 02112200"), 48, AhSide::Receiver);
  ASSERT_TRUE(pad1);
  EXPECT_EQ(ByteVector(pad1->begin() + 40, pad1->end()), hex("33000026 02000000"));
}

TEST(AhMutable, RefusesIpv6OptionsThatDoNotAddUp) {
  for (const char* chain : {"33002605 11223344", "33000000 00000026", "330026ff 11223344"}) {
    EXPECT_FALSE(cooked(v6(60, chain), 48, AhSide::Receiver)) << chain;
  }
}

// RFC 2460 section 4.4's example: S sends to D by I1, I2, I3.
TEST(AhMutable, PredictsTheFinalFormOfARoutingHeaderOfType0) {
  const std::string left3 =
      "3306 0003 00000000 fd0000000000000000000000000000a2 fd0000000000000000000000000000a3"
      "fd0000000000000000000000000000dd";
  const std::string arrived =
      "3306 0000 00000000 fd000000000000000000000000000002 fd0000000000000000000000000000a2"
      "fd0000000000000000000000000000a3";
  const auto sender = cooked(v6(43, left3.c_str()), 96, AhSide::Sender);
  ASSERT_TRUE(sender);
  EXPECT_EQ(ByteVector(sender->begin() + 40, sender->end()), hex(arrived));
  EXPECT_EQ(ByteVector(sender->begin() + 24, sender->begin() + 40), hex("fd0000000000000000000000000000dd"));
  // Two hops on the way already: the first place holds where it has been.
  const std::string left1 =
      "3306 0001 00000000 fd000000000000000000000000000011 fd0000000000000000000000000000a2"
      "fd0000000000000000000000000000dd";
  const auto later = cooked(v6(43, left1.c_str()), 96, AhSide::Sender);
  ASSERT_TRUE(later);
  EXPECT_EQ(ByteVector(later->begin() + 40, later->end()),
            hex("3306 0000 00000000 fd000000000000000000000000000011 fd0000000000000000000000000000a2"
                "fd000000000000000000000000000002"));
  // At the receiver it is what it is.
  const auto receiver = cooked(v6(43, arrived.c_str()), 96, AhSide::Receiver);
  ASSERT_TRUE(receiver);
  EXPECT_EQ(ByteVector(receiver->begin() + 40, receiver->end()), hex(arrived));
}

TEST(AhMutable, PredictsTheHomeAddressOfARoutingHeaderOfType2) {
  const auto got = cooked(v6(43, "3302 0201 00000000 fd0000000000000000000000000000ee"), 64, AhSide::Sender);
  ASSERT_TRUE(got);
  EXPECT_EQ(ByteVector(got->begin() + 24, got->end()),
            hex("fd0000000000000000000000000000ee 3302 0200 00000000 fd000000000000000000000000000002"));
}

TEST(AhMutable, CannotPredictRoutingHeadersThatItDoesNotKnow) {
  EXPECT_FALSE(cooked(v6(43, "3302 0401 00000000 fd0000000000000000000000000000ee"), 64, AhSide::Sender));
  EXPECT_TRUE(cooked(v6(43, "3302 0400 00000000 fd0000000000000000000000000000ee"), 64, AhSide::Sender));
  EXPECT_FALSE(cooked(v6(43, "3302 0002 00000000 fd0000000000000000000000000000ee"), 64, AhSide::Sender)) << "2 of 1";
  EXPECT_FALSE(cooked(v6(43, "3301 0001 00000000 fd00000000000000"), 56, AhSide::Sender)) << "half an address";
}

TEST(AhMutable, SkipsTheFragmentHeaderOfAWholePacket) {
  EXPECT_EQ(cooked(v6(44, "33000000 00000001"), 48, AhSide::Receiver),
            hex("60000000 0004 33 00 fd000000000000000000000000000001 fd000000000000000000000000000002"));
  const auto behind = cooked(v6(0, "2c000104 00000000 33000000 00000001"), 56, AhSide::Receiver);
  ASSERT_TRUE(behind);
  EXPECT_EQ(ByteVector(behind->begin() + 40, behind->end()), hex("33000104 00000000"));
  EXPECT_EQ(ByteVector(behind->begin() + 4, behind->begin() + 6), hex("000c"));
}

TEST(AhMutable, LeavesDestinationOptionsBehindAhAlone) {
  // On output AH stands at 48, in front of the second extension header, which is payload to it.
  const auto got = cooked(v6(0, "3c000104 00000000 33002604 11223344"), 48, AhSide::Sender);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->size(), 48U);
}

}  // namespace
}  // namespace testudo::transform
