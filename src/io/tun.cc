#include "io/tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

namespace testudo::io {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

}  // namespace

Result<Tun, SystemError> Tun::open(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return Failure{SystemError{"device name '" + name + "' is too long"}};
  Fd fd{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!fd) return last_error("open /dev/net/tun");
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return last_error("create device " + name);
  const unsigned index = ::if_nametoindex(request.ifr_name);
  return Tun{std::move(fd), request.ifr_name, index};
}

Status<SystemError> Tun::set_mtu(std::size_t mtu) const {
  const Fd any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request = request_for(name_);
  request.ifr_mtu = static_cast<int>(mtu);
  if (::ioctl(any.get(), SIOCSIFMTU, &request) != 0) return last_error("set MTU of " + name_);
  return Done{};
}

Status<SystemError> Tun::bring_up() const {
  const Fd any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request = request_for(name_);
  if (::ioctl(any.get(), SIOCGIFFLAGS, &request) != 0) return last_error("read flags of " + name_);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) return last_error("bring up " + name_);
  return Done{};
}

std::size_t Tun::read(MutableBytes into) const {
  const ssize_t n = ::read(fd_.get(), into.data(), into.size());
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

bool Tun::write(Bytes packet) const {
  return ::write(fd_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size());
}

}  // namespace testudo::io
