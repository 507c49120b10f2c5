#pragma once
// The order of RFC 4301 section 5 as one object: packets of the host side in, protected packets for the wire out, and
// back.
//
//   host ──► outbound():  classify ► spd ► sad ► transform (innermost request first) ► fragment ──► wire
//   host ◄── inbound():   reassemble ► sad ► transform ► … until no layer is left ► spd check against the history ◄──
//   wire
//
// Batches in, batches out.  No system call, no clock, no text; what it wants done it leaves in the Outbox.  One thread;
// several engines may work on the same databases at once, each as another worker, while nobody changes the SAD.
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "engine/settings.h"
#include "engine/statistics.h"
#include "sad/database.h"
#include "spd/database.h"
#include "spd/reader.h"
#include "spd/socket_slots.h"
#include "wire/packet/packet_buffer.h"

namespace testudo::engine {

struct Shared;  // shared.h

using wire::packet::PacketBuffer;

/// An SA is wanted that does not exist: SADB_ACQUIRE.  Throttled by net.key.blockacq_*.
struct Acquire {
  sad::SaGroup wanted;  ///< protocol, mode, addresses, reqid
  PolicyId policy;
  spd::Direction direction = spd::Direction::Out;
  net::Flow flow;              ///< of the packet that asked
  std::uint32_t sequence = 0;  ///< sadb_msg_seq; global and growing
};

/// One step of a packet's way, for `testudo trace`.
struct TraceStep {
  enum class Kind : std::uint8_t {
    Policy,
    Sealed,
    Opened,
    Stripped,
    Checked,
    Emitted,
    Delivered,
    Dropped,
    Bypassed,
    Held,
    Entered,  ///< only for those who want packets, not steps
  };
  Kind kind = Kind::Policy;
  spd::Direction direction = spd::Direction::Out;
  std::uint64_t packet = 0;  ///< number of the packet since start: the same for all steps of one packet
  net::Flow flow{};
  PolicyId policy{};          ///< Policy, Checked
  std::uint8_t protocol = 0;  ///< Sealed, Opened: 50, 51, 108; Stripped: 4, 41
  Spi spi{};
  std::uint64_t sequence = 0;
  net::DropReason reason{};  ///< Dropped
  std::size_t length = 0;
  Bytes bytes{};  ///< the packet as it is now; until the call ends
};

/// Where finished packets go.  Buffers are swapped out of the batch, never copied: the receiver hands back an empty
/// one.  None of these calls may change the databases: SAs and policies are held by pointer within a batch.
class Outbox {
 public:
  virtual ~Outbox() = default;
  /// A protected packet (or one that policy lets out in clear) for the network: a whole IP packet.
  virtual void to_wire(PacketBuffer& packet, bool in_clear) = 0;
  /// An opened packet (or an ICMP message of ours) for the host's stack: a whole IP packet.
  virtual void to_host(PacketBuffer& packet) = 0;
  /// IP in IP that an SA of NAT-T between these UDP ports held: what tells tunnels between two addresses apart.
  virtual void to_host_by_udp(PacketBuffer& packet, const sad::Ports& /*ports*/) { to_host(packet); }
  virtual void acquire(const Acquire& wanted) = 0;
  /// Numbers of this outbound SA are about to be taken for packets that to_wire() gets next.  Where several engines
  /// seal, this may wait until what the others took is sent, for a peer whose window is small.
  virtual void before_sealing(const sad::Sa&) {}
  /// A genuine packet of this NAT-T SA came from another address or port than the SA has: SADB_X_NAT_T_NEW_MAPPING.
  virtual void new_mapping(const sad::Sa&, const net::Endpoint& /*now_at*/) {}
  /// Called for each step while Engine::set_tracing().
  virtual void trace(const TraceStep&) {}

 protected:
  Outbox() = default;
  Outbox(const Outbox&) = default;
  Outbox& operator=(const Outbox&) = default;
};

/// Facts about the host that only the caller knows; asked rarely.
class Host {
 public:
  virtual ~Host() = default;
  /// True when the address is one of ours (ipip_spoofcheck, tunnel endpoints).
  virtual bool is_local(const net::Address& address) const = 0;
  /// The MTU of the link towards this destination.
  virtual std::size_t mtu_towards(const net::Address& destination) const = 0;
  /// An address of ours from which to send an ICMP error to `to`.
  virtual net::Address source_towards(const net::Address& to) const = 0;

