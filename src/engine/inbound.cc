#include "engine/inbound.h"

#include <algorithm>
#include <utility>

#include "engine/icmp.h"
#include "net/protocol.h"
#include "sad/lifetime.h"
#include "transform/ah.h"
#include "transform/fragment.h"
#include "transform/ipcomp.h"
#include "transform/tunnel_outer.h"
#include "wire/reader.h"

namespace testudo::engine {
namespace {

namespace protocol = net::protocol;
using net::DropReason;
using wire::packet::IpView;

Bytes upper_of(const Passage& passage) {
  const auto& ip = passage.ip;
  return std::as_const(*passage.packet).bytes().subspan(ip.upper_offset, ip.total_length - ip.upper_offset);
}

bool is_ip(std::uint8_t next_protocol) {
  return next_protocol == protocol::kIpv4 || next_protocol == protocol::kIpv6;
}

bool enabled(sad::SaProtocol protocol, const Settings& settings) {
  switch (protocol) {
    case sad::SaProtocol::Ah:
      return settings.ah_enable != 0;
    case sad::SaProtocol::Ipcomp:
      return settings.ipcomp_enable != 0;
    default:
      return settings.esp_enable != 0;
  }
}

/// RFC 1122 section 3.2.1.2: "A host MUST verify the IP header checksum on every received datagram".
bool has_right_checksum(const IpView& ip, Bytes packet) {
  return !ip.is_v4() || wire::packet::checksum(packet.first(ip.header_length)) == 0;
}

bool at_home(const sad::Sa& sa, const sad::UdpWay& by) {
  return sa.group().source.without_scope() == by.source && sa.group().ports == by.ports;
}

/// An SA of NAT-T receives by UDP, and no other does.  The mapping of a peer may change at any time (RFC 3947 section
/// 4); that it is still the peer, only the ICV can tell.
bool may_come_by(const sad::Sa& sa, const std::optional<sad::UdpWay>& by) {
  if (!sa.parameters().nat || !by) return !sa.parameters().nat && !by;
  return at_home(sa, *by) || sa.layout().authenticated;
}

/// Eight zero bytes, of the first drafts' form.  Taken for IKE it would be a cookie of 0, and there is none.
bool starts_with_marker(wire::Reader payload) {
  const auto marker = payload.u64();
  return marker && *marker == 0;
}

/// What stands in the packet now.
Status<DropReason> look_again(Passage& passage) {
  const auto ip = wire::packet::parse_ip(passage.packet->bytes());
  if (!ip) return Failure{DropReason::InboundMalformed};
  passage.ip = *ip;
  return Done{};
}

}  // namespace

/// In the order in which they came, whichever way they go: a packet that is opened after sixty-four later ones of its
/// SA would be too old for a small window.
void Inbound::process(std::span<PacketBuffer* const> batch, Verdicts& verdicts) {
  arrivals_.clear();
  const bool express = !sockets_decide() && express_.open(verdicts);
  clear_.forget();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    PacketBuffer* const packet = batch[i];
    if (express && i % ExpressIn::kMost == 0) express_.foresee(batch.subspan(i));
    wire::packet::fetch_behind(batch, i);
    if (express && express_.take(*packet)) {
      walk_arrivals(verdicts);
      if (express_.full()) finish_express(verdicts);
    } else {
      finish_express(verdicts);
      if (!express || !pass_on(*packet, verdicts)) admit(verdicts.enter(*packet, spd::Direction::In), verdicts);
    }
  }
  finish_express(verdicts);
  walk_arrivals(verdicts);
}

void Inbound::walk_arrivals(Verdicts& verdicts) {
  if (arrivals_.empty()) return;
  walk(arrivals_, verdicts);
  arrivals_.clear();
}

void Inbound::finish_express(Verdicts& verdicts) {
  express_.finish([&](const ExpressIn::Opened& opened) { go_on(opened, verdicts); }, verdicts);
}

/// What came in clear, and may.
bool Inbound::pass_on(PacketBuffer& packet, Verdicts& verdicts) {
  const auto plain = wire::packet::read_plain(packet.bytes());
  if (!plain || (plain->protocol != protocol::kTcp && plain->protocol != protocol::kUdp)) return false;
  if (plain->is_v4() && !wire::packet::plain_checksum_is_right(packet.data())) return false;
  if (!clear_.knows(*plain)) learn_flow(packet.bytes());
  if (!clear_.passes()) return false;
  walk_arrivals(verdicts);  // what came before
  clear_.enter(packet, *plain, verdicts);
  PacketBuffer* const going = &packet;
  verdicts.to_host(std::span{&going, 1});
  return true;
}

