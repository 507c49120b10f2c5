#include "host/facts.h"

namespace testudo::host {
namespace {

constexpr std::size_t kMaxRoutes = 4096;
constexpr std::size_t kUsualMtu = 1500;

// Packets name no links; addresses are compared without them.
net::Address without_scope(const net::Address& a) {
  if (a.scope() == 0) return a;
  return net::Address::v6(std::span<const std::uint8_t, 16>{a.bytes().data(), 16});
}

}  // namespace

bool Facts::is_local(const net::Address& address) const {
  return address.is_loopback() || local_.contains(without_scope(address));
}

std::size_t Facts::mtu_towards(const net::Address& destination) const {
  const auto& found = route(destination);
  return found && found->mtu != 0 ? found->mtu : kUsualMtu;
}

net::Address Facts::source_towards(const net::Address& destination) const {
  const auto& found = route(destination);
  return found && found->source ? *found->source : net::Address::any(destination.family());
}

void Facts::forget() {
  routes_.clear();
  const auto addresses = netlink_.addresses();
  outdated_ = !addresses;
  if (outdated_) return;
  local_.clear();
  for (const net::Address& a : *addresses) local_.insert(without_scope(a));
}

void Facts::forget_routes() {
  routes_.clear();
  if (outdated_) forget();
}

const std::optional<Route>& Facts::route(const net::Address& destination) const {
  const net::Address key = without_scope(destination);
  if (const auto known = routes_.find(key); known != routes_.end()) return known->second;
  if (routes_.size() >= kMaxRoutes) routes_.clear();
  return routes_.emplace(key, netlink_.route_to(key, mark_)).first->second;
}

}  // namespace testudo::host
