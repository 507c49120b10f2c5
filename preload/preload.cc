// libtestudo-preload: programs written for a kernel with IPsec, unchanged.  socket(PF_KEY, …) becomes a connection to
// testudod; setsockopt() and getsockopt() of IP_IPSEC_POLICY, IPV6_IPSEC_POLICY and UDP_ENCAP go to testudod with
// the socket itself beside them (wire/socket_request.h); everything else is the C library's.  Keeps nothing: what a
// socket has lives in the kernel's socket, so that dup, fork, exec and SCM_RIGHTS need no help.  No allocation, no
// lock, no output; any thread.
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace {

// The numbers of the system that the program was written for: Linux's, and NetBSD's.
constexpr int kIpPolicy = 16, kIpv6Policy = 34, kBsdIpPolicy = 22, kBsdIpv6Policy = 28;
constexpr int kPfKey = 15, kPfKeyV2 = 2;
constexpr std::uint16_t kPolicyExtension = 18;  // SADB_X_EXT_POLICY
constexpr std::size_t kHeader = 16, kMost = 2048;
constexpr int kUdpEncap = 100, kEspInUdp = 2;  // UDP_ENCAP; its values 1 and 2 are ESP
constexpr std::uint8_t kVersion = 1, kGet = 1, kSet = 2, kLevelIp = 4, kLevelIpv6 = 6, kLevelUdp = 17;
constexpr timeval kPatience{20, 0};

using SocketCall = int (*)(int, int, int);
using SetOption = int (*)(int, int, int, const void*, socklen_t);
using GetOption = int (*)(int, int, int, void*, socklen_t*);

constinit std::atomic<void*> next_socket{nullptr}, next_set{nullptr}, next_get{nullptr};

/// The function that the program would have called without us.
template <typename Function>
Function next(std::atomic<void*>& cache, const char* name) {
  void* found = cache.load(std::memory_order_relaxed);
  if (found == nullptr) {
    found = ::dlsym(RTLD_NEXT, name);
    cache.store(found, std::memory_order_relaxed);
  }
  return reinterpret_cast<Function>(found);  // NOLINT(*-reinterpret-cast): dlsym knows no functions
}

int real_socket(int domain, int type, int protocol) {
  return next<SocketCall>(next_socket, "socket")(domain, type, protocol);
}

int refuse(int error) {
  errno = error;
  return -1;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    const int kept = errno;
    if (number_ >= 0) ::close(number_);
    errno = kept;
  }
  int get() const { return number_; }
  int release() {
    const int number = number_;
    number_ = -1;
    return number;
  }

 private:
  int number_;
};

const char* run_dir() {
  const char* named = ::secure_getenv("TESTUDO_RUN");
  return named != nullptr && *named != '\0' ? named : "/run/testudo";
}

enum class Kind : std::uint8_t { Path, Name };

/// A connection to one of testudod's sockets, or -1 with errno.
int connect_to(const char* file, int flags, Kind kind = Kind::Path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const char* directory = run_dir();
  const std::size_t length = std::strlen(directory), more = std::strlen(file) + 1;
  if (length + more >= sizeof address.sun_path) return refuse(ENAMETOOLONG);
  char* const text = &address.sun_path[kind == Kind::Name ? 1 : 0];  // a name stands behind a zero byte
  std::memcpy(text, directory, length);
  std::memcpy(text + length, file, more);
  // A path ends with a zero byte, a name with the length.
  const std::size_t whole = offsetof(sockaddr_un, sun_path) + length + more;
  Descriptor connection{real_socket(AF_UNIX, SOCK_SEQPACKET | flags, 0)};
  if (connection.get() < 0) return -1;
  int done = 0;
  do {
    // The socket interface takes every kind of address as a sockaddr.
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT(*-reinterpret-cast)
    done = ::connect(connection.get(), generic, static_cast<socklen_t>(whole));
  } while (done != 0 && errno == EINTR);
  return done == 0 ? connection.release() : -1;
}