/// Reads the packet once more, as ExpressIn::lane_for() does.  UDP to anybody may be ESP.
void Inbound::learn_flow(Bytes packet) {
  const auto plain = wire::packet::read_plain(packet);
  if (!plain) return;
  const net::Flow flow = wire::packet::flow_of(*plain, packet);
  const bool may_be_esp = flow.protocol == protocol::kUdp && carries_esp(flow.destination_port, true);
  clear_.learn(*plain, flow, !may_be_esp);
}

/// Opened on the short way, where it could not be judged.
void Inbound::go_on(const ExpressIn::Opened& opened, Verdicts& verdicts) {
  sad::Sa& sa = *opened.sa;
  Arrival arrival;
  arrival.passage.packet = opened.packet;
  arrival.passage.flow = opened.flow;
  arrival.udp = opened.udp;
  arrival.next = {.kind = Next::Kind::Open, .sa = &sa, .layer = name_of(sa)};
  const auto done = [&] {
    const sad::Turn::Held held{turn_of(sa)};
    return unwrap(arrival, opened.layer, verdicts);
  }();
  if (!done) return verdicts.drop(done.error(), arrival.passage, arrival.next.layer);
  walk({&arrival, 1}, verdicts);
}

void Inbound::admit(Passage passage, Verdicts& verdicts) {
  const auto ip = wire::packet::parse_ip(passage.packet->bytes());
  if (!ip || !has_right_checksum(*ip, passage.packet->bytes())) {
    return verdicts.drop(DropReason::InboundMalformed, passage);
  }
  passage.ip = *ip;
  passage.packet->trim_back(passage.packet->size() - ip->total_length);
  passage.flow = wire::packet::flow_of(*ip, passage.packet->bytes());
  arrivals_.push_back({.passage = passage, .history = {}, .udp = {}, .next = {}});
}

/// One layer of each packet, and then, for what was opened, the next.  The depth is bounded: each round adds a layer to
/// a history, which takes kMaxLayers.
void Inbound::walk(std::span<Arrival> arrivals, Verdicts& verdicts) {
  for (Arrival& arrival : arrivals) arrival.next = look(arrival, verdicts);
  while (!arrivals.empty()) {
    const Next& next = arrivals.front().next;
    if (next.kind != Next::Kind::Open) {
      finish(arrivals.front(), verdicts);
      arrivals = arrivals.subspan(1);
      continue;
    }
    const auto same = [&](const Arrival& a) { return a.next.kind == Next::Kind::Open && a.next.sa == next.sa; };
    const auto end = std::ranges::find_if_not(arrivals, same);
    const auto run = arrivals.first(static_cast<std::size_t>(end - arrivals.begin()));
    arrivals = arrivals.subspan(run.size());
    walk(open_run(run, verdicts), verdicts);
  }
}

void Inbound::finish(Arrival& arrival, Verdicts& verdicts) {
  switch (arrival.next.kind) {
    case Next::Kind::Drop:
      return verdicts.drop(arrival.next.reason, arrival.passage, arrival.next.layer);
    case Next::Kind::Strip: {
      arrival.history.opened(*arrival.next.sa);
      const auto done = leave_tunnel(arrival, arrival.passage.ip.upper_protocol, verdicts);
      if (!done) return verdicts.drop(done.error(), arrival.passage);
      return walk({&arrival, 1}, verdicts);
    }
    case Next::Kind::Wait:
      return;
    case Next::Kind::Deliver:
    case Next::Kind::Open:
      return deliver(arrival, verdicts);
  }
}

