#include "app/racoon/admin_service.h"

#include <sys/stat.h>
#include <unistd.h>

#include "app/racoon/accounts.h"

namespace testudo::app {

Result<io::SeqPacketListener, std::string> listen_for_racoonctl(const config::AdminSocket& conf,
                                                                const std::string& path) {
  TRY(const uid_t user, user_of(conf.owner));
  TRY(const gid_t group, group_of(conf.group));
  // The directory of the default path is ours to make; an administrator's own is not.
  const auto slash = path.rfind('/');
  if (conf.path.empty() && slash != std::string::npos) ::mkdir(path.substr(0, slash).c_str(), 0755);
  // Closed to all others until it belongs to whom it shall.
  auto listener = io::SeqPacketListener::listen(path, 0);
  if (!listener) return Failure{"adminsock: " + listener.error().to_string()};
  if (::chown(path.c_str(), user, group) != 0) return Failure{io::last_error("chown " + path).error.to_string()};
  if (::chmod(path.c_str(), conf.mode) != 0) return Failure{io::last_error("chmod " + path).error.to_string()};
  return *std::move(listener);
}

AdminService::AdminService(io::EventLoop& loop, io::SeqPacketListener listener, Operator& handler)
    : loop_(loop), listener_(std::move(listener)), operator_(handler) {
  watch_ = loop_.watch(listener_.fd(), [this] { accept(); });
}

/// Who is too many is closed at once: better than to wait without a word.
void AdminService::accept() {
  while (auto socket = listener_.accept()) {
    if (clients_.size() >= kMostClients) continue;
    const Operator::Client id = next_++;
    Client& client = clients_.emplace(id, Client{*std::move(socket)}).first->second;
    client.watch = loop_.watch(client.socket.fd(), [this, id] { readable(id); });
  }
}

void AdminService::drop(Operator::Client id) {
  operator_.gone(id);
  clients_.erase(id);
}

void AdminService::readable(Operator::Client id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  const auto request = found->second.socket.receive_with_descriptor(kLongestRequest);
  if (!request) return drop(id);
  if (request->message.empty()) return;
  operator_.request(id, std::string{request->message.begin(), request->message.end()});
}

void AdminService::send(Operator::Client id, const std::string& text) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  if (found->second.socket.send(as_bytes(text)) != io::SeqPacket::Sent::Whole) drop(id);
}

}  // namespace testudo::app
