#include "app/testudod/control_service.h"

#include <algorithm>

#include "io/clock.h"

namespace testudo::app {

ControlService::ControlService(io::EventLoop& loop, io::SeqPacketListener listener, observe::Control control,
                               std::function<void(engine::Engine::Tracing)> tracing_wanted)
    : loop_(loop),
      listener_(std::move(listener)),
      control_(std::move(control)),
      tracing_wanted_(std::move(tracing_wanted)) {
  watch_ = loop_.watch(listener_.fd(), [this] { accept(); });
}

void ControlService::accept() {
  while (auto socket = listener_.accept()) {
    const std::uint64_t id = next_id_++;
    const bool privileged = socket->peer_is_privileged();
    Client& client = clients_.emplace(id, Client{.socket = *std::move(socket), .privileged = privileged}).first->second;
    client.watch = loop_.watch(client.socket.fd(), [this, id] { readable(id); });
  }
}

void ControlService::readable(std::uint64_t id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  if (!answer(found->second)) clients_.erase(found);
  count_tracers();
}

// False when the client is gone.
bool ControlService::answer(Client& client) {
  const auto request = client.socket.receive();
  if (!request) return false;
  if (request->empty()) return true;
  const std::string text{request->begin(), request->end()};
  if (client.privileged && observe::Control::wants_trace(text)) {
    client.tracing = true;
    return true;
  }
  if (client.privileged && observe::Control::wants_tap(text)) {
    // What is queued for it now comes before the first packet, and says that packets will come.
    client.tapping = client.socket.send(observe::pcapng_preface()) == io::SeqPacket::Sent::Whole;
    return client.tapping;
  }
  return client.socket.send(as_bytes(control_.handle(text, client.privileged))) == io::SeqPacket::Sent::Whole;
}

void ControlService::count_tracers() {
  tracers_ = std::ranges::any_of(clients_, [](const auto& entry) { return entry.second.tracing; });
  tappers_ = std::ranges::any_of(clients_, [](const auto& entry) { return entry.second.tapping; });
  using Tracing = engine::Engine::Tracing;
  tracing_wanted_(tappers_ ? Tracing::Packets : tracers_ ? Tracing::Steps : Tracing::Off);
}

// A reader that does not keep up misses lines; the packets do not wait for it.
void ControlService::trace(const engine::TraceStep& step) {
  if (tappers_) tap(step);
  if (!tracers_ || step.kind == engine::TraceStep::Kind::Entered) return;
  const std::string line = observe::trace_line(step);
  for (const auto& [id, client] : clients_) {
    if (client.tracing) static_cast<void>(client.socket.send(as_bytes(line)));
  }
}

void ControlService::tap(const engine::TraceStep& step) {
  const auto block = tap_.block_of(step, io::wall_microseconds());
  if (!block) return;
  for (auto& [id, client] : clients_) {
    if (client.tapping) give(client, *block);
  }
}

void ControlService::give(Client& client, Bytes block) {
  tell_of_missed(client);
  if (!client.missed_untold && client.socket.send(block) == io::SeqPacket::Sent::Whole) return;
  ++client.missed;
  client.missed_untold = true;
}

void ControlService::tell_of_missed(Client& client) {
  if (!client.missed_untold) return;
  const ByteVector count = observe::pcapng_missed(observe::TapSide::Host, io::wall_microseconds(), client.missed);
  client.missed_untold = client.socket.send(count) != io::SeqPacket::Sent::Whole;
}

void ControlService::tick() {
  for (auto& [id, client] : clients_) tell_of_missed(client);
}

}  // namespace testudo::app
