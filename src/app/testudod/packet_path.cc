#include "app/testudod/packet_path.h"

#include <cerrno>

#include "io/clock.h"

namespace testudo::app {
namespace {

// Batches of one call, so that a flood on one side cannot starve the other or the key socket.
constexpr int kRounds = 4;

net::DropReason reason_of(int error) {
  if (error == ENETUNREACH || error == EHOSTUNREACH || error == ENETDOWN) return net::DropReason::NoRoute;
  if (error == EAGAIN || error == ENOBUFS || error == ENOMEM) return net::DropReason::QueueFull;
  return net::DropReason::SendFailed;
}

}  // namespace

PacketPath::PacketPath(engine::Engine& engine, const io::Tun& tun, io::Sender sender, Listeners listeners,
                       SendTurns& turns)
    : engine_(engine),
      host_(tun),
      sender_(std::move(sender)),
      listeners_(std::move(listeners)),
      turns_(turns),
      lost_([this](net::DropReason reason, Bytes packet) { engine_.count_drop(reason, packet); }),
      incoming_(io::kBuffers),
      outgoing_(io::kBuffers),
      slots_(io::kBuffers),
      used_(io::kBuffers) {
  batch_.reserve(io::kBuffers);
  to_send_.reserve(io::kBuffers);
  links_.reserve(io::kBuffers);
}

void PacketPath::from_host() {
  carry_out(host_, nullptr, hold_);
}

void PacketPath::from_sockets(io::HostPort& port, const spd::SocketPolicy* policy) {
  // Only one that goes before the SPD says enough while the SPD is not known.
  carry_out(port, policy, policy == nullptr || (hold_ && !policy->privileged));
}

void PacketPath::carry_out(io::HostPort& port, const spd::SocketPolicy* of_socket, bool hold) {
  const auto malformed = [&](Bytes packet) { engine_.count_drop(net::DropReason::OutboundInvalid, packet); };
  for (int round = 0; round < kRounds || port.pending(); ++round) {
    const auto batch = port.read(malformed);
    if (batch.empty()) return;
    seal(batch, of_socket, hold);
    if (port.drained()) return;
  }
}

void PacketPath::from_tunnel(Tunnels& tunnels, TunnelPort& port) {
  for (int round = 0; round < kRounds || port.pending(); ++round) {
    if (tunnels.read(port) == 0) return;
    for (const TunnelPort::Outgoing& outgoing : port.outgoing()) {
      if (!outgoing.packets.empty()) seal(outgoing.packets, outgoing.own ? &*outgoing.own : nullptr, hold_);
    }
    tunnels.settle(port);
    if (port.drained()) return;
  }
}

void PacketPath::seal(std::span<engine::PacketBuffer* const> batch, const spd::SocketPolicy* of_socket, bool hold) {
  if (hold) {
    for (const engine::PacketBuffer* p : batch) engine_.count_drop(net::DropReason::NoSa, p->bytes());
    return;
  }
  engine_.outbound(batch, io::now(), *this, of_socket);
  flush();
}

void PacketPath::from_wire(io::Receiver& receiver, Role role) {
  for (int round = 0; round < kRounds || receiver.pending(); ++round) {
    const std::size_t n = receiver.receive(fresh_slots());
    if (n == 0) return;
    used_ = n;
    batch_.clear();
    for (std::size_t i = 0; i < n; ++i) {
      if (slots_[i].length == 0) continue;
      incoming_[i].set_size(slots_[i].length);
      if (role == Role::IpInIp && !engine_.takes_ip_in_ip(incoming_[i].bytes())) continue;
      batch_.push_back(&incoming_[i]);
    }
    role_ = role;
    engine_.inbound(batch_, io::now(), *this);
    role_ = Role::Delivered;
    flush();
    if (receiver.drained()) return;
  }
}

/// Most wake-ups bring few packets: only what those took is made new.
std::span<io::Slot> PacketPath::fresh_slots() {
  for (std::size_t i = 0; i < used_; ++i) {
    incoming_[i].reset();
    slots_[i] = {incoming_[i].free_space(), 0};
  }
  used_ = 0;
  return slots_;
}

void PacketPath::count_overflows(io::Receiver& receiver) {
  if (const std::uint64_t lost = receiver.take_overflows(); lost > 0) {
    engine_.count_drop(net::DropReason::ReceiveQueueFull, {}, lost);
  }
  if (const std::uint64_t lost = receiver.take_skipped(); lost > 0) {
    engine_.count_drop(net::DropReason::InboundMalformed, {}, lost);
  }
}

void PacketPath::count_host_losses(std::uint64_t total) {
  if (total > host_losses_) engine_.count_drop(net::DropReason::ReceiveQueueFull, {}, total - host_losses_);
  host_losses_ = total;
}

void PacketPath::tick(Time now) {
  engine_.tick(now, *this);
  flush();
}

void PacketPath::to_wire(engine::PacketBuffer& packet, bool) {
  std::swap(packet, outgoing_[queued_++]);
  if (queued_ == outgoing_.size()) send();
}

void PacketPath::to_host_by_udp(engine::PacketBuffer& packet, const sad::Ports& ports) {
  if (role_ == Role::Overheard) return;
  if (tunnels_ != nullptr && !tunnels_->empty() && tunnels_->take(packet, ports, lost_)) return;
  if (host_.give(packet)) return;
  flush_host();
  static_cast<void>(host_.give(packet));  // there is room now
}

/// One turn at a time, so that two workers never wait for each other.
void PacketPath::before_sealing(const sad::Sa& sa) {
  std::mutex* const turn = turns_.of(sa);
  if (turn == nullptr || turn_.mutex() == turn) return;
  end_turn();
  turn_ = std::unique_lock{*turn};
}

void PacketPath::end_turn() {
  if (turn_.mutex() == nullptr) return;
  send();
  turn_ = {};
}

void PacketPath::flush() {
  end_turn();
  send();
  flush_host();
  if (tunnels_ != nullptr && !tunnels_->empty()) tunnels_->flush(lost_);
}

void PacketPath::flush_host() {
  host_.flush([&](Bytes packet) { engine_.count_drop(net::DropReason::HostQueueFull, packet); });
}

void PacketPath::send() {
  if (queued_ == 0) return;
  to_send_.clear();
  links_.clear();
  for (std::size_t i = 0; i < queued_; ++i) {
    to_send_.push_back(outgoing_[i].bytes());
    links_.push_back(outgoing_[i].link());
  }
  queued_ = 0;
  sender_.send(to_send_, links_, [&](std::size_t i, int error) { engine_.count_drop(reason_of(error), to_send_[i]); });
}

}  // namespace testudo::app
