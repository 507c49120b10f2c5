// pfkey_open() and what goes through it: whole messages, of any length.
#include <libpfkey.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "error.h"
#include "pfkey/client/connection.h"

namespace {

using namespace testudo;
using pfkey::IpsecError;

constexpr std::size_t kWord = 8;  // what sadb_msg_len counts
constexpr int kKib = 1024, kLeastSendBuffer = 128, kReceiveBuffer = 2048;

int refuse(IpsecError error) {
  libipsec::set_error(error);
  return -1;
}

/// The kernel halves what is too much, as it answers with what it gives.
int set_buffer(int so, int option, int kib) {
  for (int size = kib * kKib; size >= kKib; size /= 2) {
    if (::setsockopt(so, SOL_SOCKET, option, &size, sizeof size) == 0) break;
  }
  int given = 0;
  socklen_t length = sizeof given;
  if (::getsockopt(so, SOL_SOCKET, option, &given, &length) != 0) return refuse(IpsecError::System);
  return given / 2 / kKib;  // Linux reports twice what it was asked for: its own records are in it
}

/// Length of the message that waits, without taking it; negative when there is none to come.
ssize_t waiting(int so) {
  ssize_t got = 0;
  do {
    got = ::recv(so, nullptr, 0, MSG_PEEK | MSG_TRUNC);
  } while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace

const int libipsec_opt = LIBIPSEC_OPT_NATT | LIBIPSEC_OPT_FRAG;

int pfkey_open() {
  auto connection = pfkey::client::Connection::open(pfkey::client::run_dir({}));
  if (!connection) return refuse(IpsecError::System);
  const int so = connection->release();
  set_buffer(so, SO_SNDBUF, kLeastSendBuffer);
  set_buffer(so, SO_RCVBUF, kReceiveBuffer);
  libipsec::set_error(IpsecError::None);
  return so;
}

void pfkey_close(int so) {
  ::close(so);
  libipsec::set_error(IpsecError::None);
}

int pfkey_set_buffer_size(int so, int kib) {
  const int least = std::max(kib, 1);
  if (set_buffer(so, SO_SNDBUF, std::max(least, kLeastSendBuffer)) < 0) return -1;
  const int given = set_buffer(so, SO_RCVBUF, least);
  if (given >= 0) libipsec::set_error(IpsecError::None);
  return given;
}

int pfkey_send(int so, sadb_msg* message, int length) {
  if (message == nullptr || length < 0) return refuse(IpsecError::InvalidArgument);
  ssize_t sent = 0;
  do {
    sent = ::send(so, message, static_cast<std::size_t>(length), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return refuse(IpsecError::System);
  libipsec::set_error(IpsecError::None);
  return static_cast<int>(sent);
}

sadb_msg* pfkey_recv(int so) {
  const ssize_t length = waiting(so);
  if (length <= 0) {
    if (length == 0) errno = ECONNRESET;
    refuse(IpsecError::System);
    return nullptr;
  }
  const auto room = std::max(static_cast<std::size_t>(length), sizeof(sadb_msg));
  void* bytes = std::calloc(1, room);  // NOLINT: of the C interface
  if (bytes == nullptr) {
    refuse(IpsecError::NoBuffers);
    return nullptr;
  }
  auto* message = static_cast<sadb_msg*>(bytes);
  const ssize_t got = ::recv(so, bytes, room, 0);
  const bool whole =
      got >= static_cast<ssize_t>(sizeof(sadb_msg)) && static_cast<std::size_t>(got) == message->sadb_msg_len * kWord;
  if (!whole) {
    refuse(got < 0 ? IpsecError::System : IpsecError::InvalidMessage);
    std::free(bytes);  // NOLINT
    return nullptr;
  }
  libipsec::set_error(IpsecError::None);
  return message;
}
