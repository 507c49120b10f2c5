#include "io/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

namespace testudo::io {
namespace {

std::string taken_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager;
  manager.address_ = taken_from_environment("NOTIFY_SOCKET");
  manager.watched_ = !taken_from_environment("WATCHDOG_USEC").empty();
  ::unsetenv("WATCHDOG_PID");
  const bool is_name = manager.address_.starts_with('/') || manager.address_.starts_with('@');
  if (!is_name || manager.address_.size() >= sizeof(sockaddr_un{}.sun_path)) return manager;
  if (manager.address_.front() == '@') manager.address_.front() = '\0';
  manager.socket_ = Fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  return manager;
}

void ServiceManager::tell(std::string_view state) const {
  if (!socket_) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::ranges::copy(address_, to.sun_path);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  static_cast<void>(::sendto(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to), length));
}

}  // namespace testudo::io
