#include "ike/plain_keys.h"

namespace testudo::ike {
namespace {

bool fits_host(const std::optional<net::Prefix>& wanted, const net::Address& address) {
  return !wanted || wanted->contains(address);
}

/// How special a scope is: the peer's side counts first.
unsigned weight_of(const KeyScope& scope) {
  static constexpr unsigned kAboveLengths = 256;
  const auto side = [](const std::optional<net::Prefix>& prefix) { return prefix ? prefix->length + 1 : 0; };
  return side(scope.peer) * kAboveLengths + side(scope.local);
}

std::optional<net::Address> address_of(const Identity& id) {
  const Bytes data{id.data};
  if (id.type == v1wire::IdType::V4Address && data.size() == 4) return net::Address::v4(data.first<4>());
  if (id.type == v1wire::IdType::V6Address && data.size() == 16) return net::Address::v6(data.first<16>());
  return std::nullopt;
}

template <typename Takes>
std::vector<const PlainKeys::Peer*> most_special(const std::vector<PlainKeys::Peer>& all, Takes takes) {
  std::vector<const PlainKeys::Peer*> found;
  for (const PlainKeys::Peer& each : all) {
    if (!takes(each.scope)) continue;
    if (!found.empty() && weight_of(each.scope) > weight_of(found.front()->scope)) found.clear();
    if (found.empty() || weight_of(each.scope) == weight_of(found.front()->scope)) found.push_back(&each);
  }
  return found;
}

}  // namespace

std::string KeyScope::to_string() const {
  if (!name.empty()) return "@" + name;
  const auto side = [](const std::optional<net::Prefix>& prefix) { return prefix ? prefix->to_string() : "any"; };
  return local ? side(local) + " " + side(peer) : side(peer);
}

const PlainKeys::Own* PlainKeys::own_for(const net::Address& local, const net::Address& remote) const {
  const Own* best = nullptr;
  for (const Own& each : own) {
    if (!fits_host(each.scope.local, local) || !fits_host(each.scope.peer, remote)) continue;
    if (best == nullptr || weight_of(each.scope) > weight_of(best->scope)) best = &each;
  }
  return best;
}

PlainKeys::Candidates PlainKeys::peers_for(const net::Address& local, const net::Address& remote,
                                           const Identity& claimed) const {
  const auto address = address_of(claimed);
  if (!address) {
    const std::string name{claimed.data.begin(), claimed.data.end()};
    auto named = most_special(peers, [&](const KeyScope& s) { return !s.name.empty() && s.name == name; });
    if (!named.empty()) return {std::move(named), true};
  }
  if (address) {
    auto bound = most_special(peers, [&](const KeyScope& s) {
      return s.name.empty() && s.peer && s.peer->contains(*address) && fits_host(s.local, local);
    });
    if (!bound.empty()) return {std::move(bound), true};
  }
  return {most_special(peers,
                       [&](const KeyScope& s) {
                         return s.name.empty() && fits_host(s.peer, remote) && fits_host(s.local, local);
                       }),
          false};
}

}  // namespace testudo::ike