Inbound::Next Inbound::look(Arrival& arrival, Verdicts& verdicts) {
  const IpView& ip = arrival.passage.ip;
  if (ip.fragment && must_join(arrival) && !join(arrival, verdicts)) return {.kind = Next::Kind::Wait};
  const bool ours = is_for_us(ip.destination);
  // What came out of a tunnel for somebody else is passed on as it is, even when it is protected.
  if (ip.fragment || (!ours && !arrival.history.empty())) return {};
  if (const auto next = leave_udp(arrival, verdicts)) return *next;
  if (!ours) return turn_away(arrival, verdicts);
  if (is_ip(ip.upper_protocol)) {
    sad::Sa* sa = arrival.history.full() ? nullptr : uncompressed_tunnel(ip);
    return sa == nullptr ? Next{} : Next{.kind = Next::Kind::Strip, .sa = sa};
  }
  const auto sa_kind = sa_protocol(ip.upper_protocol);
  if (!sa_kind) return {};

  const LayerName unnamed{ip.upper_protocol, {}};
  ++counters_of(*sa_kind, verdicts.statistics()).input;
  const auto refuse = [&](DropReason reason, const LayerName& layer) {
    return Next{.kind = Next::Kind::Drop, .reason = reason, .layer = layer};
  };
  const auto layer = read_layer(ip.upper_protocol, upper_of(arrival.passage));
  if (!enabled(*sa_kind, parts_.settings)) return refuse(DropReason::TransformDisabled, layer.value_or(unnamed));
  if (!layer) return refuse(DropReason::InboundMalformed, unnamed);
  if (arrival.history.full()) return refuse(DropReason::NestedTooDeep, *layer);
  return find_sa(arrival, *layer);
}

/// The network sends us what the kernel takes for its own, and that is more than our addresses: broadcast, anycast, a
/// local route.  A protected packet to one of those has no SA, and handed on it would be given to us again, for ever.
Inbound::Next Inbound::turn_away(const Arrival& arrival, Verdicts& verdicts) {
  const std::uint8_t upper = arrival.passage.ip.upper_protocol;
  const auto kind = sa_protocol(upper);
  if (!kind) return {};
  ++counters_of(*kind, verdicts.statistics()).input;
  const LayerName unnamed{upper, {}};
  const LayerName layer = read_layer(upper, upper_of(arrival.passage)).value_or(unnamed);
  return {.kind = Next::Kind::Drop, .reason = DropReason::InboundNoSa, .layer = layer};
}

/// Only a whole packet can be opened, and only it shows what some policies ask for.
bool Inbound::must_join(const Arrival& arrival) const {
  return is_for_us(arrival.passage.ip.destination) ||
         selector_is_hidden(arrival.passage, spd::Direction::In, parts_.policies());
}

bool Inbound::join(Arrival& arrival, Verdicts& verdicts) {
  const bool clear = arrival.history.empty();
  return (clear ? joiners_.clear : joiners_.opened).join(arrival.passage, arrival.history.way(), verdicts);
}

/// RFC 4301 section 5.2 step 3a: by destination, protocol and SPI.
Inbound::Next Inbound::find_sa(const Arrival& arrival, const LayerName& layer) const {
  constexpr std::uint32_t kWellKnownCpis = 256;
  const IpView& ip = arrival.passage.ip;
  const auto kind = *sa_protocol(layer.protocol);
  const bool well_known = kind == sad::SaProtocol::Ipcomp && layer.spi->value < kWellKnownCpis;
  sad::Sa* sa = well_known ? parts_.sad.inbound_compression(ip.source, ip.destination,
                                                            static_cast<std::uint16_t>(layer.spi->value))
                           : parts_.sad.inbound(kind, ip.destination, *layer.spi, arrival.udp);
  Next next{.kind = Next::Kind::Drop, .layer = layer};
  if (sa == nullptr) {
    next.reason = DropReason::InboundNoSa;
  } else if (!sa->usable()) {
    next.reason = DropReason::SaNotUsable;
  } else if (kind == sad::SaProtocol::Esp && !may_come_by(*sa, arrival.udp)) {
    next.reason = DropReason::NatTPortMismatch;
  } else if (sad::past_use(sa->parameters().hard(), sa->usage())) {
    next.reason = DropReason::HardLifetime;
  } else {
    next.kind = Next::Kind::Open;
    next.sa = sa;
  }
  return next;
}

