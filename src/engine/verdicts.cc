#include "engine/verdicts.h"

#include "net/protocol.h"

namespace testudo::engine {
namespace {

/// Index into DropCount::by_protocol.
std::size_t protocol_slot(std::uint8_t protocol) {
  switch (protocol) {
    case net::protocol::kEsp:
      return 0;
    case net::protocol::kAh:
      return 1;
    case net::protocol::kIpcomp:
      return 2;
    default:
      return 3;
  }
}

/// Of an SA of ESP; 0 when netipsec knows none.
std::uint8_t authenticator_id(const sad::SaParameters& p) {
  using crypto::CipherKind;
  if (p.mac != nullptr) return p.mac->id;
  if (p.cipher == nullptr || (p.cipher->kind != CipherKind::AesGcm && p.cipher->kind != CipherKind::AesGmac)) return 0;
  const std::size_t key = p.cipher_key.size() - p.cipher->salt;
  return key == 16 ? kGmac128 : key == 24 ? kGmac192 : kGmac256;
}

void count(Statistics& statistics, net::DropReason reason, std::size_t packets, const DropSample& sample) {
  DropCount& drop = statistics.drops[static_cast<std::size_t>(reason)];
  drop.packets += packets;
  drop.by_protocol[protocol_slot(sample.protocol)] += packets;
  drop.last = sample;
}

}  // namespace

Passage Verdicts::enter(PacketBuffer& packet, spd::Direction direction) {
  direction_ = direction;
  ++(direction == spd::Direction::Out ? statistics().outbound_packets : statistics().inbound_packets);
  Passage passage;
  passage.packet = &packet;
  passage.number = ++ledger_.packets_seen * ledger_.number_step - ledger_.number_back;
  if (ledger_.tracing_entries) trace({.kind = TraceStep::Kind::Entered}, passage);
  return passage;
}

void Verdicts::enter(std::size_t packets, spd::Direction direction) {
  direction_ = direction;
  (direction == spd::Direction::Out ? statistics().outbound_packets : statistics().inbound_packets) += packets;
  ledger_.packets_seen += packets;
}

void Verdicts::to_wire(const Passage& passage, bool in_clear) {
  ++statistics().to_wire;
  trace({.kind = in_clear ? TraceStep::Kind::Bypassed : TraceStep::Kind::Emitted}, passage);
  out_.to_wire(*passage.packet, in_clear);
}

void Verdicts::to_host(const Passage& passage, const sad::Ports& ports) {
  ++statistics().to_host;
  trace({.kind = TraceStep::Kind::Delivered}, passage);
  if (ports == sad::Ports{}) return out_.to_host(*passage.packet);
  out_.to_host_by_udp(*passage.packet, ports);
}

void Verdicts::to_wire(std::span<PacketBuffer* const> sealed) {
  statistics().to_wire += sealed.size();
  for (PacketBuffer* packet : sealed) out_.to_wire(*packet, false);
}

void Verdicts::to_wire_in_clear(PacketBuffer& packet) {
  ++statistics().to_wire;
  out_.to_wire(packet, true);
}

void Verdicts::to_host(std::span<PacketBuffer* const> opened) {
  statistics().to_host += opened.size();
  for (PacketBuffer* packet : opened) out_.to_host(*packet);
}

void Verdicts::drop(net::DropReason reason, const net::Flow& flow, const LayerName& layer) {
  count(statistics(), reason, 1, {flow, layer.spi, layer.protocol});
}

void Verdicts::icmp_to_host(PacketBuffer& message) {
  ++statistics().icmp_made;
  ++statistics().to_host;
  out_.to_host(message);
}

void Verdicts::drop(net::DropReason reason, const Passage& passage, const LayerName& layer) {
  count(statistics(), reason, 1, {passage.flow, layer.spi, layer.protocol});
  trace({.kind = TraceStep::Kind::Dropped,
         .protocol = layer.protocol,
         .spi = layer.spi.value_or(Spi{}),
         .reason = reason},
        passage);
}

void Verdicts::trace(TraceStep step, const Passage& passage) {
  if (!tracing()) return;
  step.direction = direction_;
  step.packet = passage.number;
  step.flow = passage.flow;
  if (passage.packet != nullptr) step.bytes = passage.packet->bytes();
  step.length = step.bytes.size();
  out_.trace(step);
}

ProtocolCounters& counters_of(sad::SaProtocol protocol, Statistics& statistics) {
  switch (protocol) {
    case sad::SaProtocol::Ah:
      return statistics.ah;
    case sad::SaProtocol::Ipcomp:
      return statistics.ipcomp;
    case sad::SaProtocol::Esp:
    case sad::SaProtocol::TcpSignature:
      break;
  }
  return statistics.esp;
}

std::uint8_t algorithm_id(const sad::Sa& sa) {
  const sad::SaParameters& p = sa.parameters();
  if (sa.group().protocol == sad::SaProtocol::Esp) return p.cipher == nullptr ? std::uint8_t{0} : p.cipher->id;
  if (sa.group().protocol == sad::SaProtocol::Ipcomp) {
    return p.compression == nullptr ? std::uint8_t{0} : p.compression->id;
  }
  return p.mac == nullptr ? std::uint8_t{0} : p.mac->id;
}

void count_algorithms(const sad::Sa& sa, std::uint64_t packets, Statistics& statistics) {
  counters_of(sa.group().protocol, statistics).histogram[algorithm_id(sa)] += packets;
  if (sa.group().protocol != sad::SaProtocol::Esp) return;
  if (const std::uint8_t id = authenticator_id(sa.parameters()); id != 0) statistics.ah.histogram[id] += packets;
}

void count_drop(Statistics& statistics, net::DropReason reason, const net::Flow& flow, std::size_t fragments) {
  count(statistics, reason, fragments, {flow, {}, 0});
}

void count_outside_drop(Statistics& statistics, net::DropReason reason, Bytes packet, std::uint64_t packets) {
  Passage passage;
  LayerName layer;
  // The outside may show the first bytes only.
  if (const auto quoted = wire::packet::parse_quoted_ip(packet)) {
    const wire::packet::IpView& ip = quoted->ip;
    passage.flow = wire::packet::flow_of(ip, packet);
    layer = read_layer(ip.upper_protocol, packet.subspan(ip.upper_offset)).value_or(LayerName{});
  }
  statistics.given_back += packets;
  count(statistics, reason, packets, {passage.flow, layer.spi, layer.protocol});
}

}  // namespace testudo::engine
