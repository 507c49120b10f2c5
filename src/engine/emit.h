#pragma once
// The last step outbound: a packet that is ready meets the size of its path, and is sent, cut, or reported to its
// source.  RFC 4301 section 8.2, RFC 2473 section 7, RFC 1191, RFC 8201.  Knows nothing of SAs and policies.
#include "engine/pmtu.h"
#include "engine/verdicts.h"

namespace testudo::engine {

/// The largest part of a packet that an ICMP error quotes, for either family.
inline constexpr std::size_t kMaxQuote = 1280;
/// What every link takes.
inline constexpr std::size_t kMinimumIpv6Mtu = 1280;

/// The way that a packet is about to take.
struct Path {
  std::size_t mtu = 0;
  std::size_t overhead = 0;  ///< what protection adds at most; the source is told mtu - overhead
  bool in_clear = false;
};

struct Departure {
  Passage passage;
  ByteVector quote;  ///< the packet as its source sent it, if it may turn out too big: for the ICMP error
};

class Emitter {
 public:
  Emitter(const Engine::Parts& parts, const PathMtu& learned) : parts_(parts), learned_(learned) {}

  /// The size of what can be sent to `destination` whole.
  std::size_t mtu_towards(const net::Address& destination, Time now) const;
  void emit(const Departure& departure, const Path& path, Verdicts& verdicts);
  /// NeedsFragmentation: drops the packet and tells its source the size that it may send.
  void refuse(const Departure& departure, std::size_t usable, Verdicts& verdicts);
  /// Tells only: for packets that are sent all the same.
  void tell(const Departure& departure, std::size_t usable, Verdicts& verdicts);

 private:
  /// What becomes of a packet that is larger than its path.
  enum class Oversize : std::uint8_t { Cut, CutAndTell, Refuse };
  Oversize oversize(const Departure& departure, const Path& path) const;
  Oversize oversize_ipv6(const wire::packet::IpView& original, std::size_t length,
                         const wire::packet::IpView& now) const;
  bool may_cut(const wire::packet::IpView& ip) const;
  void cut(const Passage& whole, const Path& path, Verdicts& verdicts);

  Engine::Parts parts_;
  const PathMtu& learned_;
  PacketBuffer scratch_;  // for fragments and ICMP messages
};

}  // namespace testudo::engine
