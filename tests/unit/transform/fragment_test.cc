#include "transform/fragment.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/packets.h"
#include "support/random.h"

namespace testudo::transform {
namespace {

const net::Address a4 = test::ip("10.0.0.1"), b4 = test::ip("10.0.0.2");
const net::Address a6 = test::ip("fd00::1"), b6 = test::ip("fd00::2");
constexpr std::uint32_t kId = 0xa1b2c3d4;

ByteVector numbers(std::size_t n) {
  return test::SeededRandom{n}.bytes(n);
}

Status<DropReason> cut(const ByteVector& packet, std::size_t mtu, std::vector<ByteVector>& out) {
  return fragment(packet, *wire::packet::parse_ip(packet), mtu, kId, [&](Bytes piece) -> Status<DropReason> {
    out.emplace_back(piece.begin(), piece.end());
    return Done{};
  });
}

std::vector<ByteVector> pieces(const ByteVector& packet, std::size_t mtu) {
  std::vector<ByteVector> out;
  EXPECT_TRUE(cut(packet, mtu, out));
  return out;
}

DropReason why_not(const ByteVector& packet, std::size_t mtu) {
  std::vector<ByteVector> out;
  const auto result = cut(packet, mtu, out);
  EXPECT_FALSE(result);
  EXPECT_TRUE(out.empty());
  return result ? DropReason{} : result.error();
}

/// The bytes that the pieces carry, laid out by offset; and what each piece must be on its own.
ByteVector joined(const std::vector<ByteVector>& all, std::size_t mtu) {
  ByteVector payload;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto ip = wire::packet::parse_ip(all[i]);
    EXPECT_TRUE(ip && ip->fragment);
    if (!ip || !ip->fragment) return {};
    EXPECT_LE(all[i].size(), mtu);
    EXPECT_EQ(ip->total_length, all[i].size());
    EXPECT_EQ(ip->fragment->offset, payload.size()) << "in order, without gap or overlap";
    EXPECT_EQ(ip->fragment->more, i + 1 < all.size());
    if (ip->is_v4()) {
      EXPECT_EQ(wire::packet::checksum(Bytes{all[i]}.first(ip->header_length)), 0);
    } else {
      EXPECT_EQ(ip->fragment->id, kId);
    }
    std::size_t at = ip->header_length;
    for (std::size_t e = 0; e < ip->extension_count && ip->extensions[e].offset == at; ++e) {
      at += ip->extensions[e].length;
      if (ip->extensions[e].protocol == 44) break;
    }
    payload.insert(payload.end(), all[i].begin() + static_cast<std::ptrdiff_t>(at), all[i].end());
  }
  return payload;
}

TEST(Fragment, EmitsAPacketThatFitsAsItIs) {
  for (const ByteVector& packet : {test::packet(a4, b4, 17, numbers(80)), test::packet(a6, b6, 17, numbers(60))}) {
    EXPECT_EQ(pieces(packet, 100), std::vector<ByteVector>{packet});
    ByteVector longer = packet;
    longer.resize(130);
    EXPECT_EQ(pieces(longer, 100), std::vector<ByteVector>{packet}) << "without bytes behind the packet";
  }
}

TEST(Fragment, CutsAnIpv4PacketIntoPiecesThatMakeItUp) {
  for (const std::size_t size : {81U, 1000U, 1480U, 9000U, 65515U}) {
    for (const std::size_t mtu : {28U, 29U, 68U, 99U, 576U, 1500U}) {
      if (size + 20 <= mtu || (size > 9000 && mtu < 500)) continue;
      const ByteVector payload = numbers(size);
      const auto all = pieces(test::packet(a4, b4, 50, payload, {.ttl = 7, .identification = 0x4321}), mtu);
      EXPECT_EQ(joined(all, mtu), payload);
      const auto ip = wire::packet::parse_ip(all.back());
      EXPECT_EQ(ip->identification, 0x4321);
      EXPECT_EQ(ip->ttl, 7);
      EXPECT_EQ(ip->upper_protocol, 50);
    }
  }
}

TEST(Fragment, CutsAnIpv6PacketIntoPiecesThatMakeItUp) {
  for (const std::size_t size : {1300U, 2000U, 65535U}) {
    const ByteVector payload = numbers(size);
    const auto all = pieces(test::packet(a6, b6, 50, payload, {.ttl = 7, .flow_label = 0x12345}), 1280);
    EXPECT_EQ(joined(all, 1280), payload);
    const auto ip = wire::packet::parse_ip(all.front());
    EXPECT_EQ(ip->upper_protocol, 50);
    EXPECT_EQ(ip->flow_label, 0x12345U);
    EXPECT_EQ(all.front().size(), 1280U) << "1232 bytes of payload are a multiple of 8";
  }
}

TEST(Fragment, KeepsHopByHopAndRoutingHeadersInEveryPieceAndLeavesTheRestToTheFirst) {
  const ByteVector per_fragment{43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0};
  const ByteVector options{50, 0, 1, 4, 0, 0, 0, 0};
  ByteVector chain = per_fragment;
  chain.insert(chain.end(), options.begin(), options.end());
  const ByteVector payload = numbers(300);
  const auto all = pieces(test::packet(a6, b6, 50, payload, {.options = chain, .first_extension = 0}), 200);
  ByteVector expected = options;
  expected.insert(expected.end(), payload.begin(), payload.end());
  EXPECT_EQ(joined(all, 200), expected);
  for (const ByteVector& piece : all) {
    EXPECT_EQ(piece[48], 44) << "the routing header announces the fragment header";
    EXPECT_EQ(piece[56], 60) << "and that announces the destination options";
  }
}

// RFC 791 section 3.1: record route (7) is not copied, loose source route (131) is.
TEST(Fragment, CopiesOnlyTheOptionsThatAskForIt) {
  const ByteVector options{7, 7, 4, 0, 0, 0, 0, 131, 7, 4, 1, 2, 3, 4, 1, 0};
  const ByteVector payload = numbers(200);
  const auto all = pieces(test::packet(a4, b4, 17, payload, {.options = options}), 100);
  EXPECT_EQ(joined(all, 100), payload);
  EXPECT_EQ(ByteVector(all[0].begin() + 20, all[0].begin() + 36), options);
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_EQ(all[i][0], 0x47);
    EXPECT_EQ(ByteVector(all[i].begin() + 20, all[i].begin() + 28), (ByteVector{131, 7, 4, 1, 2, 3, 4, 0}));
  }
}

