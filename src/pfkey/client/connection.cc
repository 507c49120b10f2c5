#include "pfkey/client/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

namespace testudo::pfkey::client {
namespace {

/// sadb_msg_len counts words of 8 bytes in 16 bits.
constexpr std::size_t kLongestMessage = 0xffff * 8;

std::string because(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

std::string cannot_connect(const std::string& path) {
  if (errno == ENOENT)
    return path + ": no such socket; is testudod running? (--run-dir or TESTUDO_RUN names another place)";
  if (errno == ECONNREFUSED) return path + ": nobody listens there; testudod has ended without taking its socket away";
  if (errno == EACCES || errno == EPERM) return path + ": permission denied; are you root?";
  return because(path);
}

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  return address;
}

int milliseconds_of(std::optional<std::chrono::milliseconds> timeout) {
  if (!timeout) return -1;
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(timeout->count(), 0, 1'000'000'000));
}

/// True when something can be read.
Result<bool, std::string> readable(int descriptor, std::optional<std::chrono::milliseconds> timeout) {
  pollfd wait{descriptor, POLLIN, 0};
  for (;;) {
    const int ready = ::poll(&wait, 1, milliseconds_of(timeout));
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return Failure{because("waiting for testudod")};
    if (timeout) return false;
  }
}

}  // namespace

std::string run_dir(std::string_view argument) {
  if (!argument.empty()) return std::string{argument};
  const char* from_environment = std::getenv("TESTUDO_RUN");
  if (from_environment != nullptr && *from_environment != '\0') return from_environment;
  return "/run/testudo";
}

Result<Connection, std::string> Connection::open(const std::string& run_dir) {
  const std::string path = run_dir + "/pfkey.sock";
  const auto address = address_of(path);
  if (!address) return Failure{path + ": too long for the name of a socket"};
  Connection connection{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (connection.descriptor_ < 0) return Failure{because("socket")};
  // The socket interface takes every kind of address as a sockaddr.
  const auto* generic = reinterpret_cast<const sockaddr*>(&*address);  // NOLINT(*-reinterpret-cast)
  if (::connect(connection.descriptor_, generic, sizeof *address) != 0) return Failure{cannot_connect(path)};
  return connection;
}

Connection::Connection(Connection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), room_(std::move(other.room_)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(room_, other.room_);
  return *this;
}

Connection::~Connection() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status<std::string> Connection::send(const wire::pfkey::Message& message) {
  ByteVector bytes = wire::pfkey::compose(message);
  const WipeAtEnd wiping{bytes};
  if (bytes.empty()) return Failure{std::string{"the message is too long for PF_KEY"}};
  return send(Bytes{bytes});
}

Status<std::string> Connection::send(Bytes message) {
  for (;;) {
    const ssize_t sent = ::send(descriptor_, message.data(), message.size(), MSG_NOSIGNAL);
    if (sent >= 0) return Done{};
    if (errno == EPIPE || errno == ECONNRESET) return Failure{std::string{"testudod has closed the connection"}};
    if (errno != EINTR) return Failure{because("sending to testudod")};
  }
}

std::size_t Connection::set_buffers(std::size_t bytes) {
  const int wanted = static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max() / 2));
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const auto& [forced, usual] : {std::pair{SO_SNDBUFFORCE, SO_SNDBUF}, std::pair{SO_RCVBUFFORCE, SO_RCVBUF}}) {
    // As root, else within net.core.[rw]mem_max.
    if (::setsockopt(descriptor_, SOL_SOCKET, forced, &wanted, sizeof wanted) != 0)
      static_cast<void>(::setsockopt(descriptor_, SOL_SOCKET, usual, &wanted, sizeof wanted));
    int granted = 0;
    socklen_t length = sizeof granted;
    if (::getsockopt(descriptor_, SOL_SOCKET, usual, &granted, &length) != 0) return 0;
    // The kernel tells twice what it was asked for, for what it notes beside: socket(7).
    least = std::min(least, static_cast<std::size_t>(granted) / 2);
  }
  return least;
}

Result<std::optional<ByteVector>, std::string> Connection::receive(std::optional<std::chrono::milliseconds> timeout) {
  if (room_.empty()) room_.resize(kLongestMessage);
  for (;;) {
    // First without waiting: in a dump the next message is there already.
    const ssize_t got = ::recv(descriptor_, room_.data(), room_.size(), MSG_DONTWAIT);
    if (got > 0) {
      std::optional message{ByteVector(room_.begin(), room_.begin() + got)};
      wipe(MutableBytes{room_}.first(static_cast<std::size_t>(got)));
      return message;
    }
    if (got == 0) return Failure{std::string{"testudod has closed the connection"}};
    if (errno != EAGAIN && errno != EINTR) return Failure{because("receiving from testudod")};
    TRY(const bool ready, readable(descriptor_, timeout));
    if (!ready) return std::optional<ByteVector>{};
  }
}

}  // namespace testudo::pfkey::client
