#include "wire/packet/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/packets.h"

namespace testudo::wire::packet {
namespace {

// RFC 1071 section 3.
TEST(Checksum, OfTheRfcExample) {
  const ByteVector data{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(sum_of(data), 0xddf2);
  EXPECT_EQ(checksum(data), 0x220d);
}

TEST(Checksum, OfEveryLengthAndPlaceIsTheOneAddedByteByByte) {
  ByteVector data(300);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(0xff - i * i);
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t length = 0; from + length <= data.size(); ++length) {
      const Bytes part = Bytes{data}.subspan(from, length);
      const std::uint16_t expected = test::detail::internet_checksum(part);
      ASSERT_EQ(checksum(part), expected) << from << " " << length;
      ByteVector copy(length);
      ASSERT_EQ(static_cast<std::uint16_t>(~copy_and_sum(copy, part)), expected);
      ASSERT_TRUE(std::equal(copy.begin(), copy.end(), part.begin()));
    }
  }
}

TEST(Checksum, SumsOfPiecesAddUp) {
  ByteVector data(64, 0xfe);
  const Bytes all = data;
  EXPECT_EQ(sum_of(all.subspan(10), sum_of(all.first(10))), sum_of(all));
  EXPECT_EQ(sum_of({}, 0x1fffe), 0xffff);
}

// 64 KiB of ones: nothing overflows.
TEST(Checksum, OfTheLargestPacket) {
  const ByteVector data(65536, 0xff);
  EXPECT_EQ(sum_of(data), 0xffff);
  ByteVector numbers(65535), copy(65535);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::uint8_t>(i * i >> 7);
  EXPECT_EQ(static_cast<std::uint16_t>(~copy_and_sum(copy, numbers)), test::detail::internet_checksum(numbers));
  EXPECT_EQ(copy, numbers);
}

}  // namespace
}  // namespace testudo::wire::packet
