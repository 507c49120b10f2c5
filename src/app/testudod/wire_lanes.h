#pragma once
// The two interfaces of `attach = wire`, each by AF_XDP or by AF_PACKET: sockets of each worker, and in front of the
// kernel an XDP program or rules of nft that say whose a frame is.  Programs and rules stay when this process is
// killed, and then let nothing through that would have been the engine's; RUN_DIR/wire says which are ours, for the
// next start to replace or take away.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/testudod/options.h"
#include "host/link.h"
#include "host/netlink.h"
#include "host/nft.h"
#include "io/frame_socket.h"
#include "io/vnet_header.h"
#include "io/wire_filter.h"

namespace testudo::app {

class WireLanes {
 public:
  /// One socket, and the number of the worker that has it.
  struct Held {
    std::unique_ptr<io::FrameSocket> socket;
    std::size_t worker = 0;
  };
  struct Lane {
    std::string name;
    host::Link link;
    host::XdpMode mode = host::XdpMode::None;  ///< None: by AF_PACKET
    std::optional<io::WireFilter> filter;      ///< of XDP
    std::vector<Held> sockets;                 ///< by the first of a worker its frames leave
    std::string why_not_xdp;                   ///< when it was tried

    bool by_xdp() const { return mode != host::XdpMode::None; }
  };
  struct Spec {
    std::vector<std::string> interfaces;
    std::vector<std::uint16_t> encapsulation_ports;
    std::string state_file;
    WireIo io = WireIo::Auto;
    std::size_t workers = 1;
    io::Offload offload;  ///< of super-packets that the kernel takes
  };

  /// Takes the interfaces; what a daemon before this one left on others is taken away.  An error is a sentence;
  /// programs and rules that are in place by then stay there, see detach().  With no interfaces it only tidies up.
  static Result<WireLanes, std::string> take(const Spec& spec, host::Netlink& netlink);

  /// Of how many workers, from the first on, each has a socket of each interface: not more than any has queues, by
  /// AF_XDP.
  std::size_t carriers() const { return carriers_; }
  std::span<Lane> lanes() { return lanes_; }
  std::span<const Lane> lanes() const { return lanes_; }
  /// The host's addresses changed.
  void follow_addresses(host::Netlink& netlink);
  /// False when somebody took our rules away: the kernel has the frames then.
  bool in_place() const;
  Status<io::SystemError> put_back();
  /// Frames that nothing had room for on the way in, since the start.
  std::uint64_t losses() const;

  /// Takes away what the file tells of: the kernel forwards again.
  static void detach(const std::string& state_file, host::Netlink& netlink);

 private:
  explicit WireLanes(Spec spec) : spec_(std::move(spec)) {}
  Status<std::string> take_one(const std::string& interface, host::Netlink& netlink);
  Status<std::string> take_by_xdp(Lane& lane, host::Netlink& netlink);
  Status<std::string> take_by_packet(Lane& lane);
  Status<std::string> divide();
  Status<std::string> put_rules();
  void tidy(host::Netlink& netlink);

  Spec spec_;
  std::vector<Lane> lanes_;
  std::size_t carriers_ = 1;
  std::vector<net::Address> own_;
  std::unique_ptr<host::Nft> nft_ = std::make_unique<host::Nft>();
};

}  // namespace testudo::app
