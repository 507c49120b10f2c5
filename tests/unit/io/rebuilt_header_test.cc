#include "io/rebuilt_header.h"

#include <gmock/gmock.h>

#include "base/endian.h"

namespace testudo::io {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

Ancillary from(const char* source, const char* destination) {
  Ancillary a;
  a.source = *net::Address::parse(source);
  a.destination = *net::Address::parse(destination);
  return a;
}

TEST(RebuiltHeader, Ipv4AndUdpOfEncapsulatedEsp) {
  Ancillary a = from("192.0.2.1", "198.51.100.2");
  a.source_port = 4500;
  a.traffic_class = 0xb8;
  a.ttl = 61;
  ByteVector header(header_length(a, 17));
  write_header(header, a, 17, 100, 4500);
  // The checksum 0x907e was computed apart, by RFC 791's rule over the other fields.
  EXPECT_THAT(header, ElementsAre(0x45, 0xb8, 0, 128, 0, 0, 0, 0, 61, 17, 0x90, 0x7e, 192, 0, 2, 1, 198, 51, 100, 2,
                                  0x11, 0x94, 0x11, 0x94, 0, 108, 0, 0));
}

TEST(RebuiltHeader, Ipv6WithLabelAndClass) {
  Ancillary a = from("fd00::1", "fd00::2");
  a.traffic_class = 0x2e;
  a.flow_label = 0xabcde;
  a.ttl = 64;
  ByteVector header(header_length(a, 50));
  write_header(header, a, 50, 64);
  ASSERT_EQ(header.size(), 40U);
  EXPECT_EQ(be32(header.data()), 0x62eabcdeU);
  EXPECT_EQ(be16(header.data() + 4), 64);
  EXPECT_EQ(header[6], 50);
  EXPECT_EQ(header[7], 64);
  EXPECT_THAT(Bytes(header).subspan(24, 16), ElementsAreArray(a.destination.bytes()));
}

TEST(RebuiltHeader, ExtensionHeadersAreChainedInTheirOrder) {
  // A destination options header that pointed to a fragment header (44), which the kernel has dealt with.
  const std::array<std::uint8_t, 8> hop{60, 0, 1, 4, 0, 0, 0, 0};
  const std::array<std::uint8_t, 8> options{44, 0, 1, 4, 0, 0, 0, 0};
  Ancillary a = from("fd00::1", "fd00::2");
  a.extensions[0] = {0, hop};
  a.extensions[1] = {60, options};
  a.extension_count = 2;
  ByteVector header(header_length(a, 51));
  write_header(header, a, 51, 24);
  ASSERT_EQ(header.size(), 56U);
  EXPECT_EQ(be16(header.data() + 4), 16 + 24);
  EXPECT_EQ(header[6], 0);
  EXPECT_EQ(header[40], 60);
  EXPECT_EQ(header[48], 51);
}

}  // namespace
}  // namespace testudo::io
