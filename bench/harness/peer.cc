#include "harness/peer.h"

namespace testudo::bench {

Work Shape::before_seal(PacketBuffer& packet, std::size_t size) const {
  return {packet.data() - head(), packet.data(), padded(size)};
}

Work Shape::sealed(PacketBuffer& packet) const {
  constexpr std::size_t kOuterIpv4 = 20;
  std::uint8_t* const esp = packet.data() + kOuterIpv4;
  return {esp, esp + head(), packet.size() - kOuterIpv4 - head() - icv};
}

}  // namespace testudo::bench
