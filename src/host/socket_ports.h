#pragma once
// Which ports of sockets with UDP_ENCAP testudod receives ESP for: each costs it a socket for each family and some
// rules, and anybody may ask.  Pure.
#include <cstdint>
#include <set>
#include <vector>

namespace testudo::host {

struct SocketPort {
  std::uint16_t port = 0;
  bool privileged = false;  ///< who asked
  std::uint32_t user = 0;
};

inline constexpr std::size_t kMostSocketPorts = 32, kForUnprivilegedPorts = 8, kForOneUsersPorts = 2;

/// Those of `asked` that are served.  Who is served already stays so; those without privilege get a few together, and
/// each user of them fewer, so that one cannot take them from all others.
std::set<std::uint16_t> choose_ports(const std::vector<SocketPort>& asked, const std::set<std::uint16_t>& served);

}  // namespace testudo::host
