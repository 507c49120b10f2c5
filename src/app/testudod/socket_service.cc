#include "app/testudod/socket_service.h"

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include "io/clock.h"

namespace testudo::app {
namespace {

constexpr std::size_t kMostBytes = wire::SocketRequest::kHeader + wire::SocketRequest::kMaxPolicy;
constexpr Duration kBetweenLooks = std::chrono::milliseconds{50};

}  // namespace

SocketService::SocketService(io::EventLoop& loop, io::SeqPacketListener by_path,
                             std::optional<io::SeqPacketListener> by_name, SocketTable& table, Gate& gate)
    : loop_(loop), by_path_(std::move(by_path)), by_name_(std::move(by_name)), table_(table), gate_(gate) {
  path_watch_ = loop_.watch(by_path_.fd(), [this] { accept(by_path_, Rights::OfProcess); });
  if (by_name_) name_watch_ = loop_.watch(by_name_->fd(), [this] { accept(*by_name_, Rights::None); });
  patience_ = loop_.every(kBetweenLooks, [this] { listen_again(); });
}

void SocketService::accept(const io::SeqPacketListener& listener, Rights rights) {
  for (int i = 0; i < kMostAtOnce; ++i) {
    auto socket = listener.accept();
    if (!socket) return;
    // Who connects and says nothing makes room for others.
    if (clients_.size() >= kMostClients) part_from(who_makes_room());
    const std::uint32_t uid = socket->peer_uid();
    const bool privileged = rights == Rights::OfProcess && socket->peer_is_privileged();
    const std::uint64_t id = next_id_++;
    listen_to(id, clients_.emplace(id, Client{*std::move(socket), uid, privileged, false, {}}).first->second);
  }
}

/// The oldest of the user who has most.
SocketService::Clients::iterator SocketService::who_makes_room() {
  std::unordered_map<std::uint32_t, std::size_t> count;
  std::uint32_t most = clients_.begin()->second.uid;
  for (const auto& [id, client] : clients_) {
    ++count[client.uid];
    if (count[client.uid] > count[most]) most = client.uid;
  }
  return std::ranges::find_if(clients_, [most](const auto& row) { return row.second.uid == most; });
}

bool SocketService::may_be_heard(const Client& client) {
  if (client.privileged) return true;
  return !closer_.is_late() && budget_.allows(client.uid, io::now());
}

void SocketService::listen_to(std::uint64_t id, Client& client) {
  client.waits = false;
  client.watch = loop_.watch(client.socket.fd(), [this, id] { readable(id); });
}

void SocketService::listen_again() {
  for (auto& [id, client] : clients_) {
    if (client.waits && may_be_heard(client)) listen_to(id, client);
  }
}

void SocketService::readable(std::uint64_t id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  Client& client = found->second;
  if (!may_be_heard(client)) {
    client.waits = true;
    client.watch = {};
    return;
  }
  if (hear(client)) part_from(found);
}

/// One request; what comes behind it is not read.  False when nothing was there.
bool SocketService::hear(Client& client) {
  const Time before = io::now();
  auto request = gate_.aside([&] {
    const io::Haste haste;
    return client.socket.receive_with_descriptor(kMostBytes);
  });
  const bool nothing = request && request->message.empty();
  if (request && !nothing) {
    const ByteVector reply = answer(*request, {client.uid, client.privileged});
    // First, so that a close() behind the answer is the last one.
    gate_.aside([&] { closer_.close(std::move(request->descriptor)); });
    static_cast<void>(client.socket.send(reply));
  }
  if (const Time now = io::now(); !client.privileged) budget_.charge(client.uid, now - before, now);
  return !nothing;
}

void SocketService::part_from(Clients::iterator client) {
  const Time before = io::now();
  const std::uint32_t uid = client->second.uid;
  const bool privileged = client->second.privileged;
  gate_.aside([&] {
    const io::Haste haste;
    clients_.erase(client);
  });
  if (const Time now = io::now(); !privileged) budget_.charge(uid, now - before, now);
}

ByteVector SocketService::answer(const io::SeqPacket::WithDescriptor& request, const SocketTable::Asker& asker) {
  const auto asked = wire::parse_socket_request(request.message);
  if (!asked || !request.descriptor) return wire::compose_socket_reply(EINVAL, {});
  if (asked->what == wire::SocketRequest::What::Set) {
    const int error = table_.set(request.descriptor, *asked, asker, io::now());
    return wire::compose_socket_reply(static_cast<std::uint32_t>(error), {});
  }
  const auto bytes = table_.get(request.descriptor, *asked);
  if (!bytes) return wire::compose_socket_reply(static_cast<std::uint32_t>(bytes.error()), {});
  return wire::compose_socket_reply(0, *bytes);
}

}  // namespace testudo::app
