#include "io/unix_socket.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

namespace testudo::io {
namespace {

class UnixSocket : public ::testing::Test {
 protected:
  UnixSocket() {
    std::string pattern = ::testing::TempDir() + "testudo-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/s.sock";
  }
  ~UnixSocket() override { ::rmdir(directory_.c_str()); }

  std::string directory_, path_;
};

TEST_F(UnixSocket, KeepsMessagesApartAndWhole) {
  const auto listener = SeqPacketListener::listen(path_, 0600);
  ASSERT_TRUE(listener) << listener.error().to_string();
  const auto client = SeqPacket::connect(path_);
  ASSERT_TRUE(client);
  const auto server = listener->accept();
  ASSERT_TRUE(server);
  const ByteVector large(100000, 7);
  EXPECT_EQ(client->send(large), SeqPacket::Sent::Whole);
  EXPECT_EQ(client->send(as_bytes("two")), SeqPacket::Sent::Whole);
  EXPECT_EQ(server->receive(), large);
  EXPECT_EQ(server->receive()->size(), 3U);
  EXPECT_TRUE(server->receive()->empty()) << "nothing waits";
}

/// A connection to a name of the network namespace, which has no file; closed when there is none.
Fd connected_by_name(const std::string& name) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  name.copy(&at.sun_path[1], name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  Fd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), length) == 0 ? std::move(fd) : Fd{};
}

TEST_F(UnixSocket, ListensByANameWithoutAFileAsLongAsItLives) {
  {
    const auto listener = SeqPacketListener::listen_by_name(path_);
    ASSERT_TRUE(listener) << listener.error().to_string();
    EXPECT_FALSE(std::filesystem::exists(path_));
    const Fd client = connected_by_name(path_);
    ASSERT_TRUE(client);
    const auto server = listener->accept();
    ASSERT_TRUE(server);
    EXPECT_EQ(server->peer_uid(), ::getuid());
    EXPECT_EQ(server->send(as_bytes("hello")), SeqPacket::Sent::Whole);
    char got[8]{};
    EXPECT_EQ(::recv(client.get(), got, sizeof got, 0), 5);
    const auto second = SeqPacketListener::listen_by_name(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().number, EADDRINUSE);
    EXPECT_FALSE(connected_by_name(path_ + "x"));
    EXPECT_FALSE(SeqPacket::connect(path_)) << "a path is something else";
  }
  EXPECT_FALSE(connected_by_name(path_));
  const auto long_one = SeqPacketListener::listen_by_name(std::string(108, 'n'));
  ASSERT_FALSE(long_one);
  EXPECT_EQ(long_one.error().number, ENAMETOOLONG);
  EXPECT_TRUE(SeqPacketListener::listen_by_name(path_ + std::string(107 - path_.size(), 'n')));
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
}

void send_descriptors(const SeqPacket& to, const std::vector<int>& descriptors) {
  char byte = 'x';
  iovec part{&byte, 1};
  const std::size_t size = descriptors.size() * sizeof(int);
  std::vector<std::uint64_t> room(CMSG_SPACE(size) / sizeof(std::uint64_t));
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room.data();
  header.msg_controllen = CMSG_SPACE(size);
  cmsghdr* control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(control), descriptors.data(), size);
  ASSERT_EQ(::sendmsg(to.fd(), &header, 0), 1);
}

TEST_F(UnixSocket, TakesOneDescriptorAndKeepsNoneOfMore) {
  const auto listener = SeqPacketListener::listen(path_, 0600);
  const auto client = SeqPacket::connect(path_);
  const auto server = listener->accept();
  const std::ptrdiff_t before = open_descriptors();
  {
    send_descriptors(*client, {0});
    const auto got = server->receive_with_descriptor(100);
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->descriptor);
    EXPECT_EQ(open_descriptors(), before + 1);
  }
  for (const std::size_t count : {2U, 3U, 100U}) {
    send_descriptors(*client, std::vector<int>(count));
    EXPECT_FALSE(server->receive_with_descriptor(100)) << count;
    EXPECT_EQ(open_descriptors(), before) << count;
  }
}

TEST_F(UnixSocket, TellsWhenThePeerIsGone) {
  const auto listener = SeqPacketListener::listen(path_, 0600);
  auto client = SeqPacket::connect(path_);
  const auto server = listener->accept();
  client = SeqPacket{Fd{}};
  EXPECT_EQ(server->receive(), std::nullopt);
}

TEST_F(UnixSocket, TellsWhenTheQueueIsFull) {
  const auto listener = SeqPacketListener::listen(path_, 0600);
  const auto client = SeqPacket::connect(path_);
  const auto server = listener->accept();
  const ByteVector block(60000);
  int sent = 0;
  while (server->send(block) == SeqPacket::Sent::Whole) ++sent;
  EXPECT_GT(sent, 0);
  EXPECT_EQ(server->send(block), SeqPacket::Sent::WouldBlock);
}

TEST_F(UnixSocket, HasTheModeAskedForAndGoesAway) {
  {
    const auto listener = SeqPacketListener::listen(path_, 0640);
    struct stat found {};
    ASSERT_EQ(::stat(path_.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0640U);
  }
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(UnixSocket, RefusesANameThatDoesNotFit) {
  const auto listener = SeqPacketListener::listen(std::string(200, 'x'), 0600);
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().number, ENAMETOOLONG);
}

TEST_F(UnixSocket, TheSuperUserIsPrivileged) {
  const auto listener = SeqPacketListener::listen(path_, 0600);
  const auto client = SeqPacket::connect(path_);
  const auto server = listener->accept();
  if (::geteuid() == 0) {
    EXPECT_TRUE(server->peer_is_privileged());
  }
}

/// As if the peer had been started by user 65534, in a user namespace of its own or not.
bool stranger_is_privileged(const std::string& path, const SeqPacketListener& listener, bool own_namespace) {
  int done[2] = {};
  EXPECT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool ready = ::setresuid(65534, 65534, 65534) == 0 && (!own_namespace || ::unshare(CLONE_NEWUSER) == 0);
    const auto client = SeqPacket::connect(path);
    char byte = 0;
    ::close(done[1]);
    (void)!::read(done[0], &byte, 1);  // until the test has looked
    ::_exit(ready && client ? 0 : 1);
  }
  std::optional<SeqPacket> server;
  int status = 0;
  while (!server && ::waitpid(child, &status, WNOHANG) == 0) server = listener.accept();
  const bool privileged = server && server->peer_is_privileged();
  ::close(done[0]);
  ::close(done[1]);
  if (server) ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return privileged;
}

TEST_F(UnixSocket, TheCapabilitiesOfAnotherUserNamespaceAreWorthNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  const auto listener = SeqPacketListener::listen(path_, 0666);
  ASSERT_TRUE(listener);
  ::chmod(directory_.c_str(), 0755);
  EXPECT_FALSE(stranger_is_privileged(path_, *listener, false));
  EXPECT_FALSE(stranger_is_privileged(path_, *listener, true));
}

}  // namespace
}  // namespace testudo::io