 protected:
  Host() = default;
  Host(const Host&) = default;
  Host& operator=(const Host&) = default;
};

/// Sockets of this host that have a policy of their own.
class Sockets {
 public:
  virtual ~Sockets() = default;
  /// False: no packet that arrives needs inbound().
  virtual bool any_inbound() const = 0;
  /// Of the socket that a TCP or UDP packet of this flow would be delivered to; null when it has none.
  virtual const spd::SocketPolicy* inbound(const net::Flow& flow, Time now) const = 0;

 protected:
  Sockets() = default;
  Sockets(const Sockets&) = default;
  Sockets& operator=(const Sockets&) = default;
};

class Engine {
 public:
  struct Parts {
    sad::Database& sad;
    spd::Database& spd;
    Settings& settings;
    Random& random;
    const Host& host;
    const Sockets* sockets = nullptr;  ///< null: no socket has a policy
    sad::Worker worker = {};           ///< several engines, each in a thread of its own, may have the same databases
    spd::Reader* reader = nullptr;     ///< of the SPD, while it changes in another thread; null: it does not
    Shared* shared = nullptr;          ///< by these several engines; null: there is one

    /// The policies as they are during a batch.
    const spd::View& policies() const { return reader == nullptr ? spd.latest() : reader->view(); }
  };

  explicit Engine(const Parts& parts);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Packets that the host wants to send (or forward): looked up in the SPD, protected, bypassed or dropped.
  void outbound(std::span<PacketBuffer* const> batch, Time now, Outbox& out) { outbound(batch, now, out, nullptr); }
  /// The same for packets of sockets that have this policy of their own.
  void outbound(std::span<PacketBuffer* const> batch, Time now, Outbox& out, const spd::SocketPolicy* of_socket);

  /// Packets from the network: whole IP packets whose upper layer is ESP, AH, IPcomp, UDP on an encapsulation port,
  /// ICMP that quotes a protected packet, or a fragment of such.  Anything else is checked against the inbound SPD as a
  /// clear packet and, when that allows it, given to the host.
  void inbound(std::span<PacketBuffer* const> batch, Time now, Outbox& out);

  /// True for IP in IP that an IPcomp tunnel sent uncompressed (RFC 3173 section 2.2): of protocols 4 and 41 only such
  /// packets are the engine's, all others are the host's own tunnels.
  bool takes_ip_in_ip(Bytes packet) const;

  /// What a packet of this outbound policy may measure before it is protected; see usable_mtu.h.
  std::size_t usable_mtu(const spd::Policy& policy, Time now) const;

  /// UDP ports on which ESP is accepted (RFC 3948); default 4500.
  void set_encapsulation_ports(std::vector<std::uint16_t> ports);
  /// The same of sockets that asked for it, for the outermost layer of what arrives; none before.
  void set_socket_ports(std::vector<std::uint16_t> ports);

  /// About once a second: reassembly and path MTU timeouts.  (SAD and SPD have their own tick.)
  void tick(Time now, Outbox& out);

  /// The key daemon answered (or failed) this acquire: the next need is announced at once.
  void acquire_answered(std::uint32_t sequence);
  /// The key daemon never heard of this acquire, for too many wait: the next need is announced at once.
  void acquire_forgotten(std::uint32_t sequence);
  /// A key daemon came: what was announced before it listened is announced again when it is needed.
  void key_daemon_came();

  /// Steps of each packet's way; Packets: as it comes, too.
  enum class Tracing : std::uint8_t { Off, Steps, Packets };
  void set_tracing(Tracing what);
  void set_tracing(bool on) { set_tracing(on ? Tracing::Steps : Tracing::Off); }
  /// What the outside dropped on the engine's behalf (a full queue, a refused send).
  void count_drop(net::DropReason reason, Bytes packet, std::uint64_t packets = 1);
  const Statistics& statistics() const;
  void reset_statistics();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace testudo::engine
