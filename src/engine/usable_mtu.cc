#include "engine/usable_mtu.h"

#include <algorithm>

#include "engine/bundle.h"
#include "wire/packet/ip.h"

namespace testudo::engine {
namespace {

constexpr std::size_t kUsualMtu = 1500;
// ESP in UDP with a block cipher of 16 bytes and half of a SHA-512; AH with the same.
constexpr std::size_t kLargeEsp = 8 + 8 + 16 + 17 + 32, kLargeAh = 12 + 32 + 4;

std::size_t large_overhead(const spd::Request& request) {
  std::size_t sum = request.protocol == spd::RequestProtocol::Esp  ? kLargeEsp
                    : request.protocol == spd::RequestProtocol::Ah ? kLargeAh
                                                                   : 0;
  if (request.mode == spd::RequestMode::Tunnel && request.destination) {
    sum += request.destination->address.is_v4() ? wire::packet::kIpv4Header : wire::packet::kIpv6Header;
  }
  return sum;
}

std::size_t overhead_of(const spd::Policy& policy, const Engine::Parts& parts) {
  // Tunnels and pairs of hosts have the same SAs for all their packets.
  const net::Flow any{policy.selector.source.address, policy.selector.destination.address};
  const Assembly now = assemble(policy, any, parts);
  if (now.bundle && now.missing.empty()) return now.bundle->overhead();
  std::size_t sum = 0;
  for (const spd::Request& request : policy.requests) sum += large_overhead(request);
  return sum;
}

std::size_t path_of(const spd::Policy& policy, const Engine::Parts& parts, const PathMtu& learned, Time now) {
  const net::Prefix& there = policy.selector.destination;
  const auto outermost = std::ranges::find_if(policy.requests.rbegin(), policy.requests.rend(),
                                              [](const spd::Request& r) { return r.destination.has_value(); });
  if (outermost == policy.requests.rend() && there.length == 0) return kUsualMtu;
  const net::Address& end = outermost == policy.requests.rend() ? there.address : outermost->destination->address;
  return learned.towards(end, parts.host.mtu_towards(end), now);
}

}  // namespace

std::size_t usable_mtu(const spd::Policy& policy, const Engine::Parts& parts, const PathMtu& learned, Time now) {
  const std::size_t path = path_of(policy, parts, learned, now);
  return path - std::min(path, overhead_of(policy, parts));
}

}  // namespace testudo::engine
