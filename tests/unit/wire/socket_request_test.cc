#include "wire/socket_request.h"

#include <gtest/gtest.h>

#include <array>

namespace testudo::wire {
namespace {

TEST(SocketRequest, IsReadAsItWasSent) {
  const ByteVector bytes{1, 2, 6, 0, 9, 8, 7};
  const auto read = parse_socket_request(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->what, SocketRequest::What::Set);
  EXPECT_EQ(read->level, SocketRequest::Level::Ipv6);
  EXPECT_TRUE(std::ranges::equal(read->policy, ByteVector{9, 8, 7}));
}

struct Refused {
  ByteVector bytes;
  Malformed why;
};

TEST(SocketRequest, RefusesWhatNobodySends) {
  ByteVector long_one{1, 2, 4, 0};
  long_one.resize(4 + SocketRequest::kMaxPolicy + 1);
  for (const Refused& row : {Refused{{}, Malformed::Truncated}, Refused{{1, 2, 4}, Malformed::Truncated},
                             Refused{{2, 2, 4, 0}, Malformed::BadVersion}, Refused{{1, 0, 4, 0}, Malformed::BadValue},
                             Refused{{1, 3, 4, 0}, Malformed::BadValue}, Refused{{1, 1, 5, 0}, Malformed::BadValue},
                             Refused{{1, 1, 4, 1}, Malformed::BadValue}, Refused{long_one, Malformed::BadLength}}) {
    const auto read = parse_socket_request(row.bytes);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), row.why);
  }
}

// linux/udp.h: UDP_ENCAP_ESPINUDP_NON_IKE 1, UDP_ENCAP_ESPINUDP 2, UDP_ENCAP_L2TPINUDP 3.
TEST(SocketRequest, UdpEncapIsAnIntOfWhichThreeValuesAreOurs) {
  for (const auto value : std::array<std::uint8_t, 3>{0, 1, 2}) {
    EXPECT_EQ(socket_encapsulation(compose_socket_encapsulation(value)), value);
    EXPECT_EQ(socket_encapsulation(ByteVector{value, 0, 0, 0}), value);
  }
  for (const ByteVector& bytes :
       {ByteVector{}, ByteVector{2, 0, 0}, ByteVector{2, 0, 0, 0, 0}, ByteVector{3, 0, 0, 0}, ByteVector{2, 0, 0, 1}}) {
    EXPECT_FALSE(socket_encapsulation(bytes));
  }
  EXPECT_EQ(parse_socket_request(ByteVector{1, 2, 17, 0, 2, 0, 0, 0})->level, SocketRequest::Level::Udp);
}

// sadb_x_policy: len u16, exttype u16 (18), type u16, dir u8.
TEST(SocketRequest, TheDirectionStandsInTheFirstBytesOfAPolicy) {
  EXPECT_EQ(*socket_policy_direction(ByteVector{2, 0, 18, 0, 0, 0, 1, 0}), pfkey::Direction::In);
  EXPECT_EQ(*socket_policy_direction(ByteVector{2, 0, 18, 0, 0, 0, 2}), pfkey::Direction::Out);
  EXPECT_EQ(*socket_policy_direction(ByteVector{2, 0, 12, 0, 0, 0, 2, 0}), pfkey::Direction::Out) << "as OpenIKED's";
  EXPECT_FALSE(socket_policy_direction(ByteVector{2, 0, 18, 0, 0, 0})) << "cut short";
}

TEST(SocketReply, IsAnErrnoAndAPolicy) {
  const ByteVector bytes = compose_socket_reply(22, ByteVector{5});
  ASSERT_EQ(bytes.size(), 5U);
  std::uint32_t error = 0;
  std::memcpy(&error, bytes.data(), 4);
  EXPECT_EQ(error, 22U);
  EXPECT_EQ(bytes[4], 5);
}

}  // namespace
}  // namespace testudo::wire
