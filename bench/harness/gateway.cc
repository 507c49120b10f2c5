#include "harness/gateway.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "support/requests.h"
#include "support/sas.h"

namespace testudo::bench {
namespace {

constexpr std::size_t kBatch = 64;  // io/ reads as many at a time

/// The engine gets what a daemon would give it at once.
template <typename Call>
void in_batches(std::span<wire::packet::PacketBuffer* const> packets, Call call) {
  while (!packets.empty()) {
    const std::size_t n = std::min(kBatch, packets.size());
    call(packets.first(n));
    packets = packets.subspan(n);
  }
}

}  // namespace

void give_up(const std::string& complaint) {
  std::fprintf(stderr, "bench: %s\n", complaint.c_str());
  std::exit(1);
}

Gateway::Gateway(End end, const Cipher& cipher)
    : here_(test::ip(end == End::Sealing ? "20.0.0.1" : "20.0.0.2")),
      tables_(std::make_shared<Tables>()),
      engine_({tables_->sad, tables_->spd, tables_->settings, random_, *this}) {
  const net::Address from = test::ip("20.0.0.1"), to = test::ip("20.0.0.2");
  sad::SaParameters parameters = test::esp(from, to, cipher.name, cipher.mac);
  parameters.cipher_key = test::key(cipher.key, 11);
  auto sa = sad::Sa::make(std::move(parameters), now_);
  if (!sa) give_up("there is no SA of " + cipher.name);
  tables_->sa = sa->get();
  if (!tables_->sad.add(*std::move(sa))) give_up("the SAD refuses an SA of " + cipher.name);
  const auto direction = end == End::Sealing ? spd::Direction::Out : spd::Direction::In;
  const auto request = test::tunnel(spd::RequestProtocol::Esp, from, to);
  if (!tables_->spd.add(test::policy(direction, "10.0.1.0/24", "10.0.2.0/24", {request})))
    give_up("the SPD refuses a policy");
}

Gateway::Gateway(const Gateway& first, std::uint8_t worker)
    : here_(first.here_),
      tables_(first.tables_),
      engine_({tables_->sad, tables_->spd, tables_->settings, random_, *this, nullptr, sad::Worker{worker}}) {}

void Gateway::seal(std::span<wire::packet::PacketBuffer* const> packets) {
  in_batches(packets, [this](auto batch) { engine_.outbound(batch, now_, *this); });
}

void Gateway::open(std::span<wire::packet::PacketBuffer* const> packets) {
  in_batches(packets, [this](auto batch) { engine_.inbound(batch, now_, *this); });
}

void Gateway::expect_nothing_lost() const {
  const engine::Statistics& s = engine_.statistics();
  if (s.dropped() != 0) give_up(std::to_string(s.dropped()) + " packets dropped");
  if (s.outbound_packets + s.inbound_packets != passed_) give_up("not every packet came out");
}

}  // namespace testudo::bench