/// RFC 3948 section 2: ESP, IKE and keepalives share a port.  Takes the UDP header off ESP; nothing to do for others.
std::optional<Inbound::Next> Inbound::leave_udp(Arrival& arrival, Verdicts& verdicts) {
  Passage& passage = arrival.passage;
  if (passage.ip.upper_protocol != protocol::kUdp) return std::nullopt;
  wire::Reader in{upper_of(passage)};
  const auto header = in.take(wire::packet::kUdpHeader);
  if (!header) return std::nullopt;
  if (!carries_esp(be16(header->data() + 2), arrival.history.empty())) return std::nullopt;
  const bool marker = marked_as_esp(passage.ip.destination, in.rest());
  const auto payload = marker ? transform::UdpPayload::Esp : transform::classify_udp(in.rest());
  Next refused{.kind = Next::Kind::Drop, .reason = DropReason::NatKeepalive};
  if (payload == transform::UdpPayload::Ike) {
    if (!starts_with_marker(wire::Reader{in.rest()})) return Next{};
    refused.reason = DropReason::InboundNoSa;
    return refused;
  }
  if (payload == transform::UdpPayload::Keepalive) {
    ++verdicts.statistics().keepalives;
    return refused;
  }
  const auto ports = transform::decapsulate_udp(*passage.packet, passage.ip, marker);
  const auto seen = ports ? look_again(passage) : Status<DropReason>{Failure{ports.error()}};
  if (!seen) {
    refused.reason = seen.error();
    return refused;
  }
  arrival.udp = sad::UdpWay{passage.ip.source, {ports->source, ports->destination}};
  return std::nullopt;
}

/// A socket that asked for it has ESP taken out of what the host's rules turned over; what came inside ESP they never
/// saw, and it may be another socket's.
bool Inbound::carries_esp(std::uint16_t port, bool outermost) const {
  const auto has = [port](const std::vector<std::uint16_t>& ports) {
    return std::ranges::find(ports, port) != ports.end();
  };
  return has(encapsulation_ports_) || (outermost && has(socket_ports_));
}

/// The form of the first drafts: eight zero bytes in front of ESP, where RFC 3948 would see IKE.  Only an SA that was
/// set up for it makes it ESP.
bool Inbound::marked_as_esp(const net::Address& destination, Bytes payload) const {
  wire::Reader in{payload};
  const auto marker = in.u64();
  const auto spi = in.u32();
  if (!marker || !spi || *marker != 0) return false;
  const sad::Sa* sa = parts_.sad.inbound(sad::SaProtocol::Esp, destination, Spi{*spi}, sad::UdpWay{});
  return sa != nullptr && sa->parameters().nat && sa->parameters().nat->kind == sad::NatTraversal::Kind::NonIke;
}

bool Inbound::takes_ip_in_ip(const IpView& ip) const {
  return is_ip(ip.upper_protocol) && is_for_us(ip.destination) && uncompressed_tunnel(ip) != nullptr;
}

/// The IPcomp SA whose tunnel this packet came through without being compressed: "no IPComp header is added" when that
/// would make it longer (RFC 3173 section 2.2), and of the tunnel only the outer header is left.
sad::Sa* Inbound::uncompressed_tunnel(const IpView& ip) const {
  for (const crypto::CompressionRow& row : crypto::compressions()) {
    sad::Sa* sa = parts_.sad.inbound_compression(ip.source, ip.destination, row.id);
    if (sa != nullptr && sa->group().mode != sad::Mode::Transport) return sa;
  }
  return nullptr;
}

/// Opens a run of packets of one SA; returns those that go on.
std::span<Inbound::Arrival> Inbound::open_run(std::span<Arrival> run, Verdicts& verdicts) {
  sad::Sa& sa = *run.front().next.sa;
  const sad::Turn::Held held{turn_of(sa)};
  jobs_.clear();
  for (const Arrival& arrival : run) jobs_.push_back({.packet = arrival.passage.packet, .ip = arrival.passage.ip});
  open(sa);

  auto job = jobs_.cbegin();
  const auto end = std::remove_if(run.begin(), run.end(), [&](Arrival& arrival) {  // not ranges': clang 14 cannot
    const auto& opened = (job++)->result;
    auto done = opened ? unwrap(arrival, *opened, verdicts) : Status<DropReason>{Failure{opened.error()}};
    if (!done) verdicts.drop(done.error(), arrival.passage, arrival.next.layer);
    return !done;
  });
  return run.first(static_cast<std::size_t>(end - run.begin()));
}

