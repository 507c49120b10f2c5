#pragma once
// One packet on its way through the engine, and the protected layer at which something happened to it.  Values that
// travel between the files of this folder; nothing here is kept from one batch to the next.
#include <cstdint>
#include <optional>

#include "base/strong.h"
#include "net/flow.h"
#include "sad/sa.h"
#include "wire/packet/ip.h"
#include "wire/packet/packet_buffer.h"

namespace testudo::engine {

struct Passage {
  wire::packet::PacketBuffer* packet = nullptr;
  std::uint64_t number = 0;  ///< since start; the same for all trace steps of one packet
  wire::packet::IpView ip;   ///< of the packet as it is now
  net::Flow flow;            ///< what a policy looks at; for counters the outermost one until the inner one is known
  /// Of the fragments that it came in, if it did, or that it is: it may be cut again, whatever its header says.
  std::size_t largest_piece = 0;

  bool joined() const { return largest_piece != 0; }
};

/// ESP, AH or IPcomp as counters and traces name it; protocol 0 where no protected layer is concerned.
struct LayerName {
  std::uint8_t protocol = 0;
  std::optional<Spi> spi;
};

inline LayerName name_of(const sad::Sa& sa) {
  return {sad::ip_protocol(sa.group().protocol), sa.spi()};
}

/// The kind of SA that an IP protocol number calls for.
std::optional<sad::SaProtocol> sa_protocol(std::uint8_t number);

/// The ESP, AH or IPcomp header (by `protocol`) that `upper` begins with; none when it is another protocol or cut
/// short.
std::optional<LayerName> read_layer(std::uint8_t protocol, Bytes upper);

}  // namespace testudo::engine
