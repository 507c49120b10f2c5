#include "app/racoon/admin_service.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace testudo::app {
namespace {

std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<uid_t, std::string> user_of(const std::string& name) {
  if (name.empty()) return uid_t{0};
  if (const auto number = number_of(name)) return uid_t{*number};
  const passwd* const entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return Failure{"User \"" + name + "\" does not exist"};
  return entry->pw_uid;
}

Result<gid_t, std::string> group_of(const std::string& name) {
  if (name.empty()) return gid_t{0};
  if (const auto number = number_of(name)) return gid_t{*number};
  const group* const entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return Failure{"Group \"" + name + "\" does not exist"};
  return entry->gr_gid;
}

}  // namespace

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
