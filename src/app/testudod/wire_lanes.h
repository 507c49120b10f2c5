#pragma once
// The two interfaces of `attach = wire`: their XDP programs and AF_XDP sockets.  A program stays on its interface when
// this process is killed, and then lets nothing through that would have been the engine's; RUN_DIR/wire says which
// programs are ours, for the next start to replace or take away.
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/link.h"
#include "host/netlink.h"
#include "io/wire_filter.h"
#include "io/xdp_socket.h"

namespace testudo::app {

class WireLanes {
 public:
  struct Lane {
    std::string name;
    host::Link link;
    host::XdpMode mode;
    io::WireFilter filter;
    std::vector<io::XdpSocket> sockets;  ///< one for each queue
  };
  struct Spec {
    std::vector<std::string> interfaces;
    std::vector<std::uint16_t> encapsulation_ports;
    std::string state_file;
  };

  /// Takes the interfaces; what a daemon before this one left on others is taken away.  An error is a sentence;
  /// programs that are in place by then stay there, see detach().  With no interfaces it only tidies up.
  static Result<WireLanes, std::string> take(const Spec& spec, host::Netlink& netlink);

  std::span<Lane> lanes() { return lanes_; }
  std::span<const Lane> lanes() const { return lanes_; }
  /// The host's addresses changed.
  void follow_addresses(host::Netlink& netlink);
  /// Frames that the rings had no room for, since the start.
  std::uint64_t losses() const;

  /// Takes away the programs that the file tells of: the kernel forwards again.
  static void detach(const std::string& state_file, host::Netlink& netlink);

 private:
  Status<std::string> take_one(const std::string& interface, const Spec& spec, host::Netlink& netlink);

  std::vector<Lane> lanes_;
};

}  // namespace testudo::app