void Inbound::open(sad::Sa& sa) {
  switch (sa.group().protocol) {
    case sad::SaProtocol::Esp:
      return transform::open_esp(sa, jobs_, parts_.worker);
    case sad::SaProtocol::Ah:
      return transform::verify_ah(sa, jobs_, parts_.settings.headers, parts_.worker);
    case sad::SaProtocol::Ipcomp:
      for (transform::OpenJob& job : jobs_) {
        job.result = transform::expand_ipcomp(sa, *job.packet, job.ip, scratch_, parts_.worker);
      }
      return;
    case sad::SaProtocol::TcpSignature:  // has no header of its own
      break;
  }
}

/// A layer is off and was genuine.  What it held is the packet now.
Status<DropReason> Inbound::unwrap(Arrival& arrival, const transform::Opened& opened, Verdicts& verdicts) {
  Passage& passage = arrival.passage;
  sad::Sa& sa = *arrival.next.sa;
  TRY_DONE(look_again(passage));
  const std::size_t payload = passage.ip.total_length - passage.ip.upper_offset;
  sa.share(parts_.worker).count(1, payload, verdicts.now());
  ProtocolCounters& counters = counters_of(sa.group().protocol, verdicts.statistics());
  counters.input_bytes += payload;
  count_algorithms(sa, 1, verdicts.statistics());
  verdicts.trace({.kind = TraceStep::Kind::Opened,
                  .protocol = arrival.next.layer.protocol,
                  .spi = sa.spi(),
                  .sequence = opened.sequence},
                 passage);

  const auto by = std::exchange(arrival.udp, std::nullopt);
  arrival.history.opened(sa);
  arrival.moved = by && !at_home(sa, *by);
  // Of those that crossed each other on the way, the last one sent is right.
  if (by && opened.sequence == sa.window.highest()) heed_whereabouts(sa, *by, verdicts);
  // An IP packet in a transport SA is what gif(4) sends: it is the host's to decapsulate.
  const bool tunnel = is_ip(opened.next_protocol) && sa.group().mode != sad::Mode::Transport;
  if (tunnel) return leave_tunnel(arrival, opened.next_protocol, verdicts);
  if (by) transform::repair_checksum(*passage.packet, passage.ip);
  return Done{};
}

/// ICV and replay window have let the packet pass.  Without a window anybody could have sent it again from elsewhere.
void Inbound::heed_whereabouts(sad::Sa& sa, const sad::UdpWay& by, Verdicts& verdicts) {
  constexpr Duration kPatience = std::chrono::seconds{1};
  auto& known = sa.whereabouts;
  if (at_home(sa, by)) {
    if (known) known->away.reset();
    return;
  }
  const net::Endpoint now_at{by.source, by.ports.source};
  if (sa.window.packets() == 0 || (known && known->away == now_at)) return;
  if (known && verdicts.now() - known->since < kPatience) return;
  known = sad::Whereabouts{now_at, verdicts.now()};
  verdicts.new_mapping(sa, now_at);
}

Status<DropReason> Inbound::leave_tunnel(Arrival& arrival, std::uint8_t next_protocol, Verdicts& verdicts) {
  Passage& passage = arrival.passage;
  const net::Address peer = arrival.history.layers().back().sa->group().source.without_scope();
  if (passage.ip.source != peer && !peer.is_unspecified() && !arrival.moved)
    return Failure{DropReason::WrongModeOrEndpoint};
  ProtocolCounters& ipip = verdicts.statistics().ipip;
  ++ipip.input;
  TRY(passage.ip, transform::strip_outer(*passage.packet, passage.ip, next_protocol, parts_.settings.headers));
  arrival.history.tunnel_left();
  passage.largest_piece = 0;  // that was the outer packet
  if (parts_.settings.ipip_spoofcheck != 0 && parts_.host.is_local(passage.ip.source)) {
    return Failure{DropReason::InnerSpoofed};
  }
  ipip.input_bytes += passage.ip.total_length;
  passage.flow = wire::packet::flow_of(passage.ip, passage.packet->bytes());
  verdicts.trace({.kind = TraceStep::Kind::Stripped, .protocol = next_protocol}, passage);
  return Done{};
}

