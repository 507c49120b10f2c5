#pragma once
// An engine whose SAs encrypt and authenticate nothing, so that a fuzzer reaches every layer; it keeps nothing of what
// comes out.
#include <cstdlib>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "support/requests.h"
#include "support/sas.h"

namespace testudo::test {

class OpenWorld final : public engine::Outbox, public engine::Host {
 public:
  OpenWorld() {
    install_sas(ip("20.0.0.1"), ip("20.0.0.2"));
    install_sas(ip("fd::1"), ip("fd::2"));
    const auto esp = tunnel(spd::RequestProtocol::Esp, ip("20.0.0.1"), ip("20.0.0.2"));
    if (!spd_.add(policy(spd::Direction::In, "10.0.1.0/24", "10.0.2.0/24", {esp}))) std::abort();
  }

  engine::Engine& engine() { return engine_; }

  void to_wire(engine::PacketBuffer&, bool) override {}
  void to_host(engine::PacketBuffer&) override {}
  void acquire(const engine::Acquire&) override {}
  bool is_local(const net::Address& a) const override { return a == ip("20.0.0.2") || a == ip("fd::2"); }
  std::size_t mtu_towards(const net::Address&) const override { return 1500; }
  net::Address source_towards(const net::Address& to) const override { return to; }

 private:
  void install_sas(const net::Address& from, const net::Address& to) {
    for (std::uint32_t i = 0; i < 6; ++i) {
      sad::SaParameters p = i == 3 ? ah(from, to, "null") : i == 4 ? ipcomp(from, to) : esp(from, to, "null");
      p.spi = Spi{0x1000 + i};
      if (i == 1) p.group.mode = sad::Mode::Transport;
      if (i == 2) p.nat = sad::NatTraversal{};
      if (i == 5) p.nat = sad::NatTraversal{.kind = sad::NatTraversal::Kind::NonIke};
      if (!sad_.add(sa(std::move(p)))) std::abort();
    }
  }

  SeededRandom random_;
  engine::Settings settings_;
  sad::Database sad_{settings_.key, random_};
  spd::Database spd_;
  engine::Engine engine_{{sad_, spd_, settings_, random_, *this}};
};

}  // namespace testudo::test
