#include "host/facts.h"

namespace testudo::host {
namespace {

constexpr std::size_t kMaxRoutes = 4096;
constexpr std::size_t kUsualMtu = 1500;

}  // namespace

bool Facts::is_local(const net::Address& address) const {
  return address.is_loopback() || local_.contains(address.without_scope());
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
  for (const net::Address& a : *addresses) local_.insert(a.without_scope());
}

void Facts::forget_routes() {
  routes_.clear();
  if (outdated_) forget();
}

const std::optional<Route>& Facts::route(const net::Address& destination) const {
  if (const auto known = routes_.find(destination); known != routes_.end()) return known->second;
  if (routes_.size() >= kMaxRoutes) routes_.clear();
  return routes_.emplace(destination, netlink_.route_to(destination, mark_)).first->second;
}

}  // namespace testudo::host
