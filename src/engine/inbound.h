#pragma once
// What the network sends us.  RFC 4301 section 5.2, in its order: find the SA by destination, protocol and SPI, open,
// go on with what was inside until no layer for us is left, and ask the SPD whether that is how this packet had to
// come. Packets of one batch that follow each other through the same SA are opened as one run.  Fragments for us are
// joined first, also those that come out of a tunnel, and those for others when a policy asks for what only the whole
// packet shows.  Most packets need little of this and take the short ways, express_in.h and clear_flow.h.
#include <optional>
#include <span>
#include <vector>

#include "engine/classify.h"
#include "engine/clear_flow.h"
#include "engine/express_in.h"
#include "engine/history.h"
#include "engine/join.h"
#include "engine/pmtu.h"
#include "transform/esp_open.h"
#include "transform/udp_encap.h"

namespace testudo::engine {

class Inbound {
 public:
  /// What arrives in clear and what was opened wait apart, so that nobody can crowd out protected fragments.
  struct Joiners {
    Joiner& clear;
    Joiner& opened;
  };
  Inbound(const Engine::Parts& parts, const Joiners& joiners, PathMtu& learned)
      : parts_(parts), joiners_(joiners), learned_(learned) {}

  void set_encapsulation_ports(std::vector<std::uint16_t> ports) { encapsulation_ports_ = std::move(ports); }
  void set_socket_ports(std::vector<std::uint16_t> ports) { socket_ports_ = std::move(ports); }
  void process(std::span<PacketBuffer* const> batch, Verdicts& verdicts);
  /// Engine::takes_ip_in_ip().
  bool takes_ip_in_ip(const wire::packet::IpView& ip) const;

 private:
  /// What comes next for a packet.
  struct Next {
    enum class Kind : std::uint8_t { Open, Strip, Deliver, Drop, Wait };
    Kind kind = Kind::Deliver;
    sad::Sa* sa = nullptr;     ///< Open, Strip
    net::DropReason reason{};  ///< Drop
    LayerName layer{};         ///< Open, Drop
  };
  struct Arrival {
    Passage passage;
    History history;
    std::optional<sad::UdpWay> udp;  ///< the header around the ESP header that is next
    bool moved = false;              ///< the layer opened last came from elsewhere than its SA says
    Next next;
  };

  void walk_arrivals(Verdicts& verdicts);
  void finish_express(Verdicts& verdicts);
  void go_on(const ExpressIn::Opened& opened, Verdicts& verdicts);
  bool pass_on(PacketBuffer& packet, Verdicts& verdicts);
  void learn_flow(Bytes packet);
  void admit(Passage passage, Verdicts& verdicts);
  void walk(std::span<Arrival> arrivals, Verdicts& verdicts);
  void finish(Arrival& arrival, Verdicts& verdicts);

  Next look(Arrival& arrival, Verdicts& verdicts);
  static Next turn_away(const Arrival& arrival, Verdicts& verdicts);
  bool must_join(const Arrival& arrival) const;
  bool join(Arrival& arrival, Verdicts& verdicts);
  std::optional<Next> leave_udp(Arrival& arrival, Verdicts& verdicts);
  bool carries_esp(std::uint16_t port, bool outermost) const;
  bool marked_as_esp(const net::Address& destination, Bytes payload) const;
  Next find_sa(const Arrival& arrival, const LayerName& layer) const;
  sad::Sa* uncompressed_tunnel(const wire::packet::IpView& ip) const;

  std::span<Arrival> open_run(std::span<Arrival> run, Verdicts& verdicts);
  void open(sad::Sa& sa);
  sad::Turn* turn_of(sad::Sa& sa) const { return parts_.shared == nullptr ? nullptr : &sa.turn; }
  Status<net::DropReason> unwrap(Arrival& arrival, const transform::Opened& opened, Verdicts& verdicts);
  static void heed_whereabouts(sad::Sa& sa, const sad::UdpWay& by, Verdicts& verdicts);
  Status<net::DropReason> leave_tunnel(Arrival& arrival, std::uint8_t next_protocol, Verdicts& verdicts);

  void deliver(Arrival& arrival, Verdicts& verdicts);
  void deliver_in_pieces(Passage& whole, Verdicts& verdicts);
  bool heed_icmp(const Passage& passage, Verdicts& verdicts);
  std::optional<net::DropReason> judge_by_policy(const Arrival& arrival, Verdicts& verdicts);
  bool sockets_decide() const;
  const spd::SocketPolicy* socket_policy(const Passage& passage, const Verdicts& verdicts) const;
  bool is_for_us(const net::Address& destination) const;

  Engine::Parts parts_;
  Joiners joiners_;
  PathMtu& learned_;
  std::vector<std::uint16_t> encapsulation_ports_{4500}, socket_ports_;
  ExpressIn express_{parts_, encapsulation_ports_, socket_ports_};
  ClearFlow clear_{parts_, spd::Direction::In};
  std::vector<Arrival> arrivals_;
  std::vector<transform::OpenJob> jobs_;
  PacketBuffer scratch_;  // into which IPcomp expands, and for fragments
};

}  // namespace testudo::engine
