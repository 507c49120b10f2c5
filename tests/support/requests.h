#pragma once
// Requests and policies for tests, in the order of setkey's policy language.
//
//   policy(Direction::Out, "10.0.1.0/24", "10.0.2.0/24", {tunnel(Proto::Esp, ip("20.0.0.1"), ip("20.0.0.2"))})
#include <string_view>
#include <utility>
#include <vector>

#include "spd/policy.h"
#include "support/packets.h"

namespace testudo::test {

/// A host of each cloud of the NetBSD FAQ's network, and their gateways.
inline const net::Address kHostA = ip("10.0.1.5"), kHostB = ip("10.0.2.5"), kGateA = ip("20.0.0.1"),
                          kGateB = ip("20.0.0.2");

inline net::Selector selector(const char* source, const char* destination, std::uint8_t protocol = net::protocol::kAny,
                              std::uint16_t source_port = 0, std::uint16_t destination_port = 0) {
  return {*net::Prefix::parse(source), *net::Prefix::parse(destination), protocol, source_port, destination_port};
}
inline spd::Request request(spd::RequestProtocol protocol, spd::Level level = spd::Level::Require) {
  spd::Request r;
  r.protocol = protocol;
  r.level = level;
  return r;
}
inline spd::Request tunnel(spd::RequestProtocol protocol, const net::Address& source, const net::Address& destination,
                           spd::Level level = spd::Level::Require) {
  spd::Request r = request(protocol, level);
  r.mode = spd::RequestMode::Tunnel;
  r.source = net::Endpoint{source, 0};
  r.destination = net::Endpoint{destination, 0};
  return r;
}
inline spd::Policy policy(spd::Direction direction, std::string_view source, std::string_view destination,
                          std::vector<spd::Request> requests) {
  spd::Policy p;
  p.direction = direction;
  p.selector.source = prefix(source);
  p.selector.destination = prefix(destination);
  p.action = spd::Action::Ipsec;
  p.requests = std::move(requests);
  return p;
}
inline spd::Policy policy(spd::Direction direction, std::string_view source, std::string_view destination,
                          spd::Action action) {
  spd::Policy p = policy(direction, source, destination, std::vector<spd::Request>{});
  p.action = action;
  return p;
}

}  // namespace testudo::test
