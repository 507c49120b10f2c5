#include "engine/express_in.h"

#include <algorithm>

#include "base/room.h"
#include "engine/classify.h"
#include "engine/history.h"
#include "net/protocol.h"
#include "transform/ecn.h"
#include "transform/rewrite.h"

namespace testudo::engine {
namespace {

namespace protocol = net::protocol;
using wire::packet::Plain;

/// Of one batch; fewer stay in the caches.
constexpr std::size_t kManySas = 8;

sad::UdpWay udp_way(const Plain& outer, Bytes packet) {
  const net::Flow flow = wire::packet::flow_of(outer, packet);
  return {flow.source, {flow.source_port, flow.destination_port}};
}

/// Of an ESP packet that the short way took.
net::Flow outer_flow(const PacketBuffer& packet) {
  const std::optional<Plain> outer = wire::packet::read_plain(packet.bytes());
  if (!outer) return {};
  if (outer->protocol == protocol::kUdp) return wire::packet::flow_of(*outer, packet.bytes());
  return {wire::packet::source_of(*outer, packet.bytes()), wire::packet::destination_of(*outer, packet.bytes()),
          protocol::kEsp};
}

/// Of an opened packet, what is between header and trailer.
Bytes payload_of(const transform::EspToOpen& esp) {
  return Bytes{esp.esp}.subspan(esp.front, esp.esp.size() - esp.front - esp.back);
}

/// A TCP or UDP packet that is what the next header says.
bool is_common(const Plain& inner, const transform::EspToOpen& esp, Bytes packet) {
  if (esp.next_header != (inner.is_v4() ? protocol::kIpv4 : protocol::kIpv6)) return false;
  if (inner.protocol != protocol::kTcp && inner.protocol != protocol::kUdp) return false;
  return !inner.is_v4() || wire::packet::plain_checksum_is_right(packet.data());
}

}  // namespace

bool ExpressIn::open(const Verdicts& verdicts) {
  now_ = verdicts.now();
  lane_count_ = waiting_ = 0;
  last_key_ = {};
  last_lane_ = nullptr;
  foreseen_.begin_batch();
  return !verdicts.tracing() && parts_.settings.esp_enable != 0 && parts_.policies().size() != 0 && active(parts_);
}

void ExpressIn::foresee(std::span<PacketBuffer* const> next) const {
  if (!many_sas_) return;
  Room<sad::Database::Name, kMost> names;
  for (const PacketBuffer* packet : next.first(std::min(next.size(), kMost))) {
    const std::optional<Plain> outer = wire::packet::read_plain(packet->bytes());
    const auto udp = outer ? length_of_udp(*outer, packet->bytes()) : std::nullopt;
    if (!udp) continue;
    names.add() = {wire::packet::destination_of(*outer, packet->bytes()), sad::SaProtocol::Esp,
                   Spi{be32(packet->data() + outer->header_length + *udp)}};
  }
  parts_.sad.foresee(names.all());
}

bool ExpressIn::take(PacketBuffer& packet) {
  const std::optional<Plain> outer = wire::packet::read_plain(packet.bytes());
  if (!outer) return false;
  const auto udp = outer->protocol == protocol::kEsp ? std::optional<std::uint8_t>{0} : length_of_udp(packet.bytes());
  if (!udp || (outer->is_v4() && !wire::packet::plain_checksum_is_right(packet.data()))) return false;
  const Spi spi{be32(packet.data() + outer->header_length + *udp)};
  if (outer->key != last_key_ || spi != last_spi_) {
    last_lane_ = lane_for(packet.bytes(), spi);
    last_key_ = outer->key;
    last_spi_ = spi;
  }
  if (last_lane_ == nullptr) return false;

  packet.trim_back(packet.size() - outer->total_length);
  Item& item = items_[waiting_++];
  item.packet = &packet;
  item.header_length = outer->header_length;
  item.traffic_class = outer->traffic_class;
  item.udp = *udp;
  item.next = nullptr;
  (last_lane_->first == nullptr ? last_lane_->first : last_lane_->last->next) = &item;
  last_lane_->last = &item;
  return true;
}

/// Of the header in front of ESP, 0 when there is none.  Nothing for other packets, or for one that may be IKE (RFC
/// 3948 section 2.2), or whose length is not what the IP header says.
std::optional<std::uint8_t> ExpressIn::length_of_udp(const Plain& outer, Bytes packet) const {
  constexpr std::size_t kEspHeader = 8;
  if (outer.protocol == protocol::kEsp) return std::uint8_t{0};
  if (outer.protocol != protocol::kUdp || !takes_udp(static_cast<std::uint16_t>(outer.first_word()))) {
    return std::nullopt;
  }
  const std::size_t length = outer.total_length - outer.header_length;
  if (length < wire::packet::kUdpHeader + kEspHeader) return std::nullopt;
  const std::uint8_t* const udp = packet.data() + outer.header_length;
  if (be16(udp + 4) != length || be32(udp + wire::packet::kUdpHeader) == 0) return std::nullopt;
  return std::uint8_t{wire::packet::kUdpHeader};
}

std::optional<std::uint8_t> ExpressIn::length_of_udp(Bytes packet) const {
  const std::optional<Plain> outer = wire::packet::read_plain(packet);
  return outer ? length_of_udp(*outer, packet) : std::nullopt;
}

bool ExpressIn::takes_udp(std::uint16_t port) const {
  const auto has = [port](const std::vector<std::uint16_t>& ports) {
    return std::ranges::find(ports, port) != ports.end();
  };
  return has(encapsulation_ports_) || has(socket_ports_);
}

/// Reads the packet once more, as does what else take() and accept() ask rarely: a Plain stays in registers while it is
/// shown to nobody.
ExpressIn::Lane* ExpressIn::lane_for(Bytes packet, Spi spi) {
  const std::optional<Plain> outer = wire::packet::read_plain(packet);
  sad::Sa* const sa = outer ? usable_sa(*outer, packet, spi) : nullptr;
  if (sa == nullptr) return nullptr;
  const auto lanes = std::span{lanes_}.first(lane_count_);
  const auto same = std::ranges::find(lanes, sa, &Lane::sa);
  if (same != lanes.end()) return &*same;
  // There is one: every lane has a packet, and items_ is as long.
  Lane& lane = lanes_[lane_count_++];
  lane = {sa, nullptr, nullptr};
  return &lane;
}

/// The SA that the packet names, when nothing about the two is unusual.
sad::Sa* ExpressIn::usable_sa(const Plain& outer, Bytes packet, Spi spi) const {
  const net::Address destination = wire::packet::destination_of(outer, packet);
  if (!parts_.host.is_local(destination)) return nullptr;
  std::optional<sad::UdpWay> by;
  if (outer.protocol == protocol::kUdp) by = udp_way(outer, packet);
  sad::Sa* const sa = parts_.sad.inbound(sad::SaProtocol::Esp, destination, spi, by);
  if (sa == nullptr || !sa->usable() || sa->group().mode == sad::Mode::Transport) return nullptr;
  if (sa->parameters().flags.old_format || sa->parameters().hard().limits_use()) return nullptr;
  if (sa->parameters().nat.has_value() != by.has_value()) return nullptr;
  // From elsewhere, or back from there: the long way watches where the peer is.
  if (by) return sa->group().source == by->source && sa->group().ports == by->ports && !is_away(*sa) ? sa : nullptr;
  const net::Address& peer = sa->group().source;
  return peer.is_unspecified() || peer == wire::packet::source_of(outer, packet) ? sa : nullptr;
}

bool ExpressIn::is_away(sad::Sa& sa) const {
  const sad::Turn::Held held{parts_.shared == nullptr ? nullptr : &sa.turn};
  return sa.whereabouts && sa.whereabouts->away;
}

void ExpressIn::finish(const GoOn& go_on, Verdicts& verdicts) {
  if (waiting_ == 0) return;
  for (const Lane& lane : std::span{lanes_}.first(lane_count_)) run(lane, go_on, verdicts);
  many_sas_ = lane_count_ >= kManySas;
  lane_count_ = waiting_ = 0;
  last_key_ = {};
  last_lane_ = nullptr;
}

void ExpressIn::run(const Lane& lane, const GoOn& go_on, Verdicts& verdicts) {
  Room<transform::EspToOpen, kMost> esps;
  for (const Item* item = lane.first; item != nullptr; item = item->next) {
    esps.add().esp = item->packet->bytes().subspan(item->in_front_of_esp());
  }
  {
    const sad::Turn::Held held{parts_.shared == nullptr ? nullptr : &lane.sa->turn};
    transform::open_payloads(*lane.sa, esps.all(), parts_.worker);
  }

  verdicts.enter(esps.size(), spd::Direction::In);
  verdicts.statistics().esp.input += esps.size();
  Delivery delivery;
  judged_ = {};
  foresee_flows(esps.all());
  const transform::EspToOpen* esp = esps.all().data();
  for (const Item* item = lane.first; item != nullptr; item = item->next, ++esp) {
    if (!esp->result) {
      verdicts.drop(esp->result.error(), outer_flow(*item->packet), name_of(*lane.sa));
    } else if (!accept(*item, lane, *esp, delivery)) {
      deliver(*lane.sa, delivery, verdicts);  // what came before it
      go_on(restore(*item, lane, *esp));
    }
  }
  deliver(*lane.sa, delivery, verdicts);
}

void ExpressIn::foresee_flows(std::span<const transform::EspToOpen> opened) {
  if (!foreseen_.worth_while()) return;
  foreseen_.begin();
  for (const transform::EspToOpen& esp : opened) {
    if (esp.result) foreseen_.expect(payload_of(esp));
  }
  foreseen_.look(parts_.policies());
}

/// Takes everything around the inner packet off, when it may be delivered just so.
bool ExpressIn::accept(const Item& item, const Lane& lane, const transform::EspToOpen& esp, Delivery& delivery) {
  const Bytes payload = payload_of(esp);
  const std::optional<Plain> inner = wire::packet::read_plain(payload);
  if (!inner || !is_common(*inner, esp, payload) || !leaves_mark_alone(item, *inner)) return false;
  if (inner->key != judged_.key) {
    settle();
    judged_ = {inner->key, judge_flow(payload, *lane.sa), 0};
  }
  if (judged_.policy == nullptr) return false;
  ++judged_.packets;
  item.packet->trim_front(item.in_front_of_esp() + esp.front);
  item.packet->set_size(inner->total_length);
  delivery.going[delivery.packets++] = item.packet;
  delivery.payload += payload.size();
  delivery.bytes += inner->total_length;
  return true;
}

/// RFC 6040: the outer header's mark does not change the inner one.
bool ExpressIn::leaves_mark_alone(const Item& item, const Plain& inner) const {
  const transform::HeaderSettings& headers = parts_.settings.headers;
  const auto mode =
      transform::ecn_mode(item.header_length == wire::packet::kIpv4Header ? headers.ecn_v4 : headers.ecn_v6);
  return transform::inner_traffic_class(mode, inner.traffic_class, item.traffic_class) == inner.traffic_class;
}

/// The policy that accepts the flow through this SA.
const spd::Policy* ExpressIn::judge_flow(Bytes packet, const sad::Sa& sa) {
  const std::optional<Plain> inner = wire::packet::read_plain(packet);
  if (!inner) return nullptr;
  const net::Flow flow = wire::packet::flow_of(*inner, packet);
  // From one of our own addresses: spoofed, unless the settings say otherwise.  UDP to us may be ESP.
  if (parts_.host.is_local(flow.source)) return nullptr;
  const bool for_us = flow.destination.is_multicast() || parts_.host.is_local(flow.destination);
  if (flow.protocol == protocol::kUdp && for_us && takes_udp(flow.destination_port)) return nullptr;
  const spd::Policy* const policy = foreseen_.policy_of(*inner, flow, parts_.policies());
  if (policy == nullptr || policy->action != spd::Action::Ipsec) return nullptr;
  History history;
  history.opened(sa);
  history.tunnel_left();
  return judge(history, *policy, flow, parts_.settings) == Judgement::Satisfied ? policy : nullptr;
}

void ExpressIn::settle() {
  if (judged_.packets == 0) return;
  judged_.policy->count(judged_.packets, now_);
  judged_.packets = 0;
}

void ExpressIn::deliver(sad::Sa& sa, Delivery& delivery, Verdicts& verdicts) {
  if (delivery.packets == 0) return;
  settle();
  sa.share(parts_.worker).count(delivery.packets, delivery.payload, now_);
  Statistics& statistics = verdicts.statistics();
  statistics.spd_lookups += delivery.packets;
  statistics.esp.input_bytes += delivery.payload;
  count_algorithms(sa, delivery.packets, statistics);
  statistics.ipip.input += delivery.packets;
  statistics.ipip.input_bytes += delivery.bytes;
  verdicts.to_host(std::span{delivery.going}.first(delivery.packets));
  delivery.packets = delivery.payload = delivery.bytes = 0;
}

/// Leaves the packet as the long way expects it behind a transform: the outer header in front of what was protected.
ExpressIn::Opened ExpressIn::restore(const Item& item, const Lane& lane, const transform::EspToOpen& esp) {
  PacketBuffer& packet = *item.packet;
  const net::Flow flow = outer_flow(packet);
  std::optional<sad::UdpWay> udp;
  if (item.udp != 0) udp = sad::UdpWay{flow.source, {flow.source_port, flow.destination_port}};
  packet.trim_back(esp.back);
  packet.erase(item.header_length, item.udp + esp.front);
  const bool v4 = item.header_length == wire::packet::kIpv4Header;
  transform::announce(packet, v4 ? net::Family::V4 : net::Family::V6, esp.next_header);
  return {&packet, lane.sa, flow, {esp.next_header, esp.sequence}, udp};
}

}  // namespace testudo::engine
