#pragma once
// The short way of what most protected packets are when they arrive: whole ESP packets without options, alone or in
// UDP from where the SA expects it, of an SA that was made for tunnels, with a whole TCP or UDP packet inside that the
// policy for its flow accepts.  Packets of one SA are opened in one call; is the SA usable, do the addresses fit, what
// says policy is asked once for those that follow each other.  RFC 4301 section 5.2 in the same order and with the same
// results as inbound.h.  What is unusual about a packet before it is opened, or turns out so afterwards, goes on there.
// Packets of one SA keep their order; those of different SAs may overtake each other, as they may on the network.
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/foreseen_policies.h"
#include "engine/verdicts.h"
#include "transform/esp_payload.h"
#include "wire/packet/plain.h"

namespace testudo::engine {

class ExpressIn {
 public:
  /// UDP ports on which ESP is accepted: they may change between batches.
  ExpressIn(const Engine::Parts& parts, const std::vector<std::uint16_t>& encapsulation_ports,
            const std::vector<std::uint16_t>& socket_ports)
      : parts_(parts), encapsulation_ports_(encapsulation_ports), socket_ports_(socket_ports) {}

  /// Opened and genuine, counted as entered and as ESP; the buffer holds what transform::open_esp() leaves.
  struct Opened {
    PacketBuffer* packet = nullptr;
    sad::Sa* sa = nullptr;
    net::Flow flow;  ///< of the ESP packet
    transform::Opened layer;
    std::optional<sad::UdpWay> udp;  ///< the header that was around ESP
  };
  /// Where the long way goes on with such a packet.
  using GoOn = std::function<void(const Opened&)>;

  /// A batch begins; false when all of it has to go the long way.
  bool open(const Verdicts& verdicts);
  /// Of the packets that take() will be asked about next, at most kMost are looked at.
  void foresee(std::span<PacketBuffer* const> next) const;
  /// True when the packet waits here for finish().
  bool take(PacketBuffer& packet);
  bool full() const { return waiting_ == items_.size(); }
  /// Opens what waits, and delivers it, drops it or lets the long way go on with it.
  void finish(const GoOn& go_on, Verdicts& verdicts);

  static constexpr std::size_t kMost = 64;

 private:
  struct Item {
    PacketBuffer* packet;
    std::uint8_t header_length, traffic_class;  ///< of the outer header
    std::uint8_t udp;                           ///< length of the UDP header behind it
    Item* next;                                 ///< of the same lane

    std::size_t in_front_of_esp() const { return std::size_t{header_length} + udp; }
  };
  /// Packets of one SA, in their order.
  struct Lane {
    sad::Sa* sa;
    Item* first;
    Item* last;
  };
  /// What policy says about the flow of the last inner packet, while it stays the same.
  struct Judged {
    std::array<std::uint64_t, 5> key{};
    const spd::Policy* policy = nullptr;  ///< none: let the long way judge
    std::size_t packets = 0;              ///< accepted by it and not yet counted there
  };
  /// Packets that may be delivered, their bytes with what was behind them in the payload, and without.
  struct Delivery {
    std::array<PacketBuffer*, kMost> going;
    std::size_t packets = 0, payload = 0, bytes = 0;
  };

  std::optional<std::uint8_t> length_of_udp(const wire::packet::Plain& outer, Bytes packet) const;
  std::optional<std::uint8_t> length_of_udp(Bytes packet) const;
  bool takes_udp(std::uint16_t port) const;
  Lane* lane_for(Bytes packet, Spi spi);
  bool is_away(sad::Sa& sa) const;
  sad::Sa* usable_sa(const wire::packet::Plain& outer, Bytes packet, Spi spi) const;
  void run(const Lane& lane, const GoOn& go_on, Verdicts& verdicts);
  bool accept(const Item& item, const Lane& lane, const transform::EspToOpen& esp, Delivery& delivery);
  bool leaves_mark_alone(const Item& item, const wire::packet::Plain& inner) const;
  const spd::Policy* judge_flow(Bytes packet, const sad::Sa& sa);
  void foresee_flows(std::span<const transform::EspToOpen> opened);
  void settle();
  void deliver(sad::Sa& sa, Delivery& delivery, Verdicts& verdicts);
  static Opened restore(const Item& item, const Lane& lane, const transform::EspToOpen& esp);

  Engine::Parts parts_;
  const std::vector<std::uint16_t>& encapsulation_ports_;
  const std::vector<std::uint16_t>& socket_ports_;

  std::array<Item, kMost> items_;
  std::size_t waiting_ = 0;
  std::array<Lane, kMost> lanes_;
  std::size_t lane_count_ = 0;
  std::array<std::uint64_t, 5> last_key_{};  ///< of the last outer header that was looked at in this batch
  Spi last_spi_;                             ///< behind it
  Lane* last_lane_ = nullptr;                ///< its lane, or none
  bool many_sas_ = false;                    ///< of late: foresee() is worth its while
  ForeseenPolicies foreseen_{spd::Direction::In};
  Judged judged_;
  Time now_{};
};

}  // namespace testudo::engine
