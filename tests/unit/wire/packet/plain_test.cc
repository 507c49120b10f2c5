#include "wire/packet/plain.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/protocol.h"
#include "support/packets.h"
#include "support/random.h"

namespace testudo::wire::packet {
namespace {

/// Of all that a checksum field can hold, just one value is right, or both 0 and 0xffff, which are the same number.
TEST(Plain, ChecksumIsRightWhenTheSumOfAllWordsIs) {
  test::SeededRandom random{9};
  for (int header = 0; header < 20; ++header) {
    ByteVector bytes = random.bytes(kIpv4Header);
    if (header == 0) std::ranges::fill(bytes, std::uint8_t{0xff});
    if (header == 1) std::ranges::fill(bytes, std::uint8_t{0});
    bytes[0] = 0x45;
    std::size_t right = 0;
    for (std::uint32_t field = 0; field <= 0xffff; ++field) {
      put_be16(bytes.data() + 10, static_cast<std::uint16_t>(field));
      const bool expected = test::detail::internet_checksum(bytes) == 0;
      ASSERT_EQ(plain_checksum_is_right(bytes.data()), expected) << header << " " << field;
      right += expected ? 1 : 0;
    }
    EXPECT_GE(right, 1U);
    EXPECT_LE(right, 2U);
  }
}

/// A header whose other words sum up to nothing but carries: 0 and 0xffff would both do.
TEST(Plain, ChecksumOfAHeaderThatSumsUpToNothing) {
  ByteVector bytes(kIpv4Header);
  put_be16(bytes.data(), 0x4500);
  put_be16(bytes.data() + 2, 0xbaff);
  for (const std::uint16_t field : {std::uint16_t{0}, std::uint16_t{0xffff}}) {
    put_be16(bytes.data() + 10, field);
    EXPECT_EQ(test::detail::internet_checksum(bytes), 0);
    EXPECT_TRUE(plain_checksum_is_right(bytes.data()));
  }
  put_be16(bytes.data() + 10, 1);
  EXPECT_FALSE(plain_checksum_is_right(bytes.data()));
}

/// What the short look says is what the long one says.
TEST(Plain, SaysWhatTheLongLookSays) {
  test::SeededRandom random{10};
  std::size_t read = 0;
  for (int i = 0; i < 20000; ++i) {
    ByteVector bytes =
        random.chance(50)
            ? test::udp({test::ip("10.0.0.1"), 1}, {test::ip("10.0.0.2"), 2}, random.bytes(random.below(9)))
            : test::udp({test::ip("fd00::1"), 1}, {test::ip("fd00::2"), 2}, random.bytes(random.below(9)));
    for (std::uint32_t n = random.below(3); n > 0; --n) {
      bytes[random.below(static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), 10)))] ^=
          static_cast<std::uint8_t>(1U << random.below(8));
    }
    const std::uint32_t cut = random.chance(10) ? random.below(static_cast<std::uint32_t>(bytes.size())) : 0;
    const Bytes packet = Bytes{bytes}.first(bytes.size() - cut);
    const auto plain = read_plain(packet);
    if (!plain || plain->protocol != net::protocol::kUdp) continue;
    const auto ip = parse_ip(packet);
    ASSERT_TRUE(ip);
    EXPECT_EQ(plain->total_length, ip->total_length);
    EXPECT_EQ(plain->header_length, ip->header_length);
    EXPECT_EQ(plain->is_v4(), ip->is_v4());
    EXPECT_EQ(flow_of(*plain, packet), flow_of(*ip, packet));
    ++read;
  }
  EXPECT_GT(read, 5000U);
}

}  // namespace
}  // namespace testudo::wire::packet