/// For who has another root by now, as key daemons that drop their privileges have: a name of the network namespace,
/// which anybody may take while no testudod has it.  So it must be root's: our socket goes there.
int connect_by_name(const char* file) {
  Descriptor connection{connect_to(file, SOCK_CLOEXEC, Kind::Name)};
  ucred peer{};
  socklen_t size = sizeof peer;
  const auto get = next<GetOption>(next_get, "getsockopt");
  const bool known = connection.get() >= 0 && get(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  return known && peer.uid == 0 ? connection.release() : refuse(ENOENT);
}

/// The one for options of sockets, or -1 with errno.
int connect_for_options() {
  const int connection = connect_to("/socket.sock", SOCK_CLOEXEC);
  const bool hidden = connection < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES);
  return hidden ? connect_by_name("/socket.sock") : connection;
}

int open_pf_key(int type) {
  const int connection = connect_to("/pfkey.sock", type & SOCK_CLOEXEC);
  if (connection < 0) {
    const bool forbidden = errno == EACCES || errno == EPERM;
    const bool our_own = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
    // A kernel without PF_KEY says EAFNOSUPPORT.
    return our_own ? -1 : refuse(forbidden ? EPERM : EAFNOSUPPORT);
  }
  // Only now: connecting itself may have to wait its turn.
  if ((type & SOCK_NONBLOCK) != 0) {
    int yes = 1;
    static_cast<void>(::ioctl(connection, FIONBIO, &yes));
  }
  return connection;
}

struct Request {
  std::uint8_t what, level;
  std::span<const std::uint8_t> policy;
};

