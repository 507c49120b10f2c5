#include "io/show_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <fstream>

#include "base/endian.h"

namespace testudo::io {

Result<ShowDevice, SystemError> ShowDevice::make(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return Failure{SystemError{"device name '" + name + "' is too long"}};
  if (::if_nametoindex(name.c_str()) != 0) return Failure{SystemError{"there is a device " + name + " already"}};
  Fd fd{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!fd) return last_error("open /dev/net/tun");
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return last_error("create device " + name);
  // Nothing of the kernel's own is to be seen there.
  std::ofstream{"/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6"} << "1\n";
  const Fd any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  request.ifr_flags = IFF_UP | IFF_NOARP;
  if (::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) return last_error("bring up " + name);
  return ShowDevice{std::move(fd)};
}

void ShowDevice::show(Bytes packet, std::uint8_t mark) const {
  constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
  if (packet.empty()) return;
  std::array<std::uint8_t, 14> header{2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, mark};
  put_be16(header.data() + 12, packet[0] >> 4 == 4 ? kIpv4 : kIpv6);
  // iovec has no const
  const std::array<iovec, 2> parts{iovec{header.data(), header.size()},
                                   iovec{const_cast<std::uint8_t*>(packet.data()), packet.size()}};
  static_cast<void>(::writev(fd_.get(), parts.data(), static_cast<int>(parts.size())) < 0);
}

}  // namespace testudo::io
