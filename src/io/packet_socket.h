#pragma once
// The frames of one protocol (IPv4 or IPv6) of an interface by AF_PACKET (packet(7)), for `attach = wire` where AF_XDP
// does not serve.  With PACKET_VNET_HDR the kernel says what of a frame it left undone: super-packets come and go
// whole, cut and joined here (segment.h, coalesce.h), and a checksum that nobody has computed yet is computed.
//
// Only frames come that the rules of host/wire_table.h have taken from the kernel, which they do by calling them
// another host's (PACKET_OTHERHOST): one decision, by which either of both gets a frame.
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "io/frame_socket.h"
#include "io/system_error.h"
#include "io/vnet_header.h"

namespace testudo::io {

class PacketSocket final : public FrameSocket {
 public:
  /// The mark of frames that the rules have taken: the kernel calls frames of unknown VLANs another host's too, and has
  /// cleared their tags by then.
  static constexpr std::uint32_t kTaken = 0x54455344;

  /// Protocols of Ethernet.
  static constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;

  struct Spec {
    unsigned device = 0;
    std::uint16_t protocol = 0;  ///< one of the two
    Offload offload;             ///< of super-packets on the way out
    /// Of several sockets: ESP that was sent to these is divided by SPI (frame_division.h).
    std::span<const std::uint16_t> encapsulation_ports{};
  };
  /// So many, which have the frames divided among them and are to be gone together.  Needs CAP_NET_RAW.
  static Result<std::vector<std::unique_ptr<PacketSocket>>, SystemError> open(const Spec& spec, std::size_t count);
  ~PacketSocket() override;

  int fd() const override;
  std::size_t receive(std::span<PacketBuffer> into, const Lost& malformed) override;
  bool pending() const override;
  bool send(const Header& header, PacketBuffer& packet, Origin origin) override;
  void flush(const Lost& refused) override;
  std::uint64_t losses() override;

 private:
  struct State;
  explicit PacketSocket(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace testudo::io