bool send_with(int connection, int socket, const Request& request) {
  std::array<std::uint8_t, 4> header{kVersion, request.what, request.level, 0};
  std::array<iovec, 2> parts{iovec{header.data(), header.size()},
                             iovec{const_cast<std::uint8_t*>(request.policy.data()), request.policy.size()}};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(control), &socket, sizeof socket);
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(connection, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

using Reply = std::array<std::uint8_t, 4 + kMost>;

/// Bytes of policy in the reply, or -1 with the errno of the option.
ssize_t ask(int socket, const Request& request, Reply& reply) {
  const Descriptor connection{connect_for_options()};
  // As from a kernel without IPsec: nobody is there who could do it.
  if (connection.get() < 0) return refuse(errno == EMFILE || errno == ENFILE ? errno : ENOPROTOOPT);
  const auto set = next<SetOption>(next_set, "setsockopt");
  static_cast<void>(set(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience));
  if (!send_with(connection.get(), socket, request)) return refuse(errno == EBADF || errno == EFAULT ? errno : ENOPROTOOPT);
  ssize_t got = 0;
  do {
    got = ::recv(connection.get(), reply.data(), reply.size(), 0);
  } while (got < 0 && errno == EINTR);
  std::uint32_t error = 0;
  if (got < static_cast<ssize_t>(sizeof error)) return refuse(ENOPROTOOPT);
  std::memcpy(&error, reply.data(), sizeof error);
  return error == 0 ? got - static_cast<ssize_t>(sizeof error) : refuse(static_cast<int>(error));
}

/// A number that means something else here is only taken with a policy behind it.
bool starts_like_policy(const void* value, socklen_t length) {
  if (value == nullptr || length < kHeader || length % 8 != 0) return false;
  std::uint16_t type = 0;
  std::memcpy(&type, static_cast<const std::uint8_t*>(value) + 2, sizeof type);
  return type == kPolicyExtension;
}

/// 0 for an option that is not ours.
std::uint8_t level_of(int level, int name, const void* value, socklen_t length) {
  if (level == IPPROTO_IP) {
    if (name == kIpPolicy) return kLevelIp;
    return name == kBsdIpPolicy && starts_like_policy(value, length) ? kLevelIp : std::uint8_t{0};
  }
  if (level == IPPROTO_IPV6) {
    if (name == kIpv6Policy) return kLevelIpv6;
    return name == kBsdIpv6Policy && starts_like_policy(value, length) ? kLevelIpv6 : std::uint8_t{0};
  }
  return 0;
}

int set_policy(int socket, std::uint8_t level, const void* value, socklen_t length) {
  if (value == nullptr || length < kHeader || length > kMost) return refuse(EINVAL);
  Reply reply;
  const std::span policy{static_cast<const std::uint8_t*>(value), length};
  const int kept = errno;
  if (ask(socket, {kSet, level, policy}, reply) < 0) return -1;
  errno = kept;
  return 0;
}

/// The direction stands in what the caller's buffer holds.  Nothing is written beyond its length, or on failure.
int get_policy(int socket, std::uint8_t level, void* value, socklen_t* length) {
  if (length == nullptr || value == nullptr) return refuse(EFAULT);
  if (*length < kHeader) return refuse(EINVAL);
  Reply reply;
  const std::span header{static_cast<const std::uint8_t*>(value), kHeader};
  const int kept = errno;
  const ssize_t got = ask(socket, {kGet, level, header}, reply);
  if (got < 0) return -1;
  const auto size = static_cast<socklen_t>(got);
  if (size > *length) return refuse(EINVAL);
  std::memcpy(value, reply.data() + 4, size);
  *length = size;
  errno = kept;
  return 0;
}

/// Values that are not ESP's are the kernel's, and so is what it had before.
int set_encapsulation(int socket, const void* value, socklen_t length) {
  const auto kernel = [&] {
    return next<SetOption>(next_set, "setsockopt")(socket, IPPROTO_UDP, kUdpEncap, value, length);
  };
  int form = 0;
  if (value == nullptr || length < sizeof form) return kernel();
  std::memcpy(&form, value, sizeof form);
  if (form < 0 || form > kEspInUdp) return kernel();
  const int off = form == 0 ? kernel() : -1;
  const int kept = errno;
  Reply reply;
  const std::span bytes{static_cast<const std::uint8_t*>(value), sizeof form};
  const bool done = ask(socket, {kSet, kLevelUdp, bytes}, reply) >= 0;
  if (!done && form != 0) return -1;
  errno = kept;
  return done ? 0 : off;
}

int get_encapsulation(int socket, void* value, socklen_t* length) {
  const int done = next<GetOption>(next_get, "getsockopt")(socket, IPPROTO_UDP, kUdpEncap, value, length);
  const int kept = errno;
  int form = 0;
  if (value == nullptr || length == nullptr || *length > INT_MAX) return done;
  if (done == 0) std::memcpy(&form, value, *length < sizeof form ? *length : sizeof form);
  if (form != 0) return done;
  Reply reply;
  const bool known = ask(socket, {kGet, kLevelUdp, {}}, reply) == static_cast<ssize_t>(sizeof form);
  errno = kept;
  if (!known) return done;
  if (*length > sizeof form) *length = sizeof form;
  std::memcpy(value, reply.data() + 4, *length);
  return 0;
}

}  // namespace

extern "C" {

[[gnu::visibility("default")]] int socket(int domain, int type, int protocol) noexcept {
  constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (domain != kPfKey || (type & ~kFlags) != SOCK_RAW || protocol != kPfKeyV2) {
    return real_socket(domain, type, protocol);
  }
  return open_pf_key(type);
}

[[gnu::visibility("default")]] int setsockopt(int fd, int level, int name, const void* value,
                                              socklen_t length) noexcept {
  if (level == IPPROTO_UDP && name == kUdpEncap) return set_encapsulation(fd, value, length);
  const std::uint8_t ours = level_of(level, name, value, length);
  if (ours != 0) return set_policy(fd, ours, value, length);
  return next<SetOption>(next_set, "setsockopt")(fd, level, name, value, length);
}

[[gnu::visibility("default")]] int getsockopt(int fd, int level, int name, void* value, socklen_t* length) noexcept {
  if (level == IPPROTO_UDP && name == kUdpEncap) return get_encapsulation(fd, value, length);
  const std::uint8_t ours = level_of(level, name, value, length == nullptr ? 0 : *length);
  if (ours != 0) return get_policy(fd, ours, value, length);
  return next<GetOption>(next_get, "getsockopt")(fd, level, name, value, length);
}
}
