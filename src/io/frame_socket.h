#pragma once
// One interface, or a part of it, that whole frames come and go by past the kernel's IP: what `attach = wire` is built
// on.  xdp_socket.h and packet_socket.h are the two that there are.  Never decides about a packet.  One thread.
#include <array>
#include <cstdint>
#include <functional>
#include <span>

#include "base/bytes.h"
#include "wire/packet/packet_buffer.h"

namespace testudo::io {

using MacAddress = std::array<std::uint8_t, 6>;

class FrameSocket {
 public:
  using PacketBuffer = wire::packet::PacketBuffer;
  /// Called with a packet that goes no further.
  using Lost = std::function<void(Bytes)>;
  /// Ethernet, without a tag.
  static constexpr std::size_t kHeader = 14;
  using Header = std::array<std::uint8_t, kHeader>;

  FrameSocket() = default;
  FrameSocket(const FrameSocket&) = delete;
  FrameSocket& operator=(const FrameSocket&) = delete;
  virtual ~FrameSocket() = default;

  virtual int fd() const = 0;
  /// Fills buffers from the front with what stands behind the frames' headers, whole packets with their checksums, and
  /// says how many; never waits.  `malformed`: what was not what the kernel said of it.
  virtual std::size_t receive(std::span<PacketBuffer> into, const Lost& malformed) = 0;
  /// True when the next receive() has something to give that fd() no longer tells of.
  virtual bool pending() const { return false; }
  /// Whose a packet is: what we have sealed may travel otherwise than it was made, as long as it says the same.
  enum class Origin : std::uint8_t { Forwarded, Sealed };
  /// Queues a frame, and may leave another buffer in the packet's place; false, with the packet as it was, when there
  /// is no room for one more, or for one as long.
  virtual bool send(const Header& header, PacketBuffer& packet, Origin origin) = 0;
  /// Has the kernel send what is queued; `refused` once for each packet that it does not take.
  virtual void flush(const Lost& refused) = 0;
  /// Frames that the kernel had no room for on the way in, since it was opened.
  virtual std::uint64_t losses() = 0;
};

}  // namespace testudo::io
