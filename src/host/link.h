#pragma once
// One network interface as rtnetlink describes it, and the XDP program on it.
#include <array>
#include <cstdint>
#include <string>

namespace testudo::host {

/// How a program runs on an interface; the numbers are those of IFLA_XDP_ATTACHED.
enum class XdpMode : std::uint8_t { None = 0, Native = 1, Generic = 2, Hardware = 3, Several = 4 };

struct Link {
  unsigned index = 0;
  std::array<std::uint8_t, 6> mac{};
  bool ethernet = false;
  std::size_t mtu = 0;
  std::uint32_t receive_queues = 1;  ///< at most
  XdpMode xdp = XdpMode::None;
  std::uint32_t xdp_program = 0;  ///< its number; 0: none
  std::string kind;               ///< as "veth"; empty of hardware, and of what a hypervisor shows as such
};

}  // namespace testudo::host
