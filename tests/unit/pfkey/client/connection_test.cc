// A connection against a socket that the test itself listens on.
#include "pfkey/client/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace testudo::pfkey::client {
namespace {

using std::chrono::milliseconds;

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() {
    char name[] = "/tmp/testudo-pfkey-XXXXXX";
    const char* made = ::mkdtemp(name);
    EXPECT_NE(made, nullptr);
    dir = name;
  }
  ~ConnectionTest() override {
    for (const int fd : {peer, listener})
      if (fd >= 0) ::close(fd);
    std::filesystem::remove_all(dir);
  }

  void listen() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = dir + "/pfkey.sock";
    std::memcpy(address.sun_path, path.data(), path.size());
    listener = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
    ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);  // NOLINT
    ASSERT_EQ(::listen(listener, 1), 0);
  }
  Connection connected() {
    listen();
    auto connection = Connection::open(dir);
    EXPECT_TRUE(connection) << connection.error();
    peer = ::accept(listener, nullptr, nullptr);
    return *std::move(connection);
  }
  std::string refused() {
    const auto connection = Connection::open(dir);
    EXPECT_FALSE(connection);
    return connection ? "" : connection.error();
  }

  std::string dir;
  int listener = -1, peer = -1;
};

TEST_F(ConnectionTest, SaysHowMuchRoomItGot) {
  Connection connection = connected();
  constexpr std::size_t kUsual = 64 * 1024;  // less than any system's limit
  EXPECT_EQ(connection.set_buffers(kUsual), kUsual);
  for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
    int granted = 0;
    socklen_t length = sizeof granted;
    ASSERT_EQ(::getsockopt(connection.descriptor(), SOL_SOCKET, option, &granted, &length), 0);
    EXPECT_EQ(static_cast<std::size_t>(granted), 2 * kUsual);
  }
  EXPECT_NE(connection.set_buffers(1), 1U) << "there is a least";
}

TEST_F(ConnectionTest, AMessageArrivesAsItWasComposed) {
  Connection connection = connected();
  wire::pfkey::Message m;
  m.type = wire::pfkey::Type::Dump;
  ASSERT_TRUE(connection.send(m));
  std::array<std::uint8_t, 64> buffer{};
  ASSERT_EQ(::recv(peer, buffer.data(), buffer.size(), 0), 16);
  EXPECT_EQ(ByteVector(buffer.begin(), buffer.begin() + 16), wire::pfkey::compose(m));
}

TEST_F(ConnectionTest, MessagesOfAnySizeAreReadWholeAndOneByOne) {
  Connection connection = connected();
  for (const std::size_t size : {16U, 24U, 8192U, 100000U}) {
    const ByteVector sent(size, static_cast<std::uint8_t>(size));
    ASSERT_EQ(::send(peer, sent.data(), sent.size(), 0), static_cast<ssize_t>(size));
  }
  for (const std::size_t size : {16U, 24U, 8192U, 100000U}) {
    const auto got = connection.receive(milliseconds{1000});
    ASSERT_TRUE(got && *got);
    EXPECT_EQ(**got, ByteVector(size, static_cast<std::uint8_t>(size)));
  }
}

TEST_F(ConnectionTest, NothingInTimeIsNoError) {
  Connection connection = connected();
  const auto got = connection.receive(milliseconds{1});
  ASSERT_TRUE(got);
  EXPECT_FALSE(*got);
}

TEST_F(ConnectionTest, ADaemonThatWentAwayIsSaid) {
  Connection connection = connected();
  ::close(peer);
  peer = -1;
  const auto got = connection.receive(milliseconds{1000});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), "testudod has closed the connection");
  const auto sent = connection.send(wire::pfkey::Message{});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error(), "testudod has closed the connection");
}

TEST_F(ConnectionTest, ADaemonThatDoesNotRunIsAskedFor) {
  const std::string words = refused();
  EXPECT_NE(words.find(dir + "/pfkey.sock"), std::string::npos) << words;
  EXPECT_NE(words.find("is testudod running?"), std::string::npos) << words;
}

TEST_F(ConnectionTest, ASocketLeftBehindIsToldFromNone) {
  listen();
  ::close(listener);
  listener = -1;
  EXPECT_NE(refused().find("nobody listens there"), std::string::npos);
}

TEST_F(ConnectionTest, ANameTooLongForASocketIsSaid) {
  const auto connection = Connection::open(std::string(200, 'x'));
  ASSERT_FALSE(connection);
  EXPECT_NE(connection.error().find("too long"), std::string::npos);
}

TEST_F(ConnectionTest, AMessageTooLongIsNotSent) {
  Connection connection = connected();
  wire::pfkey::Message m;
  m.policy = wire::pfkey::PolicyExt{};
  m.policy->requests.resize(40000);
  EXPECT_FALSE(connection.send(m));
}

TEST_F(ConnectionTest, AMovedConnectionIsClosedOnce) {
  Connection first = connected();
  const int descriptor = first.descriptor();
  Connection second = std::move(first);
  EXPECT_EQ(second.descriptor(), descriptor);
  Connection third = std::move(second);
  EXPECT_TRUE(third.send(wire::pfkey::Message{}));
}

TEST(RunDir, IsTheArgumentThenTheEnvironmentThenTheDefault) {
  ::unsetenv("TESTUDO_RUN");
  EXPECT_EQ(run_dir(""), "/run/testudo");
  ::setenv("TESTUDO_RUN", "/run/left", 1);
  EXPECT_EQ(run_dir(""), "/run/left");
  EXPECT_EQ(run_dir("/run/right"), "/run/right");
  ::setenv("TESTUDO_RUN", "", 1);
  EXPECT_EQ(run_dir(""), "/run/testudo");
  ::unsetenv("TESTUDO_RUN");
}

}  // namespace
}  // namespace testudo::pfkey::client
