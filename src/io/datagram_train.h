#pragma once
// Which packets at the front of a batch the kernel can send as one: datagrams between the same ports that differ in
// nothing but what they carry, all of one size but the last, which may be smaller (UDP_SEGMENT, udp(7)).
// Pure; thread-free.
#include <span>

#include "base/bytes.h"

namespace testudo::io {

/// UDP_MAX_SEGMENTS of kernels before 6.9.
inline constexpr std::size_t kMaxTrain = 64;

/// How many; 0 when the first packet is no whole UDP datagram without options and extensions.
std::size_t train_length(std::span<const Bytes> packets);

/// Where the UDP header of a packet in a train begins.
std::size_t train_udp_offset(Bytes packet);

}  // namespace testudo::io
