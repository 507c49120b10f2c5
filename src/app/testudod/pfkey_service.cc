#include "app/testudod/pfkey_service.h"

#include "base/secret.h"
#include "io/clock.h"

namespace testudo::app {
namespace {

// Messages from or to one client in a row, so that neither a key daemon in a hurry nor a dump keeps others waiting.
constexpr int kMessages = 64;

}  // namespace

PfkeyService::PfkeyService(io::EventLoop& loop, io::SeqPacketListener listener, pfkey::server::Server& server,
                           Listeners listeners)
    : loop_(loop), listener_(std::move(listener)), server_(server), listeners_(std::move(listeners)) {
  watch_ = loop_.watch(listener_.fd(), [this] { accept(); });
}

void PfkeyService::accept() {
  while (auto socket = listener_.accept()) {
    const Id id = server_.connect(socket->peer_is_privileged());
    Client& client = clients_.emplace(id, Client{*std::move(socket), {}, false, {}}).first->second;
    client.watch = loop_.watch(client.socket.fd(), [this, id] { readable(id); });
  }
}

void PfkeyService::readable(Id id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  for (int i = 0; i < kMessages; ++i) {
    auto message = found->second.socket.receive();
    if (!message) {
      server_.disconnect(id);
      if (found->second.unsent) wipe(*found->second.unsent);
      clients_.erase(found);
      break;
    }
    if (message->empty()) break;
    server_.receive(id, *message, io::now());
    listeners_.heard(*message);
    wipe(*message);
    listeners_.breathe();
  }
  // Once for all of them, and before the answers: what costs a transaction of the kernel is shared.
  server_.settle(listeners_.handled());
  pump();
}

void PfkeyService::pump() {
  for (auto& [id, client] : clients_) {
    if (!client.waiting && (client.unsent || server_.has_output(id))) pump(id, client);
  }
}

void PfkeyService::pump(Id id, Client& client) {
  for (int i = 0; i < kMessages; ++i) {
    if (!client.unsent) client.unsent = server_.next_output(id, io::now());
    if (!client.unsent) return;
    const auto sent = client.socket.send(*client.unsent);
    if (sent == io::SeqPacket::Sent::WouldBlock) return wait_for_room(id, client);
    // A broken connection reads as closed soon; until then its messages go nowhere.
    wipe(*client.unsent);
    client.unsent.reset();
    listeners_.breathe();
  }
  wait_for_room(id, client);  // there is some, as a rule: then it goes on behind what else waits
}

void PfkeyService::wait_for_room(Id id, Client& client) {
  client.waiting = true;
  client.watch.when_writable([this, id] {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    found->second.waiting = false;
    pump(id, found->second);
  });
}

}  // namespace testudo::app
