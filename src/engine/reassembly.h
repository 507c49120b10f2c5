#pragma once
// Fragments of packets addressed to us, joined again before anything looks at what they protect.  RFC 791 section 3.2,
// RFC 8200 section 4.5, RFC 5722 (overlaps), RFC 3168 section 5.3 (ECN).  For attach modes in which no kernel does it.
//
// Every fragment is copied, so that a small one at a large offset costs what it is worth; the number of unfinished
// packets, the bytes kept for them and the time they are kept are bounded, and the oldest goes first.  A packet whose
// fragments overlap or contradict each other is dropped whole, with what still arrives of it.  Never sends ICMP.  One
// thread.
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>
#include <variant>

#include "base/bytes.h"
#include "base/time.h"
#include "engine/history.h"
#include "net/drop_reason.h"
#include "net/flow.h"
#include "wire/packet/ip.h"
#include "wire/packet/packet_buffer.h"

namespace testudo::engine {

struct ReassemblyLimits {
  std::size_t packets = 1024;            ///< unfinished at a time
  std::size_t bytes = 16 * 1024 * 1024;  ///< kept for them, bookkeeping included
  Duration timeout_v4 = std::chrono::seconds{30};
  Duration timeout_v6 = std::chrono::seconds{60};
};

class Reassembler {
 public:
  /// The buffer now holds the whole packet, which came in this many fragments (duplicates included).
  struct Complete {
    std::size_t fragments = 0;
    std::size_t largest = 0;  ///< size of the largest of them, as a packet
  };
  /// The fragment was kept; what is in the buffer is no longer wanted.
  struct Held {};
  /// The fragment, and with it those kept of the same packet, were dropped: `fragments` counts this one too.
  struct Drop {
    net::DropReason reason{};
    std::size_t fragments = 0;
  };
  using Added = std::variant<Complete, Held, Drop>;

  /// Fragments given up later than in their own add(): by time or for lack of room.
  struct Lost {
    net::Flow flow;  ///< protocol as the fragment header says it; no ports
    net::DropReason reason{};
    std::size_t fragments = 0;
  };
  using OnLost = std::function<void(const Lost&)>;

  explicit Reassembler(OnLost on_lost, const ReassemblyLimits& limits = {})
      : on_lost_(std::move(on_lost)), limits_(limits) {}

  /// `ip` is the view of the packet in the buffer, and says that it is a fragment.  Fragments of different ways do not
  /// meet.
  Added add(wire::packet::PacketBuffer& packet, const wire::packet::IpView& ip, Time now, const Way& way = {});
  /// About once a second: gives up what has waited too long.
  void tick(Time now);

  std::size_t unfinished() const { return contexts_.size(); }
  std::size_t bytes_kept() const { return bytes_kept_; }

 private:
  struct Key {
    net::Address source, destination;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;  ///< IPv4 only: RFC 8200 lets it differ between fragments
    Way way;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& k) const noexcept;
  };
  /// A fragment as a range of the payload of the whole packet.
  struct Piece {
    std::size_t begin = 0;
    Bytes data;
    bool last = false;
    std::size_t end() const { return begin + data.size(); }
  };
  struct Context {
    Key key;
    net::Flow flow;
    Time deadline{};
    ByteVector header;                       ///< in front of the payload; from the fragment with offset 0
    std::map<std::size_t, ByteVector> data;  ///< by offset; never overlapping
    std::size_t received = 0;                ///< sum of their lengths
    std::optional<std::size_t> total;        ///< known from the last fragment
    std::size_t largest = 0;                 ///< size of the largest fragment
    std::size_t fragments = 0;               ///< kept, duplicates included
    std::size_t cost = 0;
    unsigned ecn_seen = 0;  ///< a bit for each ECN codepoint
    bool broken = false;    ///< what still arrives is dropped too
  };
  using Contexts = std::list<Context>;  // oldest first
  enum class Fit : std::uint8_t { New, Duplicate, Contradiction };

  Context& context_of(const wire::packet::IpView& ip, Time now, const Way& way);
  void make_room(std::size_t cost);
  static Fit fit(const Context& context, const Piece& piece);
  void keep(Context& context, const Piece& piece, Bytes packet, const wire::packet::IpView& ip);
  Drop break_up(Context& context);
  Added join(Context& context, wire::packet::PacketBuffer& packet);
  void give_up(Contexts::iterator context, net::DropReason reason);
  void forget(Contexts::iterator context);

  OnLost on_lost_;
  ReassemblyLimits limits_;
  Contexts contexts_;
  std::unordered_map<Key, Contexts::iterator, KeyHash> by_key_;
  std::size_t bytes_kept_ = 0;
};

}  // namespace testudo::engine
