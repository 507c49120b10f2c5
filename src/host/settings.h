#pragma once
// How the engine is attached to this host: names and numbers that must not meet those of other software.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace testudo::host {

/// Of the engine's device: "the IPv4 dummy address" of RFC 7600 section 4.8, 192.0.0.8/32.  In no packet, nobody's own.
inline constexpr std::array<std::uint8_t, 4> kDummyAddress{192, 0, 0, 8};

struct Settings {
  std::string device = "testudo0";
  /// Larger than any link: the kernel must not cut what policy protects before the engine has seen it whole (RFC 4301
  /// section 7: transport mode never protects a fragment).  The engine cuts behind the transform, to the route's MTU.
  std::size_t mtu = 65535;
  /// Two neighbouring bits of the packet mark: `mark` on packets for the engine, twice that on packets of the engine.
  std::uint32_t mark = 0x04000000;
  std::uint32_t table = 5050;      ///< routing table of packets for the engine
  std::uint32_t rule = 5050;       ///< preference of the ip rule; behind `local` (0), before `main` (32766)
  std::uint16_t log_group = 5050;  ///< of NFLOG, for packets that the rules refuse
  std::vector<std::uint16_t> encapsulation_ports = {4500};
  /// Super-packets on the device and in UDP, where the kernel has them.
  bool offload = true;
  /// Of the device; whoever reads there has one.
  std::size_t queues = 1;
  /// Packets that may wait in each: what the kernel gives most devices; a TUN device has 500 of it.
  std::size_t queue_length = 1000;

  std::uint32_t own_mark() const { return mark << 1; }
  std::uint32_t mark_mask() const { return mark | own_mark(); }
  /// Four bits above these: which policy of its own a socket has (socket_rules.h).  None when they do not fit.
  std::uint32_t slot_mask() const { return mark > 0x04000000 ? 0 : 15 * (mark << 2); }
  std::uint32_t slot_mark(unsigned slot) const { return slot * (mark << 2); }
  unsigned slot_of(std::uint32_t socket_mark) const {
    return slot_mask() == 0 ? 0 : (socket_mark & slot_mask()) / (mark << 2);
  }
  /// How the names of the devices begin by which packets of sockets with a policy of their own reach the engine.
  std::string socket_devices() const { return device + "s"; }
  /// The nft table; one for each device, so that daemons of one network namespace do not take each other's.
  std::string nft_table() const { return "testudo_" + device; }
  /// That of steering.h.
  std::string nft_steering_table() const { return nft_table() + "_udp"; }
};

}  // namespace testudo::host
