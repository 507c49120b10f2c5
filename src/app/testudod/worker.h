#pragma once
// One of the threads that carry packets, and all that is its own: a queue of the device, sockets with its portion of
// the SPIs, an engine, and what that asks.  docs/adr/0018.  Made before the threads run; the keeper touches it with the
// gate closed.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/testudod/host_view.h"
#include "app/testudod/packet_path.h"
#include "app/testudod/wire_path.h"
#include "base/gate.h"
#include "crypto/stretched_random.h"
#include "engine/engine.h"
#include "io/event_loop.h"
#include "io/random.h"
#include "io/receiver.h"
#include "spd/reader.h"

namespace testudo::app {

struct Worker {
  explicit Worker(std::uint8_t which) : number(which) {}

  /// Of the thread, as the host shows it.
  std::string name() const { return number == 0 ? "packets" : "packets/" + std::to_string(number); }

  std::uint8_t number;
  Gate::Seat seat{};
  io::EventLoop loop{};
  io::KernelRandom kernel_random{};
  crypto::StretchedRandom random{kernel_random};  ///< for IVs and the like, of each packet
  std::optional<host::Netlink> netlink{};         ///< of view alone
  std::unique_ptr<HostView> view{};
  std::unique_ptr<spd::Reader> reader{};  ///< none with `attach = none`, as packets
  std::unique_ptr<engine::Engine> engine{};
  std::unique_ptr<PacketPath> packets{};
  std::optional<host::Netlink> wire_netlink{};  ///< of wire alone
  std::unique_ptr<WirePath> wire{};             ///< with `attach = wire`, if it is one of the carriers of that
  std::vector<std::unique_ptr<io::Receiver>> receivers{};
  std::vector<io::EventLoop::Watch> watches{};  ///< last: gone before what they watch
};

}  // namespace testudo::app
