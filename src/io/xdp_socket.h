#pragma once
// One queue of an interface by AF_XDP (Documentation/networking/af_xdp.rst), in copy mode, which every driver has: what
// an XDP program leads here comes in, frames go out, both past the kernel's IP.  A batch is one look at the rings;
// frames are copied between them and the caller's room.  Never decides about a packet.  One thread.
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "io/fd.h"
#include "io/slot.h"
#include "io/system_error.h"

namespace testudo::io {

class XdpSocket {
 public:
  /// Ethernet, without a tag.
  static constexpr std::size_t kFrameHeader = 14;
  /// The largest frame, header and all.
  static constexpr std::size_t kMaxFrame = 3840;

  /// Needs CAP_NET_RAW.
  static Result<XdpSocket, SystemError> open(unsigned device, std::uint32_t queue);
  XdpSocket(XdpSocket&&) noexcept;
  XdpSocket& operator=(XdpSocket&&) noexcept;
  ~XdpSocket();

  int fd() const;
  /// Fills slots from the front with what stands behind the frames' headers, and says how many; never waits.
  std::size_t receive(std::span<Slot> slots);
  /// Queues a frame; false when there is no room for one more, or for one as long.
  bool send(std::span<const std::uint8_t, kFrameHeader> header, Bytes packet);
  /// Has the kernel send what is queued.
  void flush();
  /// Frames that it had no room for on the way in, since it was opened.
  std::uint64_t losses() const;

 private:
  struct Rings;
  explicit XdpSocket(std::unique_ptr<Rings> rings);
  std::unique_ptr<Rings> rings_;
};

}  // namespace testudo::io
