#include "app/racoon/sockets.h"

#include <algorithm>
#include <array>

#include "host/settings.h"
#include "io/socket_address.h"

namespace testudo::app {
namespace {

std::string name_of(const net::Endpoint& at) {
  return io::with_link_name(at.address) + "[" + std::to_string(at.port) + "]";
}

constexpr std::array<std::uint8_t, 4> kNonEspMarker{};

bool wants_natt(const config::RacoonConf& conf) {
  return std::ranges::any_of(conf.policy.remotes,
                             [](const ike::Remote& r) { return r.nat_traversal != ike::NatTraversal::Off; });
}

}  // namespace

std::vector<net::Address> Sockets::addresses() const {
  std::vector<net::Address> all;
  for (const net::Address& address : io::local_addresses()) {
    if ((options_.only_v4 && !address.is_v4()) || (options_.only_v6 && address.is_v4())) continue;
    if (address == net::Address::v4(host::kDummyAddress)) continue;  // testudod's own
    all.push_back(address);
  }
  return all;
}

Sockets::Wanted Sockets::wanted(const config::RacoonConf& conf) const {
  const config::Listen& listen = conf.listen;
  const bool all = listen.isakmp.empty() && listen.isakmp_natt.empty();
  Wanted wanted;
  for (const net::Endpoint& at : listen.isakmp) wanted.emplace(at, false);
  for (const net::Endpoint& at : listen.isakmp_natt) wanted.insert_or_assign(at, true);
  if (!all) return wanted;
  for (const net::Address& address : addresses()) {
    wanted.emplace(net::Endpoint{address, options_.port}, false);
    if (wants_natt(conf)) wanted.emplace(net::Endpoint{address, options_.natt_port}, true);
  }
  return wanted;
}

std::vector<Sockets::News> Sockets::refresh(const config::RacoonConf& conf) {
  const Wanted wanted = this->wanted(conf);
  const auto unwanted = [&](const auto& entry) { return !wanted.contains(entry.first); };
  std::vector<News> news;
  for (const auto& entry : sockets_) {
    if (unwanted(entry)) news.push_back({false, name_of(entry.first) + " no longer used as isakmp port"});
  }
  std::erase_if(sockets_, unwanted);
  std::erase_if(failures_, unwanted);
  for (const auto& [at, natt] : wanted) {
    if (sockets_.contains(at)) continue;
    const auto opened = open(at, natt);
    if (opened) {
      failures_.erase(at);
      news.push_back({false, name_of(at) + (natt ? " used for NAT-T" : " used as isakmp port")});
    } else if (std::string why = opened.error(); failures_[at] != why) {
      news.push_back({true, name_of(at) + ": " + why});
      failures_[at] = std::move(why);
    }
  }
  return news;
}

Status<std::string> Sockets::open(const net::Endpoint& at, bool natt) {
  TRY(auto udp, opener_(at, natt));
  auto watch = loop_.watch(udp.fd(), [this, at] { receive(sockets_.find(at)->second, at); });
  sockets_.insert_or_assign(at, Socket{std::move(udp), std::move(watch), natt});
  return Done{};
}

void Sockets::receive(const Socket& socket, const net::Endpoint& at) {
  socket.udp.read([&](const net::Endpoint& from, Bytes bytes) {
    if (!socket.natt) return sink_({at, from, bytes});
    // ESP and keepalives are testudod's.
    const std::size_t marker = kNonEspMarker.size();
    if (bytes.size() < marker || !std::ranges::equal(bytes.first(marker), kNonEspMarker)) return;
    sink_({at, from, bytes.subspan(marker), true});
  });
}

/// An SA that we begin does not know which port we listen on.
const Sockets::Socket* Sockets::find(const net::Endpoint& local, bool natt) const {
  const auto exact = sockets_.find(local);
  if (exact != sockets_.end() && exact->second.natt == natt) return &exact->second;
  const auto other = std::ranges::find_if(
      sockets_, [&](const auto& entry) { return entry.first.address == local.address && entry.second.natt == natt; });
  return other == sockets_.end() ? nullptr : &other->second;
}

Status<std::string> Sockets::send(const ike::Send& message) const {
  const Socket* const socket = find(message.local, message.floated);
  if (socket == nullptr) return Failure{"no socket has the address " + name_of(message.local)};
  ByteVector datagram;
  if (message.floated) datagram.assign(kNonEspMarker.begin(), kNonEspMarker.end());
  datagram.insert(datagram.end(), message.bytes.begin(), message.bytes.end());
  const auto sent = socket->udp.send(message.remote, datagram);
  return sent ? Status<std::string>{Done{}} : Failure{sent.error().to_string()};
}

/// One that is lost is followed by others.
void Sockets::keep_alive(const ike::KeepAlive& what) const {
  static constexpr std::array<std::uint8_t, 1> kKeepAlive{0xff};
  const Socket* const socket = find(what.local, true);
  if (socket != nullptr) static_cast<void>(socket->udp.send(what.remote, kKeepAlive));
}

}  // namespace testudo::app
