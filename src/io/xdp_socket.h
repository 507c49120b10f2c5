#pragma once
// One queue of an interface by AF_XDP (Documentation/networking/af_xdp.rst), in copy mode, which every driver has: what
// an XDP program leads here comes in, frames go out, both past the kernel's IP.  A batch is one look at the rings;
// frames are copied between them and the caller's room.  Never decides about a packet.  One thread.
#include <cstdint>
#include <memory>
#include <span>

#include "io/frame_socket.h"
#include "io/system_error.h"

namespace testudo::io {

class XdpSocket final : public FrameSocket {
 public:
  /// The largest frame, header and all.
  static constexpr std::size_t kMaxFrame = 3840;

  /// Needs CAP_NET_RAW.
  static Result<std::unique_ptr<XdpSocket>, SystemError> open(unsigned device, std::uint32_t queue);
  ~XdpSocket() override;

  int fd() const override;
  std::size_t receive(std::span<PacketBuffer> into, const Lost& malformed) override;
  bool send(const Header& header, PacketBuffer& packet, Origin origin) override;
  /// What cannot be sent now stays queued.
  void flush(const Lost& refused) override;
  std::uint64_t losses() override;

 private:
  struct Rings;
  explicit XdpSocket(std::unique_ptr<Rings> rings);
  std::unique_ptr<Rings> rings_;
};

}  // namespace testudo::io
