#pragma once
// What the engine asks about its host: local addresses, the MTU and the source address towards a destination.  Answers
// are kept until the kernel says that something changed, and never longer than a while, because path MTUs age in
// silence.
#include <unordered_map>
#include <unordered_set>

#include "host/netlink.h"

namespace testudo::host {

class Facts {
 public:
  /// Routes are looked up as for packets with this mark.
  Facts(Netlink& netlink, std::uint32_t mark) : netlink_(netlink), mark_(mark) { forget(); }

  bool is_local(const net::Address& address) const;
  /// 1500 when there is no route: sending will fail with a better reason.
  std::size_t mtu_towards(const net::Address& destination) const;
  /// Unspecified when there is no route.
  net::Address source_towards(const net::Address& destination) const;

  /// Something changed.  Where the kernel does not answer, the old addresses stay until it does.
  void forget();
  /// Some seconds went by.
  void forget_routes();

 private:
  const std::optional<Route>& route(const net::Address& destination) const;

  Netlink& netlink_;
  std::uint32_t mark_;
  std::unordered_set<net::Address> local_;
  bool outdated_ = false;  ///< local_
  mutable std::unordered_map<net::Address, std::optional<Route>> routes_;
};

}  // namespace testudo::host
