#pragma once
// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), in this machine's order: what tcpdump, tshark and Wireshark read,
// from a pipe too, with a comment beside each packet.  Pure; raw IP packets on two interfaces, the host's side and the
// network's.
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace testudo::observe {

enum class TapSide : std::uint8_t { Host, Wire };
/// Of epb_flags: as the host sees it.
enum class TapWay : std::uint8_t { In = 1, Out = 2 };

struct TapPacket {
  TapSide side = TapSide::Host;
  TapWay way = TapWay::Out;
  std::uint64_t microseconds = 0;  ///< since 1970
  Bytes bytes;
};

/// The section header, and a description of each interface: what a file begins with.
ByteVector pcapng_preface();
/// An enhanced packet block.
ByteVector pcapng_packet(const TapPacket& packet, std::string_view comment);
/// An interface statistics block: how many packets of an interface are not in the file.
ByteVector pcapng_missed(TapSide side, std::uint64_t microseconds, std::uint64_t missed);

/// The packet of a block that pcapng_packet() made; no bytes for any other.
TapPacket packet_of(Bytes block);
std::string_view comment_of(Bytes block);
/// The number of a block that pcapng_missed() made; 0 for any other.
std::uint64_t missed_of(Bytes block);

}  // namespace testudo::observe
