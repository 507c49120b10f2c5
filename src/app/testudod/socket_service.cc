#include "app/testudod/socket_service.h"

#include <cerrno>
#include <utility>

#include "io/clock.h"
#include "io/inet_socket.h"

namespace testudo::app {
namespace {

constexpr std::size_t kMostBytes = wire::SocketRequest::kHeader + wire::SocketRequest::kMaxPolicy;

}  // namespace

SocketService::SocketService(io::EventLoop& loop, io::SeqPacketListener listener, SocketTable& table)
    : loop_(loop), listener_(std::move(listener)), table_(table) {
  watch_ = loop_.watch(listener_.fd(), [this] { accept(); });
}

void SocketService::accept() {
  while (auto socket = listener_.accept()) {
    const std::uint64_t id = next_id_++;
    // Who connects and says nothing makes room for others.
    if (clients_.size() >= kMostClients) clients_.erase(clients_.begin());
    Client& client = clients_.emplace(id, Client{*std::move(socket), {}}).first->second;
    client.watch = loop_.watch(client.socket.fd(), [this, id] { readable(id); });
  }
}

void SocketService::readable(std::uint64_t id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  const io::SeqPacket& client = found->second.socket;
  auto request = client.receive_with_descriptor(kMostBytes);
  if (request && request->message.empty()) return;
  if (request) {
    const ByteVector reply = answer(*request, client.peer_is_privileged());
    // First, so that a close() behind the answer is the last one.
    io::close_at_leisure(std::move(request->descriptor));
    static_cast<void>(client.send(reply));
  }
  clients_.erase(found);
}

ByteVector SocketService::answer(const io::SeqPacket::WithDescriptor& request, bool privileged) {
  const auto asked = wire::parse_socket_request(request.message);
  if (!asked || !request.descriptor) return wire::compose_socket_reply(EINVAL, {});
  if (asked->what == wire::SocketRequest::What::Set) {
    const int error = table_.set(request.descriptor, *asked, privileged, io::now());
    return wire::compose_socket_reply(static_cast<std::uint32_t>(error), {});
  }
  const auto bytes = table_.get(request.descriptor, *asked);
  if (!bytes) return wire::compose_socket_reply(static_cast<std::uint32_t>(bytes.error()), {});
  return wire::compose_socket_reply(0, *bytes);
}

}  // namespace testudo::app
