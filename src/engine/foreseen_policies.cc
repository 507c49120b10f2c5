#include "engine/foreseen_policies.h"

#include "net/protocol.h"

namespace testudo::engine {

void ForeseenPolicies::expect(Bytes packet) {
  const auto plain = wire::packet::read_plain(packet);
  if (!plain || (plain->protocol != net::protocol::kTcp && plain->protocol != net::protocol::kUdp)) return;
  if (expected_ > 0 && keys_[expected_ - 1] == plain->key) return;
  keys_[expected_] = plain->key;
  flows_[expected_] = wire::packet::flow_of(*plain, packet);
  ++expected_;
}

}  // namespace testudo::engine
