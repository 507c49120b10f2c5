#include "host/socket_ports.h"

#include <algorithm>
#include <map>

namespace testudo::host {

namespace {

using Ports = std::set<std::uint16_t>;
/// Who asks for each.
using Askers = std::map<std::uint16_t, std::set<std::uint32_t>>;

/// Until `most` are chosen, and no user is the reason for more than `each`.
void choose(Ports& chosen, const Askers& from, const Ports& served, std::size_t most, std::size_t each) {
  std::map<std::uint32_t, std::size_t> has;
  for (const bool already : {true, false}) {
    for (const auto& [port, users] : from) {
      if (chosen.size() >= most || served.contains(port) != already) continue;
      const auto user = std::ranges::find_if(users, [&](std::uint32_t u) { return has[u] < each; });
      if (user == users.end()) continue;
      ++has[*user];
      chosen.insert(port);
    }
  }
}

}  // namespace

Ports choose_ports(const std::vector<SocketPort>& asked, const Ports& served) {
  Askers privileged, others;
  Ports chosen;
  for (const SocketPort& p : asked) {
    if (p.port != 0 && p.privileged) privileged[p.port].insert(p.user);
  }
  for (const SocketPort& p : asked) {
    if (p.port != 0 && !privileged.contains(p.port)) others[p.port].insert(p.user);
  }
  choose(chosen, others, served, kForUnprivilegedPorts, kForOneUsersPorts);
  choose(chosen, privileged, served, kMostSocketPorts, kMostSocketPorts);
  return chosen;
}

}  // namespace testudo::host
