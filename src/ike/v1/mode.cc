#include "ike/v1/mode.h"

#include <algorithm>

#include "ike/v1/aggressive_mode.h"
#include "ike/v1/base_mode.h"
#include "ike/v1/main_mode.h"

namespace testudo::ike::v1 {

const Mode* mode_of(v1wire::Exchange exchange) {
  static const std::array kModes{main_mode(), aggressive_mode(), base_mode()};
  const auto mode = std::ranges::find(kModes, exchange, &Mode::exchange);
  return mode == kModes.end() ? nullptr : &*mode;
}

const Edge* edge_of(const Mode& mode, Role role, State state) {
  const auto edge = std::ranges::find_if(mode.edges, [&](const Edge& e) { return e.role == role && e.from == state; });
  return edge == mode.edges.end() ? nullptr : &*edge;
}

const Edge* next_edge(const IkeSa& sa) {
  const Mode* const mode = mode_of(sa.mode);
  return mode == nullptr ? nullptr : edge_of(*mode, sa.role, sa.state);
}

}  // namespace testudo::ike::v1
