#include "io/tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstring>

namespace testudo::io {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

// Of linux/if_tun.h since Linux 6.2; Debian 12 has older headers, and kernels of both kinds.
constexpr unsigned kUso4 = 0x20, kUso6 = 0x40;

bool ask(const Fd& fd, unsigned features) {
  return ::ioctl(fd.get(), TUNSETOFFLOAD, static_cast<unsigned long>(features)) == 0;
}

Offload agree(const Fd& fd, bool wanted) {
  constexpr unsigned kTcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (wanted && ask(fd, kTcp | kUso4 | kUso6)) return {.tcp = true, .udp = true};
  if (wanted && ask(fd, kTcp)) return {.tcp = true};
  static_cast<void>(ask(fd, 0));
  return {};
}

// netdevice(7): the request names the device, and any socket will do.
Status<SystemError> ask(unsigned long what, ifreq& request, const std::string& doing) {
  const Fd any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (::ioctl(any.get(), what, &request) != 0) return last_error(doing + " " + request.ifr_name);
  return Done{};
}

}  // namespace

Result<Tun, SystemError> Tun::open(const std::string& name, bool offload) {
  return open(name, offload, 0);
}

Result<std::vector<Tun>, SystemError> Tun::open_queues(const std::string& name, bool offload, std::size_t count) {
  std::vector<Tun> queues;
  const short flags = count > 1 ? IFF_MULTI_QUEUE : 0;
  do {
    TRY(auto queue, open(name, offload, flags));
    queues.push_back(std::move(queue));
  } while (queues.size() < count);
  return queues;
}

Result<Tun, SystemError> Tun::open(const std::string& name, bool offload, short flags) {
  if (name.empty() || name.size() >= IFNAMSIZ) return Failure{SystemError{"device name '" + name + "' is too long"}};
  Fd fd{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!fd) return last_error("open /dev/net/tun");
  ifreq request = request_for(name);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | flags);
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return last_error("create device " + name);
  const unsigned index = ::if_nametoindex(request.ifr_name);
  const Offload agreed = agree(fd, offload);
  return Tun{std::move(fd), request.ifr_name, index, agreed};
}

Status<SystemError> Tun::set_mtu(std::size_t mtu) const {
  ifreq request = request_for(name_);
  request.ifr_mtu = static_cast<int>(mtu);
  return ask(SIOCSIFMTU, request, "set MTU of");
}

Status<SystemError> Tun::set_queue(std::size_t packets) const {
  ifreq request = request_for(name_);
  request.ifr_qlen = static_cast<int>(packets);
  return ask(SIOCSIFTXQLEN, request, "set queue of");
}

Status<SystemError> Tun::bring_up() const {
  ifreq request = request_for(name_);
  TRY_DONE(ask(SIOCGIFFLAGS, request, "read flags of"));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ask(SIOCSIFFLAGS, request, "bring up");
}

Status<SystemError> Tun::set_persistent(bool persistent) const {
  if (::ioctl(fd_.get(), TUNSETPERSIST, persistent ? 1UL : 0UL) != 0) return last_error("keep device " + name_);
  return Done{};
}

std::size_t Tun::read(VnetHeader& header, MutableBytes into) const {
  const std::array<iovec, 2> parts{iovec{&header, sizeof header}, iovec{into.data(), into.size()}};
  const ssize_t n = ::readv(fd_.get(), parts.data(), static_cast<int>(parts.size()));
  return n > static_cast<ssize_t>(sizeof header) ? static_cast<std::size_t>(n) - sizeof header : 0;
}

bool Tun::write(const VnetHeader& header, std::span<const Bytes> pieces) const {
  std::array<iovec, kMaxPieces + 1> parts;  // NOLINT(cppcoreguidelines-pro-type-member-init): written where it is used
  VnetHeader front = header;                // iovec has no const
  parts[0] = {&front, sizeof front};
  if (pieces.size() > kMaxPieces) return false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    parts[i + 1] = {const_cast<std::uint8_t*>(pieces[i].data()), pieces[i].size()};
  }
  return ::writev(fd_.get(), parts.data(), static_cast<int>(pieces.size() + 1)) > 0;
}

}  // namespace testudo::io
