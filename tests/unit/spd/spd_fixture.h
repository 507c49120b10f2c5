#pragma once
// What the tests of the SPD's parts share.
#include <string_view>

#include "spd/database.h"
#include "support/packets.h"

namespace testudo::spd {

using test::ip;
using test::prefix;

inline net::Selector selector(std::string_view source, std::string_view destination,
                              std::uint8_t protocol = net::protocol::kAny) {
  return {prefix(source), prefix(destination), protocol, 0, 0};
}

inline Policy policy(const net::Selector& s, Action action = Action::None, Direction direction = Direction::Out) {
  Policy p;
  p.selector = s;
  p.action = action;
  p.direction = direction;
  return p;
}

inline Request request(Level level, std::uint32_t reqid) {
  Request r;
  r.level = level;
  r.reqid = ReqId{reqid};
  return r;
}

inline Policy unique_policy(const net::Selector& s, std::uint32_t reqid) {
  Policy p = policy(s, Action::Ipsec);
  p.requests.push_back(request(Level::Unique, reqid));
  return p;
}

inline net::Flow flow(std::string_view source, std::string_view destination,
                      std::uint8_t protocol = net::protocol::kAny, std::uint16_t source_port = 0,
                      std::uint16_t destination_port = 0) {
  return {ip(source), ip(destination), protocol, source_port, destination_port};
}

}  // namespace testudo::spd
