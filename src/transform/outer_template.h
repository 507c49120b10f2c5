#pragma once
// The outer header of a tunnel SA, worked out once: what a packet adds are its length, DSCP and ECN, DF, and
// identification; the rest of the IPv4 checksum is summed up already (RFC 1624 in the other direction).  Good for the
// SA and settings that it was made of; made anew for each run of packets, so that neither can change behind its back.
#include <array>
#include <cstdint>

#include "transform/transform.h"

namespace testudo::transform {

/// What an outer header takes from the packet inside.
struct Inside {
  std::uint8_t traffic_class = 0;
  bool dont_fragment = false;  ///< IPv4's DF, or what stands for it
};

/// "… fragmentation in IPv6 is performed only by source nodes" (RFC 8200 section 4.5): an IPv6 packet counts as one
/// with DF, unless it is so small that its source can not be told a smaller size (RFC 4213 section 3.2.2).  Of an
/// IpView or a wire::packet::Plain.
template <typename Ip>
Inside inside_of(const Ip& ip) {
  constexpr std::size_t kMinimumIpv6Mtu = 1280;
  return {ip.traffic_class, ip.is_v4() ? ip.dont_fragment : ip.total_length > kMinimumIpv6Mtu};
}

class OuterTemplate {
 public:
  /// The SA's addresses are of one family.
  OuterTemplate(const sad::Sa& sa, const HeaderSettings& settings);

  std::size_t length() const { return length_; }
  bool is_v4() const { return length_ == wire::packet::kIpv4Header; }
  /// Writes length() bytes.  Behind them stand `payload` bytes of this protocol; the identification is IPv4's.
  void write(std::uint8_t* at, std::size_t payload, std::uint8_t protocol, const Inside& inside,
             std::uint16_t identification) const;

 private:
  enum class DontFragment : std::uint8_t { Clear, Set, Copy };

  void write_v4(std::uint8_t* at, std::size_t payload, std::uint8_t protocol, const Inside& inside,
                std::uint16_t identification) const;

  std::array<std::uint8_t, wire::packet::kIpv6Header> bytes_{};
  std::size_t length_;
  std::uint64_t sum_ = 0;  ///< of the 16-bit words of bytes_
  DontFragment dont_fragment_;
  std::uint8_t copied_class_bits_;  ///< of the traffic class: all, or all but ECN
};

/// Identifications of an SA's outer IPv4 headers: they count from a random start and are never 0, in whose place
/// Linux's raw sockets would put another number, and AH covers this field.
inline std::uint16_t next_identification(sad::Share& share, Random& random) {
  if (share.identification == 0) share.identification = static_cast<std::uint16_t>(random.between(1, 0xffff));
  const std::uint16_t given = share.identification++;
  if (share.identification == 0) share.identification = 1;
  return given;
}

}  // namespace testudo::transform
