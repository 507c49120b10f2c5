#pragma once
// Which of several packet sockets of one interface gets a frame, as a program for PACKET_FANOUT_CBPF (packet(7)):
//
//   ESP, AH, and UDP to an encapsulation port   their SPI      (as host mode divides them: an SA is one worker's)
//   IPcomp                                      its CPI
//   other UDP, TCP, whole                       addresses and ports
//   all else, fragments among it                addresses      (pieces of one packet meet at one socket)
//
// Only a wish: what comes to another socket after all is opened as rightly (sad/turn.h).
#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

#include "net/address.h"

namespace testudo::io {

/// Reads packets from their IP header; the kernel divides what it gives by the number of sockets.  What is too short
/// for a field gives 0.
std::vector<sock_filter> divide_frames(net::Family family, std::span<const std::uint16_t> encapsulation_ports);

}  // namespace testudo::io
