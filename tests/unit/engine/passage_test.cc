#include "engine/passage.h"

#include <gtest/gtest.h>

#include "net/protocol.h"
#include "support/packets.h"
#include "support/sas.h"

namespace testudo::engine {
namespace {

namespace protocol = net::protocol;

TEST(SaProtocol, IsKnownForTheThreeHeadersOnly) {
  for (unsigned number = 0; number < 256; ++number) {
    const auto found = sa_protocol(static_cast<std::uint8_t>(number));
    switch (number) {
      case 50:
        EXPECT_EQ(found, sad::SaProtocol::Esp);
        break;
      case 51:
        EXPECT_EQ(found, sad::SaProtocol::Ah);
        break;
      case 108:
        EXPECT_EQ(found, sad::SaProtocol::Ipcomp);
        break;
      default:
        EXPECT_EQ(found, std::nullopt) << number;
    }
  }
}

TEST(ReadLayer, FindsTheSpiWhereEachHeaderHasIt) {
  const ByteVector header{1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(read_layer(protocol::kEsp, header)->spi, Spi{0x01020304});
  EXPECT_EQ(read_layer(protocol::kAh, header)->spi, Spi{0x05060708});
  EXPECT_EQ(read_layer(protocol::kIpcomp, header)->spi, Spi{0x0304});
  EXPECT_EQ(read_layer(protocol::kAh, header)->protocol, protocol::kAh);
}

TEST(ReadLayer, FindsNothingInAHeaderThatIsCutShort) {
  const ByteVector header{1, 2, 3, 4, 5, 6, 7, 8};
  const auto first = [&](std::size_t n) { return Bytes{header}.first(n); };
  EXPECT_FALSE(read_layer(protocol::kEsp, first(3)));
  EXPECT_TRUE(read_layer(protocol::kEsp, first(4)));
  EXPECT_FALSE(read_layer(protocol::kAh, first(7)));
  EXPECT_TRUE(read_layer(protocol::kAh, first(8)));
  EXPECT_FALSE(read_layer(protocol::kIpcomp, first(3)));
  EXPECT_TRUE(read_layer(protocol::kIpcomp, first(4)));
  EXPECT_FALSE(read_layer(protocol::kEsp, {}));
}

TEST(ReadLayer, FindsNothingInOtherProtocols) {
  const ByteVector header(64, 1);
  for (const std::uint8_t other : {protocol::kTcp, protocol::kUdp, protocol::kIpv4, protocol::kIpv6, protocol::kIcmp}) {
    EXPECT_FALSE(read_layer(other, header)) << int{other};
  }
}

TEST(NameOf, AnSaIsItsProtocolAndSpi) {
  const auto sa = test::sa(test::ah(test::ip("10.0.0.1"), test::ip("10.0.0.2"), "hmac-md5"));
  EXPECT_EQ(name_of(*sa).protocol, protocol::kAh);
  EXPECT_EQ(name_of(*sa).spi, Spi{0x1000});
}

}  // namespace
}  // namespace testudo::engine
