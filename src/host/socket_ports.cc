#include "host/socket_ports.h"

namespace testudo::host {

std::set<std::uint16_t> choose_ports(const std::vector<SocketPort>& asked, const std::set<std::uint16_t>& served) {
  std::set<std::uint16_t> privileged, others, chosen;
  for (const SocketPort& p : asked) {
    if (p.port != 0 && p.privileged) privileged.insert(p.port);
  }
  for (const SocketPort& p : asked) {
    if (p.port != 0 && !privileged.contains(p.port)) others.insert(p.port);
  }
  const auto choose = [&](const std::set<std::uint16_t>& from, std::size_t most) {
    for (const bool already : {true, false}) {
      for (const std::uint16_t port : from) {
        if (chosen.size() < most && served.contains(port) == already) chosen.insert(port);
      }
    }
  };
  choose(others, kForUnprivilegedPorts);
  choose(privileged, kMostSocketPorts);
  return chosen;
}

}  // namespace testudo::host
