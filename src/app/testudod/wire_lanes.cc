#include "app/testudod/wire_lanes.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "io/bpf.h"
#include "io/replace_file.h"

namespace testudo::app {
namespace {

using host::XdpMode;

constexpr mode_t kOwnersOnly = 0600;

/// A program that a testudod of this directory put on an interface.
struct Mine {
  std::string interface;
  std::uint32_t program = 0;
};

std::vector<Mine> read_mine(const std::string& path) {
  std::vector<Mine> found;
  std::ifstream file{path};
  for (Mine one; file >> one.interface >> one.program;) found.push_back(one);
  return found;
}

Status<io::SystemError> write_mine(const std::string& path, const std::vector<Mine>& mine) {
  std::string text;
  for (const Mine& one : mine) text += one.interface + " " + std::to_string(one.program) + "\n";
  return io::replace_file(path, text, kOwnersOnly);
}

bool is_mine(const std::vector<Mine>& mine, const std::string& interface, std::uint32_t program) {
  return std::ranges::any_of(mine,
                             [&](const Mine& one) { return one.interface == interface && one.program == program; });
}

void take_away(const Mine& one, host::Netlink& netlink) {
  const auto link = netlink.link(one.interface);
  if (link && link->xdp_program == one.program)
    static_cast<void>(netlink.set_xdp(link->index, std::nullopt, link->xdp));
}

Status<std::string> check(const std::string& interface, const host::Link& link, const std::vector<Mine>& mine) {
  constexpr std::size_t kMostMtu = io::XdpSocket::kMaxFrame - io::XdpSocket::kFrameHeader;
  if (!link.ethernet) return Failure{interface + ": is no Ethernet interface"};
  if (link.mtu > kMostMtu) return Failure{interface + ": its MTU is above " + std::to_string(kMostMtu)};
  const bool foreign = link.xdp != XdpMode::None && !is_mine(mine, interface, link.xdp_program);
  if (foreign)
    return Failure{interface + ": another XDP program is on it (`ip link set dev " + interface +
                   " xdp off` takes it away)"};
  return Done{};
}

/// In front of the driver where that can, else behind it.
Result<XdpMode, io::SystemError> attach(host::Netlink& netlink, const host::Link& link, int program) {
  const bool either = link.xdp == XdpMode::None;
  if (either && netlink.set_xdp(link.index, program, XdpMode::Native)) return XdpMode::Native;
  const XdpMode mode = either ? XdpMode::Generic : link.xdp;
  TRY_DONE(netlink.set_xdp(link.index, program, mode));
  return mode;
}

Result<std::vector<io::XdpSocket>, io::SystemError> open_queues(const host::Link& link, io::WireFilter& filter) {
  std::vector<io::XdpSocket> sockets;
  const std::uint32_t most = std::min(link.receive_queues, std::uint32_t{io::WireFilter::kMaxQueues});
  for (std::uint32_t queue = 0; queue < most; ++queue) {
    auto socket = io::XdpSocket::open(link.index, queue);
    // An interface may have fewer queues in use than it could have.
    if (!socket && queue > 0 && socket.error().number == EINVAL) break;
    if (!socket) return Failure{socket.error()};
    TRY_DONE(filter.lead(queue, socket->fd()));
    sockets.push_back(*std::move(socket));
  }
  return sockets;
}

Failure<std::string> said_of(const std::string& interface, const io::SystemError& error) {
  return Failure{interface + ": " + error.to_string()};
}

}  // namespace

Result<WireLanes, std::string> WireLanes::take(const Spec& spec, host::Netlink& netlink) {
  WireLanes made;
  made.lanes_.reserve(spec.interfaces.size());
  for (const Mine& one : read_mine(spec.state_file)) {
    if (std::ranges::find(spec.interfaces, one.interface) == spec.interfaces.end()) take_away(one, netlink);
  }
  if (spec.interfaces.empty()) std::remove(spec.state_file.c_str());
  for (const std::string& interface : spec.interfaces) TRY_DONE(made.take_one(interface, spec, netlink));
  return made;
}

Status<std::string> WireLanes::take_one(const std::string& interface, const Spec& spec, host::Netlink& netlink) {
  auto link = netlink.link(interface);
  if (!link) return said_of(interface, link.error());
  std::vector<Mine> mine = read_mine(spec.state_file);
  TRY_DONE(check(interface, *link, mine));
  auto filter = io::WireFilter::load(link->mac, spec.encapsulation_ports);
  if (!filter) return said_of(interface, filter.error());
  const auto own = netlink.addresses();
  if (!own) return said_of(interface, own.error());
  filter->set_addresses(*own);
  auto sockets = open_queues(*link, *filter);
  if (!sockets) return said_of(interface, sockets.error());
  const auto id = io::bpf_program_id(filter->program());
  if (!id) return said_of(interface, id.error());
  mine.push_back({interface, *id});
  if (const auto kept = write_mine(spec.state_file, mine); !kept) return said_of(interface, kept.error());
  const auto mode = attach(netlink, *link, filter->program());
  if (!mode) return said_of(interface, mode.error());
  std::erase_if(mine, [&](const Mine& one) { return one.interface == interface && one.program != *id; });
  static_cast<void>(write_mine(spec.state_file, mine));
  lanes_.push_back({interface, *link, *mode, *std::move(filter), *std::move(sockets)});
  return Done{};
}

void WireLanes::follow_addresses(host::Netlink& netlink) {
  const auto own = netlink.addresses();
  if (!own) return;
  for (Lane& lane : lanes_) lane.filter.set_addresses(*own);
}

std::uint64_t WireLanes::losses() const {
  std::uint64_t sum = 0;
  for (const Lane& lane : lanes_) {
    for (const io::XdpSocket& socket : lane.sockets) sum += socket.losses();
  }
  return sum;
}

void WireLanes::detach(const std::string& state_file, host::Netlink& netlink) {
  for (const Mine& one : read_mine(state_file)) take_away(one, netlink);
  std::remove(state_file.c_str());
}

}  // namespace testudo::app
