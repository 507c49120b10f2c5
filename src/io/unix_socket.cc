#include "io/unix_socket.h"

#include <linux/capability.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace testudo::io {
namespace {

constexpr int kQueue = 1 << 20;

Result<sockaddr_un, SystemError> address_of(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path) return Failure{SystemError{path, ENAMETOOLONG}};
  path.copy(at.sun_path, path.size());
  return at;
}

Fd open_socket(int flags) {
  Fd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0)};
  if (fd) ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kQueue, sizeof kQueue);
  return fd;
}

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// A user namespace of one's own gives all capabilities in it, and none outside; its map of user ids tells it apart.
bool in_our_user_namespace(pid_t process) {
  const std::string map = text_of("/proc/" + std::to_string(process) + "/uid_map");
  return !map.empty() && map == text_of("/proc/self/uid_map");
}

bool has_net_admin(pid_t process) {
  if (!in_our_user_namespace(process)) return false;
  std::ifstream status{"/proc/" + std::to_string(process) + "/status"};
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    const auto effective = std::strtoull(line.c_str() + 7, nullptr, 16);
    return (effective >> CAP_NET_ADMIN & 1U) != 0;
  }
  return false;
}

}  // namespace

Result<SeqPacket, SystemError> SeqPacket::connect(const std::string& path) {
  TRY(const sockaddr_un at, address_of(path));
  Fd fd = open_socket(0);
  if (!fd) return last_error("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return last_error(path);
  return SeqPacket{std::move(fd)};
}

Result<std::pair<SeqPacket, SeqPacket>, SystemError> SeqPacket::pair() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return last_error("socketpair");
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUFFORCE, &kQueue, sizeof kQueue);
  return std::pair{SeqPacket{Fd{ends[0]}}, SeqPacket{Fd{ends[1]}}};
}

SeqPacket::Sent SeqPacket::send(Bytes message) const {
  if (::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL) >= 0) return Sent::Whole;
  return errno == EAGAIN || errno == ENOBUFS ? Sent::WouldBlock : Sent::Broken;
}

SeqPacket::Sent SeqPacket::send_with_descriptor(Bytes message, int descriptor) const {
  // The kernel only reads it.
  iovec part{const_cast<std::uint8_t*>(message.data()), message.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> room{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (descriptor >= 0) {
    header.msg_control = room.data();
    header.msg_controllen = room.size();
    cmsghdr* const control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(control), &descriptor, sizeof descriptor);
  }
  if (::sendmsg(fd_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return Sent::Whole;
  return errno == EAGAIN || errno == ENOBUFS ? Sent::WouldBlock : Sent::Broken;
}

std::optional<ByteVector> SeqPacket::receive() const {
  return receive(MSG_DONTWAIT);
}

std::optional<ByteVector> SeqPacket::wait_and_receive() const {
  return receive(0);
}

std::optional<ByteVector> SeqPacket::receive(int flags) const {
  std::uint8_t probe = 0;
  ssize_t length = 0;
  // MSG_TRUNC tells the length of the whole message without taking it.
  do {
    length = ::recv(fd_.get(), &probe, 1, MSG_PEEK | MSG_TRUNC | flags);
  } while (length < 0 && errno == EINTR);
  if (length < 0 && errno == EAGAIN) return ByteVector{};
  if (length <= 0) return std::nullopt;
  ByteVector message(static_cast<std::size_t>(length));
  if (::recv(fd_.get(), message.data(), message.size(), flags) != length) return std::nullopt;
  return message;
}

std::optional<SeqPacket::WithDescriptor> SeqPacket::receive_with_descriptor(std::size_t most) const {
  WithDescriptor got;
  got.message.resize(most);
  iovec part{got.message.data(), got.message.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> room{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room.data();
  // Not the padded size, in which a second descriptor has room: the kernel would give us that one, too, for ever.
  header.msg_controllen = CMSG_LEN(sizeof(int));
  const ssize_t length = ::recvmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0 && errno != EAGAIN && errno != EINTR) return std::nullopt;
  const cmsghdr* control = CMSG_FIRSTHDR(&header);
  if (length >= 0 && control != nullptr && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS &&
      control->cmsg_len == CMSG_LEN(sizeof(int))) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(control), sizeof number);
    got.descriptor = Fd{number};
  }
  if (length == 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return std::nullopt;
  got.message.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  return got;
}

unsigned SeqPacket::peer_uid() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  // Where the kernel does not say, it is nobody.
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.uid : ~0U;
}

bool SeqPacket::peer_is_privileged() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  // Whoever this process belongs to could do to it whatever it likes.
  return peer.uid == 0 || peer.uid == ::geteuid() || has_net_admin(peer.pid);
}

Result<SeqPacketListener, SystemError> SeqPacketListener::listen(const std::string& path, unsigned mode) {
  TRY(const sockaddr_un at, address_of(path));
  Fd fd = open_socket(SOCK_NONBLOCK);
  if (!fd) return last_error("socket");
  ::unlink(path.c_str());
  // Nobody may connect between bind and chmod: the file is born without permissions.
  const mode_t before = ::umask(0777);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
  ::umask(before);
  if (bound != 0) return last_error("bind " + path);
  if (::chmod(path.c_str(), mode) != 0) return last_error("chmod " + path);
  if (::listen(fd.get(), SOMAXCONN) != 0) return last_error("listen on " + path);
  return SeqPacketListener{std::move(fd), path};
}

Result<SeqPacketListener, SystemError> SeqPacketListener::listen_by_name(const std::string& name) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  // Behind a zero byte; all that is within the length belongs to the name.
  if (name.size() + 1 > sizeof at.sun_path) return Failure{SystemError{name, ENAMETOOLONG}};
  name.copy(&at.sun_path[1], name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  Fd fd = open_socket(SOCK_NONBLOCK);
  if (!fd) return last_error("socket");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), length) != 0) return last_error("bind @" + name);
  if (::listen(fd.get(), SOMAXCONN) != 0) return last_error("listen on @" + name);
  return SeqPacketListener{std::move(fd), ""};
}

SeqPacketListener::~SeqPacketListener() {
  if (fd_ && !path_.empty()) ::unlink(path_.c_str());
}

std::optional<SeqPacket> SeqPacketListener::accept() const {
  Fd fd{::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!fd) return std::nullopt;
  // As much as may be: without CAP_NET_ADMIN that is what net.core.wmem_max says.
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kQueue, sizeof kQueue) != 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kQueue, sizeof kQueue);
  }
  return SeqPacket{std::move(fd)};
}

}  // namespace testudo::io