TEST(Fragment, RefusesOptionsThatLieAboutTheirLength) {
  for (const ByteVector& options :
       {ByteVector{131, 0, 0, 0}, ByteVector{131, 1, 0, 0}, ByteVector{131, 5, 0, 0}, ByteVector{1, 1, 1, 131}})
    EXPECT_EQ(why_not(test::packet(a4, b4, 17, numbers(200), {.options = options}), 100), DropReason::OutboundInvalid);
}

TEST(Fragment, CutsAFragmentAgain) {
  const ByteVector payload = numbers(160);
  const auto all = pieces(test::packet(a4, b4, 17, payload, {.more_fragments = true, .fragment_offset = 800}), 100);
  ASSERT_EQ(all.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto ip = wire::packet::parse_ip(all[i]);
    EXPECT_EQ(ip->fragment->offset, 800 + 80 * i);
    EXPECT_TRUE(ip->fragment->more) << "something follows the last piece";
  }
}

TEST(Fragment, RefusesWhereTheSourceForbidsIt) {
  EXPECT_EQ(why_not(test::packet(a4, b4, 17, numbers(200), {.dont_fragment = true}), 100),
            DropReason::NeedsFragmentation);
  EXPECT_EQ(
      why_not(test::packet(a6, b6, 17, numbers(200), {.options = {17, 0, 0, 1, 0, 0, 0, 1}, .first_extension = 44}),
              100),
      DropReason::NeedsFragmentation);
}

TEST(Fragment, RefusesAnMtuWithoutRoomForHeaderAndEightBytes) {
  for (const std::size_t mtu : {0U, 8U, 20U, 27U})
    EXPECT_EQ(why_not(test::packet(a4, b4, 17, numbers(200)), mtu), DropReason::OutboundInvalid);
  for (const std::size_t mtu : {0U, 40U, 48U, 55U})
    EXPECT_EQ(why_not(test::packet(a6, b6, 17, numbers(200)), mtu), DropReason::OutboundInvalid);
  EXPECT_EQ(pieces(test::packet(a4, b4, 17, numbers(80)), 28).size(), 10U);
  EXPECT_EQ(pieces(test::packet(a6, b6, 17, numbers(80)), 56).size(), 10U);
}

TEST(Fragment, StopsWhenNobodyTakesThePieces) {
  const ByteVector packet = test::packet(a4, b4, 17, numbers(200));
  int emitted = 0;
  const auto result = fragment(packet, *wire::packet::parse_ip(packet), 100, kId, [&](Bytes) -> Status<DropReason> {
    ++emitted;
    return Failure{DropReason::QueueFull};
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), DropReason::QueueFull);
  EXPECT_EQ(emitted, 1);
}

}  // namespace
}  // namespace testudo::transform