/// No layer for us is left.  RFC 4301 section 5.2 step 4, and the packet is the host's.
void Inbound::deliver(Arrival& arrival, Verdicts& verdicts) {
  Passage& passage = arrival.passage;
  passage.flow = wire::packet::flow_of(passage.ip, passage.packet->bytes());
  if (arrival.history.tunnel_expected()) {
    return verdicts.drop(DropReason::WrongModeOrEndpoint, passage, name_of(*arrival.history.layers().back().sa));
  }
  const bool from_outside = arrival.history.empty() && is_for_us(passage.ip.destination);
  if (from_outside && heed_icmp(passage, verdicts)) return;
  if (const auto reason = judge_by_policy(arrival, verdicts)) return verdicts.drop(*reason, passage);
  if (passage.joined() && !is_for_us(passage.ip.destination)) return deliver_in_pieces(passage, verdicts);
  const bool ip_in_ip = is_ip(passage.ip.upper_protocol) && !arrival.history.empty();
  verdicts.to_host(passage, ip_in_ip ? arrival.history.layers().back().sa->group().ports : sad::Ports{});
}

/// A packet for somebody else that was joined only to be judged goes on in pieces that fit where those fitted that
/// came: nobody on its way may have to cut it, and for IPv6 nobody could.
void Inbound::deliver_in_pieces(Passage& whole, Verdicts& verdicts) {
  wire::packet::clear_dont_fragment(whole.packet->bytes(), whole.ip);
  Passage piece = whole;
  piece.packet = &scratch_;
  std::size_t pieces = 0;
  const auto hand_on = [&](Bytes fragment) -> Status<DropReason> {
    if (!scratch_.assign(fragment)) return Failure{DropReason::NoRoom};
    if (pieces++ > 0) verdicts.made_fragment();
    verdicts.to_host(piece);
    return Done{};
  };
  const std::uint32_t identification = parts_.random.between(0, UINT32_MAX);
  const auto done = transform::fragment(whole.packet->bytes(), whole.ip, whole.largest_piece, identification, hand_on);
  if (done) return;
  if (pieces > 0) verdicts.made_fragment();  // what is dropped now is one more than what was sent
  verdicts.drop(done.error(), whole);
}

/// True when the packet was an ICMP error about what we protected, and is dealt with.
bool Inbound::heed_icmp(const Passage& passage, Verdicts& verdicts) {
  const IcmpMeaning meaning = read_icmp(passage, parts_.sad, encapsulation_ports_);
  switch (meaning.kind) {
    case IcmpMeaning::Kind::Unbelieved:
      verdicts.drop(DropReason::IcmpUnbelieved, passage, meaning.layer);
      return true;
    case IcmpMeaning::Kind::TooBig:
      learned_.lower(meaning.destination, meaning.mtu, verdicts.now());
      verdicts.consumed();
      return true;
    case IcmpMeaning::Kind::NotOurs:
    case IcmpMeaning::Kind::Other:
      break;
  }
  return false;
}

/// Why the packet may not come in, if so.
std::optional<DropReason> Inbound::judge_by_policy(const Arrival& arrival, Verdicts& verdicts) {
  const Passage& passage = arrival.passage;
  const Classified found = classify(passage, spd::Direction::In, socket_policy(passage, verdicts), parts_, verdicts);
  switch (found.answer) {
    case Classified::Answer::Clear:
      return std::nullopt;
    case Classified::Answer::Discard:
    case Classified::Answer::DefaultDiscard:
      return DropReason::InboundPolicyDiscard;
    case Classified::Answer::Protect:
      break;
  }
  switch (judge(arrival.history, *found.policy, found.flow, parts_.settings)) {
    case Judgement::Satisfied:
      verdicts.trace({.kind = TraceStep::Kind::Checked, .policy = found.policy->id}, passage);
      return std::nullopt;
    case Judgement::Clear:
      return DropReason::InboundPolicyClear;
    case Judgement::Mismatch:
      break;
  }
  return DropReason::InboundPolicyMismatch;
}

bool Inbound::sockets_decide() const {
  return parts_.sockets != nullptr && parts_.sockets->any_inbound();
}

/// Of the socket that the packet would be delivered to, if it has one.
const spd::SocketPolicy* Inbound::socket_policy(const Passage& passage, const Verdicts& verdicts) const {
  const std::uint8_t upper = passage.flow.protocol;
  const bool known = upper == protocol::kTcp || upper == protocol::kUdp;
  if (!known || !sockets_decide() || !is_for_us(passage.flow.destination)) return nullptr;
  return parts_.sockets->inbound(passage.flow, verdicts.now());
}

bool Inbound::is_for_us(const net::Address& destination) const {
  return destination.is_multicast() || parts_.host.is_local(destination);
}

}  // namespace testudo::engine
