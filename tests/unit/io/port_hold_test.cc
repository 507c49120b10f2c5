#include "io/port_hold.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace testudo::io {
namespace {

/// What a key daemon opens: a wildcard or loopback socket with one of the two options, or none.
class Socket {
 public:
  Socket(int family, int option, bool loopback = false)
      : family_(family), loopback_(loopback), fd_(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    const int on = 1;
    if (option != 0) ::setsockopt(fd_.get(), SOL_SOCKET, option, &on, sizeof on);
    if (family == AF_INET6) ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  bool bind(std::uint16_t port) { return use_address(port, loopback_, ::bind); }
  bool connect(std::uint16_t port) { return use_address(port, true, ::connect); }
  std::uint16_t port() const {
    sockaddr_in6 at{};
    socklen_t length = sizeof at;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &length);
    return ntohs(at.sin6_port);
  }
  bool send() const { return ::send(fd_.get(), "ike", 3, 0) == 3; }
  bool receive() const {
    std::array<char, 8> room{};
    return ::recv(fd_.get(), room.data(), room.size(), 0) == 3;
  }

 private:
  template <typename Call>
  bool use_address(std::uint16_t port, bool loopback, Call call) {
    if (family_ == AF_INET) {
      sockaddr_in at{};
      at.sin_family = AF_INET;
      at.sin_port = htons(port);
      if (loopback) at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      return call(fd_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    }
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_port = htons(port);
    if (loopback) at.sin6_addr = in6addr_loopback;
    return call(fd_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  }
  int family_;
  bool loopback_;
  Fd fd_;
};

/// A port that was free a moment ago.
std::uint16_t free_port() {
  Socket probe{AF_INET, 0};
  EXPECT_TRUE(probe.bind(0));
  return probe.port();
}

PortHold held(std::uint16_t port) {
  auto hold = PortHold::take(port);
  EXPECT_TRUE(hold);
  return *std::move(hold);
}

TEST(PortHold, WhatArrivesIsCounted) {
  const std::uint16_t port = free_port();
  const PortHold hold = held(port);
  for (const int family : {AF_INET, AF_INET6}) {
    Socket sender{family, 0};
    ASSERT_TRUE(sender.connect(port));
    ASSERT_TRUE(sender.send() && sender.send());
    EXPECT_EQ(hold.drain(), 2U);
  }
  EXPECT_EQ(hold.drain(), 0U);
  EXPECT_FALSE(hold.contested());
}

TEST(PortHold, APortThatSomebodyHasIsNotTaken) {
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int option : {0, SO_REUSEADDR, SO_REUSEPORT}) {
      Socket other{family, option, true};
      ASSERT_TRUE(other.bind(0));
      const auto hold = PortHold::take(other.port());
      ASSERT_FALSE(hold);
      EXPECT_EQ(hold.error().number, EADDRINUSE);
    }
  }
}

TEST(PortHold, AKeyDaemonThatComesLaterGetsTheMessages) {
  struct Way {
    int family, option;
    bool loopback;
  };
  for (const Way& way :
       {Way{AF_INET, SO_REUSEADDR, false}, Way{AF_INET, SO_REUSEPORT, false}, Way{AF_INET, SO_REUSEADDR, true},
        Way{AF_INET6, SO_REUSEADDR, false}, Way{AF_INET6, SO_REUSEPORT, true}}) {
    const std::uint16_t port = free_port();
    const PortHold hold = held(port);
    Socket daemon{way.family, way.option, way.loopback};
    ASSERT_TRUE(daemon.bind(port));
    Socket sender{way.family, 0};
    ASSERT_TRUE(sender.connect(port));
    ASSERT_TRUE(sender.send());
    EXPECT_TRUE(daemon.receive()) << "family " << way.family << " option " << way.option;
    EXPECT_EQ(hold.drain(), 0U);
    EXPECT_TRUE(hold.contested());
  }
}

TEST(PortHold, AKeyDaemonThatTheKernelRanksBehindIsSeen) {
  const std::uint16_t port = free_port();
  const PortHold hold = held(port);
  Socket daemon{AF_INET6, SO_REUSEPORT};
  ASSERT_TRUE(daemon.bind(port));
  EXPECT_TRUE(hold.contested());
}

}  // namespace
}  // namespace testudo::io
