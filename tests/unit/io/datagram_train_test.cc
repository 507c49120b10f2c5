#include "io/datagram_train.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/packets.h"

namespace testudo::io {
namespace {

using test::ip, test::udp, test::IpFields;

const net::Endpoint kFrom4{ip("192.0.2.1"), 4500}, kTo4{ip("198.51.100.2"), 4500};
const net::Endpoint kFrom6{ip("fd00::1"), 4500}, kTo6{ip("fd00::2"), 4500};

ByteVector datagram(std::size_t n, const IpFields& fields = {}, const net::Endpoint& from = kFrom4) {
  return udp(from, from.address.is_v4() ? kTo4 : kTo6, ByteVector(n, 1), fields);
}

std::size_t length_of(const std::vector<ByteVector>& packets) {
  const std::vector<Bytes> views(packets.begin(), packets.end());
  return train_length(views);
}

TEST(DatagramTrain, IsOfOneSizeAndALastSmallerOne) {
  EXPECT_EQ(length_of({}), 0U);
  EXPECT_EQ(length_of({datagram(100)}), 1U);
  EXPECT_EQ(length_of({datagram(100), datagram(100), datagram(100)}), 3U);
  EXPECT_EQ(length_of({datagram(100), datagram(100), datagram(40), datagram(40)}), 3U);
  EXPECT_EQ(length_of({datagram(100), datagram(101)}), 1U);
  EXPECT_EQ(length_of({datagram(100), datagram(0)}), 1U) << "the kernel would send nothing for it";
  EXPECT_EQ(length_of({datagram(0), datagram(0)}), 1U);
  EXPECT_EQ(length_of({datagram(100, {}, kFrom6), datagram(100, {}, kFrom6)}), 2U);
  EXPECT_EQ(length_of({datagram(100), datagram(100, {}, kFrom6)}), 1U);
}

TEST(DatagramTrain, IsNoLongerThanTheKernelTakes) {
  EXPECT_EQ(length_of(std::vector<ByteVector>(100, datagram(10))), 64U);
  EXPECT_EQ(length_of(std::vector<ByteVector>(64, datagram(1400))), 46U);
  EXPECT_EQ(length_of(std::vector<ByteVector>(2, datagram(32753))), 2U) << "65506 bytes";
  EXPECT_EQ(length_of(std::vector<ByteVector>(2, datagram(32754))), 1U) << "65508 bytes";
}

TEST(DatagramTrain, DoesNotCareForWhatTheKernelWritesAnew) {
  ByteVector bare = datagram(100, {.identification = 9});
  bare[26] = bare[27] = 0;
  EXPECT_EQ(length_of({datagram(100, {.identification = 1}), bare}), 2U);
}

TEST(DatagramTrain, EndsWhereAHeaderDiffers) {
  const std::vector<std::pair<std::string, ByteVector>> others{
      {"TOS", datagram(100, {.traffic_class = 1})},
      {"TTL", datagram(100, {.ttl = 63})},
      {"may not be cut", datagram(100, {.dont_fragment = true})},
      {"options", datagram(100, {.options = {1, 1, 1, 1}})},
      {"a fragment", datagram(100, {.more_fragments = true})},
      {"source", datagram(100, {}, {ip("192.0.2.2"), 4500})},
      {"source port", datagram(100, {}, {ip("192.0.2.1"), 4501})},
      {"destination", udp(kFrom4, {ip("198.51.100.3"), 4500}, ByteVector(100, 1))},
      {"destination port", udp(kFrom4, {ip("198.51.100.2"), 4501}, ByteVector(100, 1))},
      {"protocol", test::packet(kFrom4.address, kTo4.address, 50, ByteVector(108, 1))},
      {"nothing", {}},
      {"a header alone", {0x45}},
  };
  for (const auto& [what, other] : others) EXPECT_EQ(length_of({datagram(100), other}), 1U) << what;
  for (const IpFields& fields : {IpFields{.ttl = 1}, IpFields{.traffic_class = 1}, IpFields{.flow_label = 1}}) {
    EXPECT_EQ(length_of({datagram(100, {}, kFrom6), datagram(100, fields, kFrom6)}), 1U);
  }
}

TEST(DatagramTrain, DoesNotBeginWithAnythingElse) {
  ByteVector longer = datagram(100);
  longer.push_back(0);
  ByteVector fragment = datagram(100, {.fragment_offset = 8});
  const ByteVector esp = test::packet(kFrom4.address, kTo4.address, 50, ByteVector(108, 1));
  for (const ByteVector& first : {longer, fragment, esp, ByteVector{}, ByteVector{0x60}}) {
    EXPECT_EQ(length_of({first, first}), 0U);
  }
}

}  // namespace
}  // namespace testudo::io
