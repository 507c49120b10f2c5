#include "app/testudod/control_service.h"

#include <algorithm>

namespace testudo::app {

ControlService::ControlService(io::EventLoop& loop, io::SeqPacketListener listener, observe::Control control,
                               std::function<void(bool)> tracing_wanted)
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
    Client& client = clients_.emplace(id, Client{*std::move(socket), privileged, false, {}}).first->second;
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
  return client.socket.send(as_bytes(control_.handle(text, client.privileged))) == io::SeqPacket::Sent::Whole;
}

void ControlService::count_tracers() {
  tracing_wanted_(std::ranges::any_of(clients_, [](const auto& entry) { return entry.second.tracing; }));
}

// A reader that does not keep up misses lines; the packets do not wait for it.
void ControlService::trace(const engine::TraceStep& step) {
  const std::string line = observe::trace_line(step);
  for (const auto& [id, client] : clients_) {
    if (client.tracing) static_cast<void>(client.socket.send(as_bytes(line)));
  }
}

}  // namespace testudo::app
