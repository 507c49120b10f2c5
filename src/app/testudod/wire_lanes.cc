#include "app/testudod/wire_lanes.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "host/nft_table.h"
#include "host/wire_table.h"
#include "io/bpf.h"
#include "io/packet_socket.h"
#include "io/replace_file.h"
#include "io/xdp_socket.h"

namespace testudo::app {
namespace {

using host::XdpMode;

constexpr mode_t kOwnersOnly = 0600;

/// What a testudod of this directory put up: a program on an interface, or (without a number) a table of nft.
struct Mine {
  std::string name;
  std::uint32_t program = 0;

  bool is_table() const { return program == 0; }
  friend bool operator==(const Mine&, const Mine&) = default;
};

std::vector<Mine> read_mine(const std::string& path) {
  std::vector<Mine> found;
  std::ifstream file{path};
  for (Mine one; file >> one.name >> one.program;) found.push_back(one);
  return found;
}

Status<io::SystemError> write_mine(const std::string& path, const std::vector<Mine>& mine) {
  std::string text;
  for (const Mine& one : mine) text += one.name + " " + std::to_string(one.program) + "\n";
  return io::replace_file(path, text, kOwnersOnly);
}

/// Told before it is put up, so that a crash leaves nothing that nobody finds.
Status<io::SystemError> remember(const std::string& path, const Mine& one) {
  std::vector<Mine> mine = read_mine(path);
  if (std::ranges::find(mine, one) != mine.end()) return Done{};
  mine.push_back(one);
  return write_mine(path, mine);
}

void take_away(const Mine& one, host::Netlink& netlink, host::Nft& nft) {
  if (one.is_table()) {
    static_cast<void>(nft.run(host::nft_give_frames_back(one.name)));
    return;
  }
  const auto link = netlink.link(one.name);
  if (link && link->xdp_program == one.program)
    static_cast<void>(netlink.set_xdp(link->index, std::nullopt, link->xdp));
}

Status<std::string> check_programs(const WireLanes::Lane& lane, const std::vector<Mine>& mine) {
  const host::Link& link = lane.link;
  const bool foreign =
      link.xdp != XdpMode::None && std::ranges::find(mine, Mine{lane.name, link.xdp_program}) == mine.end();
  if (foreign)
    return Failure{lane.name + ": another XDP program is on it (`ip link set dev " + lane.name +
                   " xdp off` takes it away)"};
  return Done{};
}

Mine table_of(const WireLanes::Lane& lane) {
  return {host::nft_wire_table(lane.link.index), 0};
}

std::optional<bool> has_table(const Mine& table) {
  return host::nft_has_table(table.name, host::NftFamily::Netdev);
}

/// What an administrator can do about it.
std::string hint_of(int error, WireIo io) {
  const bool xdp = io == WireIo::Xdp;
  if (error == EPERM)
    return xdp ? "; AF_XDP takes CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF, and bpf(2) in SystemCallFilter= of its unit"
               : "; AF_PACKET takes CAP_NET_RAW";
  if (error == EAFNOSUPPORT)
    return std::string{"; RestrictAddressFamilies= of its unit, or the kernel, leaves out "} +
           (xdp ? "AF_XDP" : "AF_PACKET");
  if (error == ENOBUFS && xdp) return "; LimitMEMLOCK= of its unit may be too low: each queue takes 9 MiB";
  return "";
}

Failure<std::string> said_of(const std::string& interface, const io::SystemError& error, WireIo io) {
  return Failure{interface + ": " + error.to_string() + hint_of(error.number, io)};
}

/// In front of the driver where that can; else behind it, if `wanted` was no better.
Result<XdpMode, io::SystemError> attach(host::Netlink& netlink, const host::Link& link, int program, WireIo wanted) {
  const bool either = link.xdp == XdpMode::None;
  if (either || link.xdp == XdpMode::Native) {
    const auto done = netlink.set_xdp(link.index, program, XdpMode::Native);
    if (done) return XdpMode::Native;
    if (!either || wanted == WireIo::Auto) return Failure{done.error()};
  }
  TRY_DONE(netlink.set_xdp(link.index, program, XdpMode::Generic));
  return XdpMode::Generic;
}

Status<io::SystemError> open_queues(WireLanes::Lane& lane) {
  const std::uint32_t most = std::min(lane.link.receive_queues, std::uint32_t{io::WireFilter::kMaxQueues});
  for (std::uint32_t queue = 0; queue < most; ++queue) {
    auto socket = io::XdpSocket::open(lane.link.index, queue);
    // An interface may have fewer queues in use than it could have.
    if (!socket && queue > 0 && socket.error().number == EINVAL) break;
    if (!socket) return Failure{socket.error()};
    TRY_DONE(lane.filter->lead(queue, (*socket)->fd()));
    lane.sockets.push_back({*std::move(socket)});
  }
  return Done{};
}

}  // namespace

Result<WireLanes, std::string> WireLanes::take(const Spec& spec, host::Netlink& netlink) {
  WireLanes made{spec};
  made.lanes_.reserve(spec.interfaces.size());
  if (!spec.interfaces.empty()) {
    auto own = netlink.addresses();
    if (!own) return Failure{own.error().to_string()};
    made.own_ = *std::move(own);
  }
  for (const std::string& interface : spec.interfaces) TRY_DONE(made.take_one(interface, netlink));
  TRY_DONE(made.divide());
  TRY_DONE(made.put_rules());
  made.tidy(netlink);
  return made;
}

Status<std::string> WireLanes::take_one(const std::string& interface, host::Netlink& netlink) {
  auto link = netlink.link(interface);
  if (!link) return said_of(interface, link.error(), spec_.io);
  if (!link->ethernet) return Failure{interface + ": is no Ethernet interface"};
  Lane lane{interface, *link, XdpMode::None, std::nullopt, {}, {}};
  if (spec_.io != WireIo::Packet) TRY_DONE(check_programs(lane, read_mine(spec_.state_file)));
  // Of frames between the ends of a veth, or from a program, AF_XDP would not tell that their checksums are not there.
  bool by_packet = spec_.io == WireIo::Packet || (spec_.io == WireIo::Auto && !link->kind.empty());
  if (!by_packet) {
    const auto taken = take_by_xdp(lane, netlink);
    if (!taken && spec_.io == WireIo::Xdp) return Failure{taken.error()};
    if (!taken) lane.why_not_xdp = taken.error();
    by_packet = !taken;
  }
  if (by_packet) {  // opened by divide()
    lane.filter.reset();
    lane.sockets.clear();
  }
  lanes_.push_back(std::move(lane));
  return Done{};
}

Status<std::string> WireLanes::take_by_xdp(Lane& lane, host::Netlink& netlink) {
  constexpr std::size_t kMostMtu = io::XdpSocket::kMaxFrame - io::FrameSocket::kHeader;
  if (lane.link.mtu > kMostMtu) return Failure{lane.name + ": its MTU is above " + std::to_string(kMostMtu)};
  auto filter = io::WireFilter::load(lane.link.mac, spec_.encapsulation_ports);
  if (!filter) return said_of(lane.name, filter.error(), WireIo::Xdp);
  lane.filter.emplace(*std::move(filter));
  lane.filter->set_addresses(own_);
  if (const auto opened = open_queues(lane); !opened) return said_of(lane.name, opened.error(), WireIo::Xdp);
  const auto id = io::bpf_program_id(lane.filter->program());
  if (!id) return said_of(lane.name, id.error(), WireIo::Xdp);
  if (const auto kept = remember(spec_.state_file, {lane.name, *id}); !kept)
    return said_of(lane.name, kept.error(), WireIo::Xdp);
  const auto mode = attach(netlink, lane.link, lane.filter->program(), spec_.io);
  if (!mode) return said_of(lane.name, mode.error(), WireIo::Xdp);
  lane.mode = *mode;
  lane.link.xdp_program = *id;
  return Done{};
}

Status<std::string> WireLanes::take_by_packet(Lane& lane) {
  for (const std::uint16_t protocol : {io::PacketSocket::kIpv4, io::PacketSocket::kIpv6}) {
    auto group =
        io::PacketSocket::open({lane.link.index, protocol, spec_.offload, spec_.encapsulation_ports}, carriers_);
    if (!group) return said_of(lane.name, group.error(), WireIo::Packet);
    for (std::size_t worker = 0; worker < group->size(); ++worker) {
      lane.sockets.push_back({std::move((*group)[worker]), worker});
    }
  }
  return Done{};
}

/// Whose each socket is: a worker that has one of an interface has one of the other too, to send by.
Status<std::string> WireLanes::divide() {
  carriers_ = spec_.workers;
  for (const Lane& lane : lanes_) {
    if (lane.by_xdp()) carriers_ = std::min(carriers_, lane.sockets.size());
  }
  for (Lane& lane : lanes_) {
    if (!lane.by_xdp()) TRY_DONE(take_by_packet(lane));
    if (!lane.by_xdp()) continue;
    for (std::size_t queue = 0; queue < lane.sockets.size(); ++queue) lane.sockets[queue].worker = queue % carriers_;
  }
  return Done{};
}

Status<std::string> WireLanes::put_rules() {
  const std::vector<Mine> mine = read_mine(spec_.state_file);
  for (const Lane& lane : lanes_) {
    const Mine table = table_of(lane);
    if (lane.by_xdp()) continue;
    const bool foreign = std::ranges::find(mine, table) == mine.end() && has_table(table).value_or(false);
    if (foreign)
      return Failure{lane.name + ": another testudod has it (`nft delete table netdev " + table.name +
                     "` takes it away)"};
    if (const auto kept = remember(spec_.state_file, table); !kept) return said_of(lane.name, kept.error(), spec_.io);
  }
  if (const auto done = put_back(); !done) return Failure{done.error().to_string()};
  return Done{};
}

Status<io::SystemError> WireLanes::put_back() {
  std::string commands;
  for (const Lane& lane : lanes_) {
    if (lane.by_xdp()) continue;
    commands += host::nft_take_frames({lane.name, lane.link.index, lane.link.mac}, own_, spec_.encapsulation_ports);
  }
  return commands.empty() ? Done{} : nft_->run(commands);
}

bool WireLanes::in_place() const {
  return std::ranges::all_of(
      lanes_, [](const Lane& lane) { return lane.by_xdp() || has_table(table_of(lane)).value_or(true); });
}

/// What is in force by now stays; what else the file tells of goes.
void WireLanes::tidy(host::Netlink& netlink) {
  std::vector<Mine> used;
  for (const Lane& lane : lanes_) {
    used.push_back(lane.by_xdp() ? Mine{lane.name, lane.link.xdp_program} : table_of(lane));
  }
  for (const Mine& one : read_mine(spec_.state_file)) {
    if (std::ranges::find(used, one) == used.end()) take_away(one, netlink, *nft_);
  }
  if (used.empty()) {
    std::remove(spec_.state_file.c_str());
  } else {
    static_cast<void>(write_mine(spec_.state_file, used));
  }
}

void WireLanes::follow_addresses(host::Netlink& netlink) {
  auto own = netlink.addresses();
  if (!own || *own == own_) return;
  own_ = *std::move(own);
  for (Lane& lane : lanes_) {
    if (lane.filter) lane.filter->set_addresses(own_);
    // Without the table put_back() has them.
    if (!lane.by_xdp()) static_cast<void>(nft_->run(host::nft_own_addresses(table_of(lane).name, own_)));
  }
}

std::uint64_t WireLanes::losses() const {
  std::uint64_t sum = 0;
  for (const Lane& lane : lanes_) {
    for (const Held& held : lane.sockets) sum += held.socket->losses();
  }
  return sum;
}

void WireLanes::detach(const std::string& state_file, host::Netlink& netlink) {
  host::Nft nft;
  for (const Mine& one : read_mine(state_file)) take_away(one, netlink, nft);
  std::remove(state_file.c_str());
}

}  // namespace testudo::app
