#include "app/testudo/control_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace testudo::app {
namespace {

std::string why_not(const std::string& path, int error) {
  if (error == ENOENT || error == ECONNREFUSED) {
    return "no testudod answers at " + path + "; start it, or name its run directory with --run-dir or TESTUDO_RUN";
  }
  return path + ": " + std::strerror(error);
}

}  // namespace

std::string run_dir(const std::string& option) {
  if (!option.empty()) return option;
  const char* environment = std::getenv("TESTUDO_RUN");
  return environment != nullptr && *environment != '\0' ? environment : "/run/testudo";
}

ControlClient::~ControlClient() {
  if (fd_ >= 0) ::close(fd_);
}

Result<ControlClient, std::string> ControlClient::connect(const std::string& run_dir) {
  const std::string path = run_dir + "/control.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Failure{std::string{"the run directory's name is too long"}};
  std::memcpy(address.sun_path, path.data(), path.size());
  ControlClient client{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  const void* erased = &address;
  if (client.fd_ < 0 || ::connect(client.fd_, static_cast<const sockaddr*>(erased), sizeof address) != 0) {
    return Failure{why_not(path, errno)};
  }
  return client;
}

bool ControlClient::send(const std::string& request) {
  return ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
}

std::optional<std::string> ControlClient::receive() {
  char probe = 0;
  const ssize_t size = ::recv(fd_, &probe, 0, MSG_PEEK | MSG_TRUNC);
  if (size <= 0) return std::nullopt;
  std::string reply(static_cast<std::size_t>(size), '\0');
  const ssize_t got = ::recv(fd_, reply.data(), reply.size(), 0);
  if (got <= 0) return std::nullopt;
  reply.resize(static_cast<std::size_t>(got));
  return reply;
}

}  // namespace testudo::app
