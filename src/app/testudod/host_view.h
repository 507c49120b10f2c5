#pragma once
// What the engine asks about the host, answered by the host layer.
#include "engine/engine.h"
#include "host/facts.h"

namespace testudo::app {

class HostView final : public engine::Host {
 public:
  HostView(host::Netlink& netlink, std::uint32_t mark) : facts_(netlink, mark) {}

  bool is_local(const net::Address& a) const override { return facts_.is_local(a); }
  std::size_t mtu_towards(const net::Address& to) const override { return facts_.mtu_towards(to); }
  net::Address source_towards(const net::Address& to) const override { return facts_.source_towards(to); }

  void forget() { facts_.forget(); }
  void forget_routes() { facts_.forget_routes(); }

 private:
  host::Facts facts_;
};

}  // namespace testudo::app
