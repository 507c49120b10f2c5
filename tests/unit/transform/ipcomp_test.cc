#include "transform/ipcomp.h"

#include <gtest/gtest.h>

#include "base/endian.h"
#include "unit/transform/one_packet.h"

namespace testudo::transform {
namespace {

using namespace test_support;

const net::Address kA = test::ip("10.0.0.1"), kB = test::ip("10.0.0.2");
const net::Address kA6 = test::ip("fd00::1"), kB6 = test::ip("fd00::2");

struct Packed {
  std::optional<Compressed> verdict;
  std::optional<DropReason> drop;
  ByteVector bytes;
};

Packed compress(sad::Sa& sa, const ByteVector& packet) {
  PacketBuffer buffer{packet.size() + 100};
  buffer.assign(packet);
  Packed out;
  const auto result = compress_ipcomp(sa, buffer, *wire::packet::parse_ip(packet));
  if (result) {
    out.verdict = *result;
  } else {
    out.drop = result.error();
  }
  out.bytes.assign(buffer.bytes().begin(), buffer.bytes().end());
  return out;
}

Outcome expand(sad::Sa& sa, const ByteVector& packet) {
  PacketBuffer buffer, scratch;
  buffer.assign(packet);
  Outcome out;
  const auto result = expand_ipcomp(sa, buffer, *wire::packet::parse_ip(packet), scratch);
  if (result) {
    out.opened = *result;
  } else {
    out.drop = result.error();
  }
  out.bytes.assign(buffer.bytes().begin(), buffer.bytes().end());
  return out;
}

TEST(Ipcomp, CompressesAndExpandsToTheSamePacket) {
  for (const auto& [a, b] : {std::pair{kA, kB}, std::pair{kA6, kB6}}) {
    const auto sa = test::sa(test::ipcomp(a, b));
    for (std::size_t size : {90U, 91U, 500U, 1500U, 20000U, 65000U}) {
      const ByteVector packet = test::udp({a, 1}, {b, 2}, ByteVector(size, 'a'));
      const Packed packed = compress(*sa, packet);
      ASSERT_EQ(packed.verdict, Compressed::Yes) << size;
      EXPECT_LT(packed.bytes.size(), packet.size());
      const Outcome o = expand(*sa, packed.bytes);
      ASSERT_TRUE(o) << size << ' ' << name_of(o);
      EXPECT_EQ(o.bytes, packet) << size;
      EXPECT_EQ(o.opened.next_protocol, 17);
    }
  }
}

TEST(Ipcomp, WritesTheHeaderOfRfc3173) {
  const auto sa = test::sa(test::ipcomp(kA, kB));
  const Packed packed = compress(*sa, test::udp({kA, 1}, {kB, 2}, ByteVector(300, 'x')));
  ASSERT_EQ(packed.verdict, Compressed::Yes);
  EXPECT_EQ(packed.bytes[9], 108);
  EXPECT_EQ(be16(&packed.bytes[2]), packed.bytes.size());
  EXPECT_EQ(test::detail::internet_checksum(Bytes{packed.bytes}.first(20)), 0);
  EXPECT_EQ(ByteVector(packed.bytes.begin() + 20, packed.bytes.begin() + 24), hex("11 00 0002"));
}

TEST(Ipcomp, SendsTheSpiWhenToldTo) {
  const auto sa = test::sa(test::ipcomp(kA, kB, 0xabcd, true));
  const Packed packed = compress(*sa, test::udp({kA, 1}, {kB, 2}, ByteVector(300, 'x')));
  ASSERT_EQ(packed.verdict, Compressed::Yes);
  EXPECT_EQ(be16(&packed.bytes[22]), 0xabcd);
}

TEST(Ipcomp, LeavesShortPayloadsAlone) {
  const auto sa = test::sa(test::ipcomp(kA, kB));
  const ByteVector shorter = test::udp({kA, 1}, {kB, 2}, ByteVector(81, 'x'));  // 89 bytes with the UDP header
  const Packed left = compress(*sa, shorter);
  EXPECT_EQ(left.verdict, Compressed::TooShort);
  EXPECT_EQ(left.bytes, shorter);
  EXPECT_EQ(compress(*sa, test::udp({kA, 1}, {kB, 2}, ByteVector(82, 'x'))).verdict, Compressed::Yes);
}

TEST(Ipcomp, NeverGrowsAPacket) {
  const auto sa = test::sa(test::ipcomp(kA, kB));
  for (std::size_t size : {100U, 1000U, 60000U}) {
    const ByteVector noise = test::udp({kA, 1}, {kB, 2}, test::SeededRandom{8}.bytes(size));
    const Packed left = compress(*sa, noise);
    EXPECT_EQ(left.verdict, Compressed::Useless) << size;
    EXPECT_EQ(left.bytes, noise) << size;
  }
}

// Noise with a little that repeats: somewhere the gain is exactly the header, which is no gain.
TEST(Ipcomp, OnlyReplacesAPacketByASmallerOne) {
  const auto sa = test::sa(test::ipcomp(kA, kB));
  std::size_t used = 0, left = 0;
  for (std::size_t repeated = 0; repeated < 40; ++repeated) {
    ByteVector data = test::SeededRandom{8}.bytes(200);
    data.insert(data.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(repeated));
    const ByteVector packet = test::udp({kA, 1}, {kB, 2}, data);
    const Packed packed = compress(*sa, packet);
    if (packed.verdict == Compressed::Yes) {
      ++used;
      EXPECT_LT(packed.bytes.size(), packet.size());
      EXPECT_EQ(expand(*sa, packed.bytes).bytes, packet);
    } else {
      ++left;
      EXPECT_EQ(packed.bytes, packet);
    }
  }
  EXPECT_GT(used, 0U);
  EXPECT_GT(left, 0U);
}

/// An IPcomp packet with that inner protocol and that stream.
ByteVector stream(std::uint8_t protocol, const char* deflated) {
  ByteVector payload{protocol, 0, 0, 2};
  for (const std::uint8_t byte : hex(deflated)) payload.push_back(byte);
  return test::packet(kA, kB, 108, payload);
}

// zlib's own raw stream (python3, level 9) of "abcdefgh" forty times.
constexpr const char* kAlphabet = "4b4c4a4e494d4bcf481ca5c9a201";
// And of 70000 zeros: more than an IP packet holds.
constexpr const char* kBomb =
    "edc13101000000c2a0f54f6d094fa0000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000"
    "0000000000000000000000000000000000000000000080b701";

TEST(Ipcomp, ExpandsWhatZlibMadeWhateverTheInnerProtocolIs) {
  const auto sa = test::sa(test::ipcomp(kA, kB));
  // 4 and 41: a tunnel of IPcomp alone; 50, 51 and 108: nested.  netipsec refuses the latter.
  for (const std::uint8_t protocol : hex("01 04 06 11 29 32 33 3c 6c fd")) {
    const Outcome o = expand(*sa, stream(protocol, kAlphabet));
    ASSERT_TRUE(o) << int{protocol} << ' ' << name_of(o);
    EXPECT_EQ(o.opened.next_protocol, protocol);
    EXPECT_EQ(o.bytes[9], protocol);
    ByteVector expected;
    for (int i = 0; i < 40; ++i) expected.insert(expected.end(), {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'});
    EXPECT_EQ(ByteVector(o.bytes.begin() + 20, o.bytes.end()), expected);
    EXPECT_EQ(be16(&o.bytes[2]), o.bytes.size());
  }
}

TEST(Ipcomp, RefusesWhatItCannotExpand) {
  const auto sa = test::sa(test::ipcomp(kA, kB));
  EXPECT_EQ(expand(*sa, stream(17, kBomb)).drop, DropReason::ExpandsTooBig);
  EXPECT_EQ(expand(*sa, stream(17, "4b4c4a4e494d4bcf48")).drop, DropReason::BadCompression) << "cut short";
  EXPECT_EQ(expand(*sa, stream(17, "ffffffff")).drop, DropReason::BadCompression);
  EXPECT_EQ(expand(*sa, stream(17, "")).drop, DropReason::BadCompression);
  EXPECT_EQ(expand(*sa, stream(0, kAlphabet)).drop, DropReason::BadNextHeader);
  for (std::size_t size = 0; size < 4; ++size) {
    EXPECT_EQ(expand(*sa, test::packet(kA, kB, 108, ByteVector(size, 1))).drop, DropReason::InboundMalformed);
  }
  EXPECT_EQ(expand(*sa, test::packet(kA, kB, 108, ByteVector(64, 1), {.more_fragments = true})).drop,
            DropReason::InboundMalformed);
}

TEST(Ipcomp, ARefusedPacketIsStillThere) {
  const auto sa = test::sa(test::ipcomp(kA, kB));
  const ByteVector packet = stream(17, "ffffffff");
  EXPECT_EQ(expand(*sa, packet).bytes, packet);
}

TEST(Ipcomp, RefusesToCompressFragments) {
  const auto sa = test::sa(test::ipcomp(kA, kB));
  EXPECT_EQ(compress(*sa, test::packet(kA, kB, 17, ByteVector(200, 1), {.more_fragments = true})).drop,
            DropReason::OutboundInvalid);
}

TEST(Ipcomp, CompressesBehindIpv6HopByHopOptions) {
  const auto sa = test::sa(test::ipcomp(kA6, kB6));
  const ByteVector packet =
      test::udp({kA6, 1}, {kB6, 2}, ByteVector(300, 'x'),
                {.options = hex("11000104 00000000"), .first_extension = net::protocol::kHopByHop});
  const Packed packed = compress(*sa, packet);
  ASSERT_EQ(packed.verdict, Compressed::Yes);
  EXPECT_EQ(packed.bytes[6], 0);
  EXPECT_EQ(packed.bytes[40], 108);
  EXPECT_EQ(expand(*sa, packed.bytes).bytes, packet);
}

TEST(Ipcomp, TravelsInsideEsp) {
  const auto ipcomp = test::sa(test::ipcomp(kA, kB));
  const auto out = test::sa(test::esp(kA, kB, "aes-gcm-16")), in = test::sa(test::esp(kA, kB, "aes-gcm-16"));
  const ByteVector packet = test::udp({kA, 1}, {kB, 2}, ByteVector(300, 'x'));
  const Outcome inner = open(*in, seal(*out, compress(*ipcomp, packet).bytes).bytes);
  ASSERT_TRUE(inner) << name_of(inner);
  EXPECT_EQ(inner.opened.next_protocol, 108);
  EXPECT_EQ(expand(*ipcomp, inner.bytes).bytes, packet);
}

}  // namespace
}  // namespace testudo::transform
