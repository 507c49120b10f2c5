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
    if (!address.is_v4() && address.is_link_local()) continue;       // means nothing without its interface
    if (address == net::Address::v4(host::kDummyAddress)) continue;  // testudod's own
    all.push_back({address, options_.port});
  }
  return all;
}

std::vector<Sockets::News> Sockets::refresh(const config::Listen& listen) {
  const auto wanted = this->wanted(listen);
  const auto unwanted = [&](const auto& entry) { return std::ranges::find(wanted, entry.first) == wanted.end(); };
  std::vector<News> news;
  for (const auto& entry : sockets_) {
    if (unwanted(entry)) news.push_back({false, name_of(entry.first) + " no longer used as isakmp port"});
  }
  std::erase_if(sockets_, unwanted);
  std::erase_if(failures_, unwanted);
  for (const net::Endpoint& at : wanted) {
    if (sockets_.contains(at)) continue;
    const auto opened = open(at);
    if (opened) {
      failures_.erase(at);
      news.push_back({false, name_of(at) + " used as isakmp port"});
    } else if (std::string why = opened.error().to_string(); failures_[at] != why) {
      news.push_back({true, name_of(at) + ": " + why});
      failures_[at] = std::move(why);
    }
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
