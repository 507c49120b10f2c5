#include "io/udp_socket.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "io/socket_address.h"

namespace testudo::io {
namespace {

net::Endpoint endpoint(const char* address, std::uint16_t port) {
  return {*net::Address::parse(address), port};
}

TEST(SocketAddress, GivesBackTheEndpointItWasMadeOf) {
  for (const net::Endpoint& at : {endpoint("20.0.0.1", 500), endpoint("fd00::1", 4500), endpoint("fe80::1%7", 65535)}) {
    EXPECT_EQ(SocketAddress{at}.endpoint(), at) << at.address.to_string();
  }
}

TEST(SocketAddress, IsNoEndpointBeforeTheKernelWroteOne) {
  EXPECT_EQ(SocketAddress{}.endpoint(), std::nullopt);
}

TEST(SocketAddress, FindsTheLoopbackAmongTheLocalAddresses) {
  const auto all = local_addresses();
  EXPECT_NE(std::ranges::find(all, *net::Address::parse("127.0.0.1")), all.end());
}

/// The port that the kernel chose.
net::Endpoint place_of(const UdpSocket& socket) {
  SocketAddress at;
  EXPECT_EQ(::getsockname(socket.fd(), at.get(), at.length()), 0);
  return at.endpoint().value_or(net::Endpoint{});
}

struct Came {
  net::Endpoint from;
  ByteVector bytes;
};

std::vector<Came> all_that_came(const UdpSocket& socket) {
  pollfd waiting{socket.fd(), POLLIN, 0};
  ::poll(&waiting, 1, 10'000);
  std::vector<Came> came;
  socket.read([&](const net::Endpoint& from, Bytes bytes) { came.push_back({from, {bytes.begin(), bytes.end()}}); });
  return came;
}

TEST(UdpSocket, BringsWhatAnotherSent) {
  const auto here = UdpSocket::bind(endpoint("127.0.0.1", 0), 0), there = UdpSocket::bind(endpoint("127.0.0.1", 0), 0);
  ASSERT_TRUE(here && there);
  const ByteVector one{1, 2, 3}, none{};
  ASSERT_TRUE(here->send(place_of(*there), one));
  ASSERT_TRUE(here->send(place_of(*there), none));
  auto came = all_that_came(*there);
  if (came.size() < 2) std::ranges::move(all_that_came(*there), std::back_inserter(came));
  ASSERT_EQ(came.size(), 2U);
  EXPECT_EQ(came[0].from, place_of(*here));
  EXPECT_EQ(came[0].bytes, one);
  EXPECT_EQ(came[1].bytes, none);
}

TEST(UdpSocket, ReadsNothingWhereNothingCame) {
  const auto socket = UdpSocket::bind(endpoint("127.0.0.1", 0), 0);
  ASSERT_TRUE(socket);
  socket->read([](const net::Endpoint&, Bytes) { FAIL(); });
}

TEST(UdpSocket, SharesItsPortWithNobody) {
  const auto first = UdpSocket::bind(endpoint("127.0.0.1", 0), 0);
  ASSERT_TRUE(first);
  const auto second = UdpSocket::bind(place_of(*first), 0);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().to_string(), "bind: Address already in use");
}

TEST(UdpSocket, SaysWhichCallFailed) {
  const auto nowhere = UdpSocket::bind(endpoint("203.0.113.77", 0), 0);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().to_string(), "bind: Cannot assign requested address");
  const auto socket = UdpSocket::bind(endpoint("127.0.0.1", 0), 0);
  ASSERT_TRUE(socket);
  const auto sent = socket->send(endpoint("127.0.0.1", 9), ByteVector(65508));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().to_string(), "sendto 127.0.0.1: Message too long");
}

}  // namespace
}  // namespace testudo::io
