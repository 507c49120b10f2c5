#pragma once
// The short way of what most outbound packets are: whole TCP and UDP packets without options, whose policy asks for one
// ESP tunnel.  Each is looked at once, put with the others of its policy (a lane), and lanes whose policies ask for the
// same SA (a road) are sealed in one call; what is the same for all of them is asked once: which SA, how large the
// path, what the counters grow by.  RFC 4301 section 5.1 in the same order and with the same results as outbound.h;
// whatever is unusual about a packet, its SA or the settings goes that way instead, so that here is no drop but two:
// the cipher itself refuses, or other workers have taken the last sequence numbers meanwhile.
//
// Packets of one policy keep their order, and so do those of a flow: what this way cannot take goes on behind those
// that wait here, and takes with it what follows in the same lane, but not the other lanes of the road.  Flows of
// different policies may overtake each other.
#include <array>
#include <span>
#include <vector>

#include "base/room.h"
#include "engine/batch_index.h"
#include "engine/emit.h"
#include "engine/foreseen_policies.h"
#include "engine/verdicts.h"
#include "transform/esp_payload.h"
#include "transform/outer_template.h"
#include "wire/packet/plain.h"

namespace testudo::engine {

class ExpressOut {
 public:
  ExpressOut(const Engine::Parts& parts, const Emitter& emitter) : parts_(parts), emitter_(emitter) {}

  /// A batch begins; false when all of it has to go the long way.
  bool open(const Verdicts& verdicts);
  /// Of the packets that take() will be asked about next, at most ForeseenPolicies::kMost are looked at.
  void foresee(std::span<PacketBuffer* const> next);
  enum class Taken : std::uint8_t {
    Waits,          ///< here, for finish()
    OtherPolicy,    ///< goes the long way, and so does all of its flow
    UnusualPacket,  ///< goes the long way; those that wait may be of its flow
  };
  Taken take(PacketBuffer& packet);
  bool empty() const { return waiting_ == 0; }
  bool full() const { return waiting_ == items_.size(); }
  /// Seals and sends what waits; gives back those that have to go the long way, each lane's in their order.
  std::span<PacketBuffer* const> finish(Verdicts& verdicts);

 private:
  static constexpr std::size_t kMost = BatchIndex::kMost;

  struct Item {
    PacketBuffer* packet;
    std::uint16_t length;  ///< of the packet, as its header says
    std::uint8_t next_protocol;
    transform::Inside inside;
    Item* next;  ///< of the same lane
  };
  /// Packets of one policy, in their order.
  struct Lane {
    const spd::Policy* policy;
    net::Flow flow;  ///< of the first packet
    Item* first;
    Item* last;
    std::size_t sealed;  ///< of them, the first: sealed here, or refused by the cipher
    Lane* next;          ///< of the same road
  };
  /// Lanes whose policies ask for the same SA, in the order of their first packets.
  struct Road {
    const spd::Request* request;  ///< as any of those policies has it
    Lane* first;
    Lane* last;
  };
  /// What is asked once for a road.
  struct Way {
    sad::Sa& sa;
    sad::Share& share;
    transform::OuterTemplate outer;
    std::size_t mtu;
    std::size_t most_inside;  ///< larger packets are cut first
  };

  /// Packets that are sealed in one call, and the bytes inside them.
  struct Load {
    Room<transform::EspToSeal, kMost> esps;
    std::array<PacketBuffer*, kMost> packets;
    std::size_t bytes = 0;
  };

  Lane* lane_for(Bytes packet);
  void forget_lanes();
  void lead_to_road(Lane& lane);
  sad::Sa* usable_sa(const spd::Request& request) const;
  void run(const Road& road, Verdicts& verdicts);
  void leave(const Item* first);
  void seal(const Road& road, const Way& way, Verdicts& verdicts);
  void load(Lane& lane, const Way& way, Load& load);
  void wrap(const Item& item, const Way& way);
  static void finish_udp(PacketBuffer& packet, const Way& way);
  static bool grow(const Item& item, const Way& way, transform::EspToSeal& out);
  static void count(const Road& road, const Way& way, const Load& load, Verdicts& verdicts);
  static void drop_refused(const Road& road, const Way& way, Load& load, Verdicts& verdicts);

  Engine::Parts parts_;
  const Emitter& emitter_;

  ForeseenPolicies foreseen_{spd::Direction::Out};
  std::array<Item, kMost> items_;
  std::size_t waiting_ = 0;
  std::array<Lane, kMost> lanes_;
  BatchIndex lane_numbers_;
  std::array<Road, kMost> roads_;
  BatchIndex road_numbers_;
  std::array<std::uint64_t, 5> last_key_{};  ///< of the last packet that was looked at in this batch
  Lane* last_lane_ = nullptr;                ///< its lane, or none
  std::vector<PacketBuffer*> left_over_;
};

}  // namespace testudo::engine
