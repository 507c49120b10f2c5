#include "app/racoon/sockets.h"

#include <algorithm>

#include "host/settings.h"
#include "io/socket_address.h"

namespace testudo::app {
namespace {

std::string name_of(const net::Endpoint& at) {
  return at.address.to_string() + "[" + std::to_string(at.port) + "]";
}

}  // namespace

std::vector<net::Endpoint> Sockets::wanted(const config::Listen& listen) const {
  if (!listen.isakmp.empty()) return listen.isakmp;
  std::vector<net::Endpoint> all;
  for (const net::Address& address : io::local_addresses()) {
    if ((options_.only_v4 && !address.is_v4()) || (options_.only_v6 && address.is_v4())) continue;
    all.push_back({address, options_.port});
  }
  return all;
}

std::vector<std::string> Sockets::refresh(const config::Listen& listen) {
  const auto wanted = this->wanted(listen);
  std::erase_if(sockets_, [&](const auto& entry) { return std::ranges::find(wanted, entry.first) == wanted.end(); });
  std::vector<std::string> news;
  for (const net::Endpoint& at : wanted) {
    if (sockets_.contains(at)) continue;
    const auto opened = open(at);
    news.push_back(name_of(at) + (opened ? " used as isakmp port" : ": " + opened.error().to_string()));
  }
  return news;
}

Status<io::SystemError> Sockets::open(const net::Endpoint& at) {
  TRY(auto udp, io::UdpSocket::bind(at, host::Settings{}.own_mark()));
  auto watch = loop_.watch(udp.fd(), [this, at] {
    const auto found = sockets_.find(at);
    found->second.udp.read([&](const net::Endpoint& from, Bytes bytes) { sink_(at, from, bytes); });
  });
  sockets_.insert_or_assign(at, Socket{std::move(udp), std::move(watch)});
  return Done{};
}

Status<std::string> Sockets::send(const net::Endpoint& local, const net::Endpoint& remote, Bytes bytes) const {
  auto found = sockets_.find(local);
  if (found == sockets_.end()) {  // an SA that we begin does not know which port we listen on
    found = std::ranges::find(sockets_, local.address, [](const auto& entry) { return entry.first.address; });
  }
  if (found == sockets_.end()) return Failure{"no socket has the address " + name_of(local)};
  const auto sent = found->second.udp.send(remote, bytes);
  return sent ? Status<std::string>{Done{}} : Failure{sent.error().to_string()};
}

}  // namespace testudo::app
