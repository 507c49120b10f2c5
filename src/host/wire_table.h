#pragma once
// Which frames of an interface are the engine's and which the kernel's, where no XDP program decides it
// (io/wire_filter.h says which are whose): rules of nft in front of the kernel's IP, family netdev, for
// io/packet_socket.h.  What is the engine's is called somebody else's (`meta pkttype`): the kernel lets such packets
// go, and the packet socket takes no others.  The rules outlive a process that was killed: nothing is forwarded then.
// One table for each interface.  Pure: texts of nft(8), which a transaction may hold several of.
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "net/address.h"

namespace testudo::host {

/// By its number, so that no two daemons can take one interface unnoticed.
std::string nft_wire_table(unsigned device);

struct WireInterface {
  std::string name;
  unsigned device = 0;
  std::array<std::uint8_t, 6> mac{};
};

/// Takes the place of the table that the interface has.
std::string nft_take_frames(const WireInterface& interface, std::span<const net::Address> own,
                            std::span<const std::uint16_t> encapsulation_ports);
/// The host's addresses changed.
std::string nft_own_addresses(const std::string& table, std::span<const net::Address> own);
/// One that is not there is no error.
std::string nft_give_frames_back(const std::string& table);

}  // namespace testudo::host
