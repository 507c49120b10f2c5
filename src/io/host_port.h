#pragma once
// The host's side as the engine wants it: batches of whole packets, each in a buffer with room on both sides.  Behind
// it the TUN device moves super-packets where the kernel can: what it gives is cut (segment.h), what it gets is joined
// (coalesce.h).  One copy on the way out, none on the way in.  Never decides about a packet.  One thread.
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "io/coalesce.h"
#include "io/segment.h"
#include "io/tun.h"
#include "wire/packet/packet_buffer.h"

namespace testudo::io {

class HostPort {
 public:
  using PacketBuffer = wire::packet::PacketBuffer;
  /// Called with a packet that goes no further.
  using Lost = std::function<void(Bytes)>;

  /// The device must outlive this.
  explicit HostPort(const Tun& tun);

  /// What the host wants to send; empty when nothing waits.  The buffers are the caller's until the next call; their
  /// contents may be swapped away.  `malformed`: the kernel's header does not fit its packet.
  std::span<PacketBuffer* const> read(const Lost& malformed);

  /// True when the next read() has something to give that the device no longer tells of.
  bool pending() const { return cutting_.has_value(); }
  /// True when the last read() saw that nothing more waits: what comes later, the device tells of.
  bool drained() const { return drained_; }

  /// Queues a packet for the host and leaves an empty buffer in its place.  False when the queue is full: flush first.
  bool give(PacketBuffer& packet);
  /// Writes what is queued; `refused` once for each packet that the kernel does not take.
  void flush(const Lost& refused);

 private:
  bool read_one(const Lost& malformed);
  void cut();
  PacketBuffer& next_buffer();

  const Tun& tun_;
  PacketBuffer super_;
  std::optional<Segments> cutting_;  ///< of super_, from segment next_ on
  std::size_t next_ = 0;
  bool drained_ = false;
  std::vector<PacketBuffer> incoming_, arrived_;
  std::vector<PacketBuffer*> batch_;
  std::size_t queued_ = 0;  ///< of arrived_
  Coalescer coalescer_;
};

}  // namespace testudo::io
