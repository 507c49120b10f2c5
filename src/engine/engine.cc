#include "engine/engine.h"

#include <utility>

#include "engine/acquire_queue.h"
#include "engine/inbound.h"
#include "engine/join.h"
#include "engine/outbound.h"
#include "engine/pmtu.h"
#include "engine/shared.h"
#include "engine/usable_mtu.h"
#include "engine/verdicts.h"
#include "wire/packet/ip.h"

namespace testudo::engine {
namespace {

/// The reader of the SPD in a batch.
class Look {
 public:
  explicit Look(spd::Reader* reader) : reader_(reader) {
    if (reader_ != nullptr) reader_->enter();
  }
  ~Look() {
    if (reader_ != nullptr) reader_->leave();
  }
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;

 private:
  spd::Reader* reader_;
};

}  // namespace

/// What the two directions share: the counters, what was learned of paths, and which SAs were asked for.
class Engine::Impl {
 public:
  explicit Impl(const Parts& given)
      : parts(given),
        own(given.settings.key, 1),
        shared(given.shared == nullptr ? own : *given.shared),
        ledger{.number_step = shared.workers, .number_back = given.worker.value},
        from_host(ledger),
        from_wire(ledger),
        opened(ledger),
        outbound(given, from_host, shared.paths, shared.acquires),
        inbound(given, {from_wire, opened}, shared.paths) {}

  Parts parts;
  Shared own;  ///< of an engine that is alone
  Shared& shared;
  Ledger ledger;
  // Apart, so that nobody outside can add to what the host sends or crowd out what came protected.
  Joiner from_host, from_wire, opened;
  Outbound outbound;
  Inbound inbound;
};

Engine::Engine(const Parts& parts) : impl_(std::make_unique<Impl>(parts)) {}
Engine::~Engine() = default;

void Engine::outbound(std::span<PacketBuffer* const> batch, Time now, Outbox& out, const spd::SocketPolicy* of_socket) {
  const Look look{impl_->parts.reader};
  Verdicts verdicts{impl_->ledger, out, now};
  impl_->outbound.process(batch, of_socket, verdicts);
}

void Engine::inbound(std::span<PacketBuffer* const> batch, Time now, Outbox& out) {
  const Look look{impl_->parts.reader};
  Verdicts verdicts{impl_->ledger, out, now};
  impl_->inbound.process(batch, verdicts);
}

bool Engine::takes_ip_in_ip(Bytes packet) const {
  const auto ip = wire::packet::parse_ip(packet);
  return ip && impl_->inbound.takes_ip_in_ip(*ip);
}

std::size_t Engine::usable_mtu(const spd::Policy& policy, Time now) const {
  return engine::usable_mtu(policy, impl_->parts, impl_->shared.paths, now);
}

void Engine::set_socket_ports(std::vector<std::uint16_t> ports) {
  impl_->inbound.set_socket_ports(std::move(ports));
}

void Engine::set_encapsulation_ports(std::vector<std::uint16_t> ports) {
  impl_->inbound.set_encapsulation_ports(std::move(ports));
}

void Engine::tick(Time now, Outbox&) {
  impl_->from_host.tick(now);
  impl_->from_wire.tick(now);
  impl_->opened.tick(now);
  impl_->shared.paths.tick(now);
}

void Engine::acquire_answered(std::uint32_t sequence) {
  impl_->shared.acquires.answered(sequence);
}

void Engine::acquire_forgotten(std::uint32_t sequence) {
  ++impl_->ledger.statistics.acquires_forgotten;
  impl_->shared.acquires.answered(sequence);
}

void Engine::key_daemon_came() {
  impl_->shared.acquires.forget_all();
}

void Engine::set_tracing(Tracing what) {
  impl_->ledger.tracing = what != Tracing::Off;
  impl_->ledger.tracing_entries = what == Tracing::Packets;
}

void Engine::count_drop(net::DropReason reason, Bytes packet, std::uint64_t packets) {
  count_outside_drop(impl_->ledger.statistics, reason, packet, packets);
}

const Statistics& Engine::statistics() const {
  return impl_->ledger.statistics;
}

void Engine::reset_statistics() {
  // What is held entered before, and will leave: it stays in the sum.
  const std::uint64_t held = impl_->ledger.statistics.held;
  impl_->ledger.statistics = {};
  impl_->ledger.statistics.held = impl_->ledger.statistics.inbound_packets = held;
}

}  // namespace testudo::engine
