#include "engine/express_out.h"

#include <algorithm>

#include "engine/classify.h"
#include "engine/need.h"
#include "net/protocol.h"
#include "transform/rewrite.h"
#include "transform/udp_encap.h"

namespace testudo::engine {
namespace {

namespace protocol = net::protocol;
using wire::packet::Plain;

/// One ESP tunnel between addresses that the request names, so that the SA does not depend on the packet.
bool asks_for_one_tunnel(const spd::Policy& policy) {
  if (policy.action != spd::Action::Ipsec || policy.requests.size() != 1) return false;
  const spd::Request& request = policy.requests.front();
  return request.protocol == spd::RequestProtocol::Esp && request.mode == spd::RequestMode::Tunnel && request.source &&
         request.destination;
}

/// In UDP without the marker of the first drafts; or not in UDP.
bool is_common(const Boxed<sad::NatTraversal>& nat) {
  return !nat || nat->kind == sad::NatTraversal::Kind::EspInUdp;
}

/// The forms that are in use: numbered, the IV on the wire, to an address that needs no link beside it.
bool is_common(const sad::Sa& sa) {
  const sad::SaFlags& flags = sa.parameters().flags;
  return !flags.old_format && sa.group().destination.scope() == 0 && !flags.four_byte_iv && !flags.derived_iv &&
         is_common(sa.parameters().nat);
}

/// Which SAs may serve it, as assemble() has it.
ReqId reqid_of(const spd::Request& request) {
  return request.level == spd::Level::Unique ? request.reqid : ReqId{};
}

/// Requests of policies that ask for one tunnel: is it the same SA that serves both?
bool ask_for_the_same(const spd::Request& a, const spd::Request& b) {
  return *a.destination == *b.destination && *a.source == *b.source && reqid_of(a) == reqid_of(b);
}

std::uint64_t hash_of(const spd::Request& request) {
  return std::hash<net::Address>{}(request.destination->address) + reqid_of(request).value;
}

/// As Bundle::fragment_size() has it.
std::size_t most_inside(const Boxed<sad::NatTraversal>& nat) {
  return nat && nat->fragment_size != 0 ? nat->fragment_size : SIZE_MAX;
}

}  // namespace

bool ExpressOut::open(const Verdicts& verdicts) {
  forget_lanes();
  foreseen_.begin_batch();
  return !verdicts.tracing() && parts_.settings.esp_enable != 0 && parts_.policies().size() != 0 && active(parts_);
}

void ExpressOut::forget_lanes() {
  waiting_ = 0;
  lane_numbers_.clear();
  last_key_ = {};
  last_lane_ = nullptr;
}

void ExpressOut::foresee(std::span<PacketBuffer* const> next) {
  if (!foreseen_.worth_while()) return;
  foreseen_.begin();
  for (const PacketBuffer* packet : next.first(std::min(next.size(), ForeseenPolicies::kMost))) {
    foreseen_.expect(packet->bytes());
  }
  foreseen_.look(parts_.policies());
}

ExpressOut::Taken ExpressOut::take(PacketBuffer& packet) {
  const std::optional<Plain> plain = wire::packet::read_plain(packet.bytes());
  if (!plain || (plain->protocol != protocol::kTcp && plain->protocol != protocol::kUdp)) return Taken::UnusualPacket;
  if (plain->key != last_key_) {
    last_lane_ = lane_for(packet.bytes());
    last_key_ = plain->key;
  }
  if (last_lane_ == nullptr) return Taken::OtherPolicy;

  Item& item = items_[waiting_++];
  item = {&packet, plain->total_length, plain->is_v4() ? protocol::kIpv4 : protocol::kIpv6,
          transform::inside_of(*plain), nullptr};
  (last_lane_->first == nullptr ? last_lane_->first : last_lane_->last->next) = &item;
  last_lane_->last = &item;
  return Taken::Waits;
}

/// Reads the packet once more: take() keeps a Plain in registers while it shows it to nobody.
ExpressOut::Lane* ExpressOut::lane_for(Bytes packet) {
  const std::optional<Plain> plain = wire::packet::read_plain(packet);
  if (!plain) return nullptr;
  const net::Flow flow = wire::packet::flow_of(*plain, packet);
  const spd::Policy* policy = foreseen_.policy_of(*plain, flow, parts_.policies());
  if (policy == nullptr || !asks_for_one_tunnel(*policy)) return nullptr;
  const std::size_t known = lane_numbers_.size();
  // There is room: every lane has a packet, and items_ is as long.
  const std::size_t number =
      lane_numbers_.number_of(policy->id.value, [&](std::size_t i) { return lanes_[i].policy == policy; });
  Lane& lane = lanes_[number];
  if (number == known) lane = {policy, flow, nullptr, nullptr, 0, nullptr};
  return &lane;
}

std::span<PacketBuffer* const> ExpressOut::finish(Verdicts& verdicts) {
  left_over_.clear();
  road_numbers_.clear();
  if (lane_numbers_.size() == 1) {  // as of one flow: nothing to find out
    run({&lanes_[0].policy->requests.front(), &lanes_[0], &lanes_[0]}, verdicts);
  } else {
    for (Lane& lane : std::span{lanes_}.first(lane_numbers_.size())) lead_to_road(lane);
    for (const Road& road : std::span{roads_}.first(road_numbers_.size())) run(road, verdicts);
  }
  forget_lanes();
  return left_over_;
}

void ExpressOut::lead_to_road(Lane& lane) {
  const spd::Request& request = lane.policy->requests.front();
  const std::size_t known = road_numbers_.size();
  const std::size_t number = road_numbers_.number_of(
      hash_of(request), [&](std::size_t i) { return ask_for_the_same(*roads_[i].request, request); });
  Road& road = roads_[number];
  if (number == known) {
    road = {&request, &lane, &lane};
  } else {
    road.last->next = &lane;
    road.last = &lane;
  }
}

void ExpressOut::run(const Road& road, Verdicts& verdicts) {
  sad::Sa* const sa = usable_sa(*road.request);
  if (sa == nullptr) {
    for (const Lane* lane = road.first; lane != nullptr; lane = lane->next) leave(lane->first);
    return;
  }
  const std::size_t mtu = emitter_.mtu_towards(sa->group().destination, verdicts.now());
  const std::size_t largest = transform::largest_packet(sa->group().destination.is_v4());
  const Way way{*sa,
                sa->share(parts_.worker),
                {*sa, parts_.settings.headers},
                std::min(mtu, largest),
                most_inside(sa->parameters().nat)};
  seal(road, way, verdicts);
}

/// To the long way: this item and all that follow in its lane.
void ExpressOut::leave(const Item* first) {
  for (const Item* item = first; item != nullptr; item = item->next) left_over_.push_back(item->packet);
}

/// The SA that serves the request, when nothing about it is unusual.
sad::Sa* ExpressOut::usable_sa(const spd::Request& request) const {
  const net::Address &from = request.source->address, &to = request.destination->address;
  sad::Sa* const sa =
      parts_.sad.outbound({sad::SaProtocol::Esp, sad::Mode::Tunnel, from, to, reqid_of(request), ports_of(request)});
  if (sa == nullptr || !is_common(*sa) || sa->parameters().hard().limits_use()) return nullptr;
  if (from.is_unspecified() || to.is_unspecified() || from.family() != to.family()) return nullptr;
  return sa->sequence.left() < kMost ? nullptr : sa;
}

/// Makes the packet as large as it will be, with the outer header and the trailer still to be written.
bool ExpressOut::grow(const Item& item, const Way& way, transform::EspToSeal& out) {
  PacketBuffer& packet = *item.packet;
  const transform::EspGrowth growth = transform::esp_growth(way.sa.layout(), item.length);
  const std::size_t around = way.outer.length() + way.sa.layout().udp;
  const std::size_t front = around + growth.front;
  if (front + item.length + growth.back > way.mtu || item.length > way.most_inside) return false;
  packet.trim_back(packet.size() - item.length);
  if (packet.tail_room() < growth.back || !packet.prepend(front)) return false;
  packet.append(growth.back);
  out.esp = packet.bytes().subspan(around);
  out.pad = growth.pad;
  out.next_header = item.next_protocol;
  return true;
}

/// Writes what stands in front of ESP, but for what depends on the sealed bytes: see finish_udp().
void ExpressOut::wrap(const Item& item, const Way& way) {
  const bool numbered = way.outer.is_v4();
  const auto id = numbered ? transform::next_identification(way.share, parts_.random) : std::uint16_t{0};
  std::uint8_t* const header = item.packet->data();
  const std::size_t payload = item.packet->size() - way.outer.length();
  const auto& nat = way.sa.parameters().nat;
  way.outer.write(header, payload, nat ? protocol::kUdp : protocol::kEsp, item.inside, id);
  if (nat) transform::write_udp_header(header + way.outer.length(), *nat, payload);
}

/// In IPv6 UDP has a checksum, over what is sealed.
void ExpressOut::finish_udp(PacketBuffer& packet, const Way& way) {
  if (way.outer.is_v4() || !way.sa.parameters().nat) return;
  transform::put_udp_checksum(way.sa.group(), packet.bytes().subspan(way.outer.length()));
}

void ExpressOut::seal(const Road& road, const Way& way, Verdicts& verdicts) {
  Load all;
  for (Lane* lane = road.first; lane != nullptr; lane = lane->next) load(*lane, way, all);
  const std::size_t packets = all.esps.size();
  if (packets == 0) return;
  count(road, way, all, verdicts);
  verdicts.before_sealing(way.sa);
  transform::seal_payloads(way.sa, all.esps.all(), {parts_.settings.headers, parts_.random, parts_.worker});
  std::size_t sealed = 0;
  for (std::size_t i = 0; i < packets; ++i) {
    if (all.esps[i].result) {
      finish_udp(*all.packets[i], way);
      all.packets[sealed++] = all.packets[i];
    }
  }
  if (sealed < packets) drop_refused(road, way, all, verdicts);
  count_algorithms(way.sa, sealed, verdicts.statistics());
  verdicts.to_wire(std::span{all.packets}.first(sealed));
}

/// Those of the lane that this way can take.
void ExpressOut::load(Lane& lane, const Way& way, Load& load) {
  const std::size_t before = load.esps.size();
  std::size_t bytes = 0;
  const Item* item = lane.first;
  for (; item != nullptr; item = item->next) {
    transform::EspToSeal& esp = load.esps.add();
    if (!grow(*item, way, esp)) {
      load.esps.drop_last();
      break;
    }
    wrap(*item, way);
    load.packets[load.esps.size() - 1] = item->packet;
    bytes += item->length;
  }
  lane.sealed = load.esps.size() - before;
  load.bytes += bytes;
  leave(item);
}

/// By the flow of their lanes: in the packets nothing says it any more.
void ExpressOut::drop_refused(const Road& road, const Way& way, Load& load, Verdicts& verdicts) {
  std::size_t i = 0;
  for (const Lane* lane = road.first; lane != nullptr; lane = lane->next) {
    for (const std::size_t end = i + lane->sealed; i < end; ++i) {
      if (!load.esps[i].result) verdicts.drop(load.esps[i].result.error(), lane->flow, name_of(way.sa));
    }
  }
}

void ExpressOut::count(const Road& road, const Way& way, const Load& load, Verdicts& verdicts) {
  const std::size_t packets = load.esps.size();
  for (const Lane* lane = road.first; lane != nullptr; lane = lane->next) {
    if (lane->sealed != 0) lane->policy->count(lane->sealed, verdicts.now());
  }
  way.share.count(packets, load.bytes, verdicts.now());
  verdicts.enter(packets, spd::Direction::Out);
  Statistics& statistics = verdicts.statistics();
  statistics.spd_lookups += packets;
  for (ProtocolCounters* counters : {&statistics.ipip, &statistics.esp}) {
    counters->output += packets;
    counters->output_bytes += load.bytes;
  }
}

}  // namespace testudo::engine
