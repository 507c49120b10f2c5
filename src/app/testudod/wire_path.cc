#include "app/testudod/wire_path.h"

#include <algorithm>
#include <utility>

#include "io/clock.h"
#include "wire/packet/icmp.h"

namespace testudo::app {
namespace {

using net::DropReason;

constexpr int kBatchesACall = 4;  // so that a flood on one side cannot starve the other
// Of one batch, in which a packet that was joined may leave in many pieces.
constexpr std::size_t kMostRouted = 256;

/// What the IP header says; less than `packet` where the link fills up short frames.
std::optional<std::size_t> stated_length(Bytes packet) {
  wire::Reader r{packet};
  const auto first = r.u8();
  if (!first) return std::nullopt;
  const bool v4 = *first >> 4 == 4;
  if (!r.skip(v4 ? 1U : 3U)) return std::nullopt;
  const auto length = r.u16();
  if (!length) return std::nullopt;
  return *length + (v4 ? std::size_t{0} : wire::packet::kIpv6Header);
}

std::optional<net::Address> destination_of(Bytes packet) {
  wire::Reader r{packet};
  const auto first = r.u8();
  if (!first) return std::nullopt;
  const bool v4 = *first >> 4 == 4;
  if (!r.skip(v4 ? 15U : 23U)) return std::nullopt;
  const auto bytes = r.take(v4 ? 4U : 16U);
  if (!bytes) return std::nullopt;
  if (v4) return net::Address::v4(std::span<const std::uint8_t, 4>{*bytes});
  return net::Address::v6(std::span<const std::uint8_t, 16>{*bytes});
}

io::FrameSocket::Header frame_header(const io::MacAddress& to, const io::MacAddress& from, Bytes packet) {
  const bool v4 = packet[0] >> 4 == 4;
  io::FrameSocket::Header header{};
  std::ranges::copy(to, header.begin());
  std::ranges::copy(from, header.begin() + 6);
  header[12] = v4 ? 0x08 : 0x86;
  header[13] = v4 ? 0x00 : 0xdd;
  return header;
}

}  // namespace

WirePath::WirePath(Parts parts)
    : parts_(std::move(parts)),
      incoming_(io::kBuffers),
      malformed_([this](Bytes packet) { parts_.engine.count_drop(DropReason::InboundMalformed, packet); }),
      refused_([this](Bytes packet) { parts_.engine.count_drop(DropReason::QueueFull, packet); }) {
  batch_.reserve(kMostRouted);
}

void WirePath::add(unsigned device, const io::MacAddress& own, io::FrameSocket& socket) {
  if (exit_by(device) == nullptr) exits_.push_back({device, own, &socket});
}

void WirePath::from_interface(io::FrameSocket& socket) {
  for (int round = 0; round < kBatchesACall || socket.pending(); ++round) {
    if (!read(socket)) return;
    stage_ = Stage::Arriving;
    parts_.engine.inbound(batch_, now_, *this);
    forward();
    flush();
  }
}

void WirePath::flush() {
  send();
  turn_ = {};
  parts_.host_way.flush();
}

void WirePath::send() {
  for (const Exit& exit : exits_) exit.socket->flush(refused_);
  parts_.host_way.send();
}

/// What the turn before was for leaves first: one at a time, so that two workers never wait for each other.
void WirePath::before_sealing(const sad::Sa& sa) {
  std::mutex* const turn = parts_.turns.of(sa);
  if (turn == nullptr || turn_.mutex() == turn) return;
  if (turn_.mutex() != nullptr) send();
  turn_ = {};
  turn_ = std::unique_lock{*turn};
}

/// False when nothing waits.
bool WirePath::read(io::FrameSocket& socket) {
  const std::size_t n = socket.receive(incoming_, malformed_);
  if (n == 0) return false;
  now_ = io::now();
  batch_.clear();
  for (engine::PacketBuffer& packet : std::span{incoming_}.first(n)) {
    if (const auto length = stated_length(packet.bytes()); length && *length < packet.size()) packet.set_size(*length);
    if (!parts_.host_way.holds_outbound()) {
      batch_.push_back(&packet);
    } else {
      parts_.engine.count_drop(DropReason::NoSa, packet.bytes());
    }
  }
  return true;
}

/// What is to be sent on is judged as outbound packets are; what the engine has to say about that, to other hosts,
/// likewise.
void WirePath::forward() {
  send_on(routed_, std::exchange(routed_count_, 0), Stage::Departing);
  send_on(answers_, std::exchange(answer_count_, 0), Stage::Answering);
  stage_ = Stage::Arriving;
}

void WirePath::send_on(std::span<engine::PacketBuffer> packets, std::size_t n, Stage stage) {
  if (n == 0) return;
  batch_.clear();
  for (engine::PacketBuffer& packet : packets.first(n)) batch_.push_back(&packet);
  stage_ = stage;
  parts_.engine.outbound(batch_, now_, *this);
}

void WirePath::to_host_by_udp(engine::PacketBuffer& packet, const sad::Ports& ports) {
  const auto ip = wire::packet::parse_ip(packet.bytes());
  if (!ip || stage_ == Stage::Answering || is_for_host(ip->destination)) {
    return parts_.host_way.to_host_by_udp(packet, ports);
  }
  if (stage_ == Stage::Departing) {
    return answer(parts_.limits.too_big, packet.bytes());
  }
  route(packet, *ip);
}

bool WirePath::is_for_host(const net::Address& destination) const {
  return parts_.view.is_local(destination) || destination.is_multicast() || destination.is_link_local() ||
         destination.is_unspecified() || destination == net::Address::v4(0xffffffff);
}

bool WirePath::is_martian(const net::Address& source) const {
  return parts_.view.is_local(source) || source.is_multicast() || source.is_link_local() || source.is_unspecified() ||
         source == net::Address::v4(0xffffffff);
}

void WirePath::route(engine::PacketBuffer& packet, const wire::packet::IpView& ip) {
  if (is_martian(ip.source)) return parts_.engine.count_drop(DropReason::Martian, packet.bytes());
  if (ip.ttl <= 1) {
    parts_.engine.count_drop(DropReason::HopLimit, packet.bytes());
    return tell_time_exceeded(packet.bytes(), ip);
  }
  engine::PacketBuffer* next = room(routed_, routed_count_, {});
  if (next == nullptr) return parts_.engine.count_drop(DropReason::QueueFull, packet.bytes());
  wire::packet::set_ttl(packet.bytes(), static_cast<std::uint8_t>(ip.ttl - 1));
  if (ip.is_v4()) wire::packet::update_ipv4_checksum(packet.bytes());
  std::swap(packet, *next);
}

void WirePath::tell_time_exceeded(Bytes packet, const wire::packet::IpView& ip) {
  const auto message = wire::packet::compose_time_exceeded(parts_.view.source_towards(ip.source), packet, ip);
  if (message) answer(parts_.limits.time_exceeded, *message);
}

/// An error of ours, to whoever sent what it is about.
void WirePath::answer(TokenBucket& limit, Bytes message) {
  const bool sent = limit.take(now_) && room(answers_, answer_count_, message) != nullptr;
  if (!sent) parts_.limits.withheld.add(1);
}

/// A place at the end of the queue, with this in it; null when there is none.
engine::PacketBuffer* WirePath::room(std::vector<engine::PacketBuffer>& queue, std::size_t& queued, Bytes packet) {
  if (queued >= kMostRouted) return nullptr;
  if (queued == queue.size()) queue.emplace_back();
  queue[queued].reset();
  if (!queue[queued].assign(packet)) return nullptr;
  return &queue[queued++];
}

const WirePath::Exit* WirePath::exit_by(unsigned device) const {
  const auto found = std::ranges::find(exits_, device, &Exit::device);
  return found == exits_.end() ? nullptr : &*found;
}

void WirePath::to_wire(engine::PacketBuffer& packet, bool in_clear) {
  const auto destination = destination_of(packet.bytes());
  const host::Hop* hop = destination ? parts_.hops.find(*destination, now_) : nullptr;
  const Exit* exit = hop != nullptr ? exit_by(hop->device) : nullptr;
  if (exit == nullptr) return parts_.host_way.to_wire(packet, in_clear);
  using Origin = io::FrameSocket::Origin;
  const Origin origin = in_clear ? Origin::Forwarded : Origin::Sealed;
  const auto header = frame_header(hop->mac, exit->own, packet.bytes());
  if (exit->socket->send(header, packet, origin)) return;
  exit->socket->flush(refused_);
  if (exit->socket->send(header, packet, origin)) return;
  parts_.engine.count_drop(DropReason::QueueFull, packet.bytes());
}

void WirePath::count_losses(std::uint64_t total) {
  if (total > losses_) parts_.engine.count_drop(DropReason::ReceiveQueueFull, {}, total - losses_);
  losses_ = total;
}

}  // namespace testudo::app
