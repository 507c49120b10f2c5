#pragma once
// Selectors as keys of hash tables, for whoever looks for one that is the same and not for one that matches.  Pure.
#include <cstddef>

#include "net/flow.h"

namespace testudo::spd {

struct SelectorHash {
  // Not noexcept: so tables keep the hash instead of making it again from each selector that they walk past.
  std::size_t operator()(const net::Selector& s) const {
    const net::Flow flow{s.source.address, s.destination.address, s.protocol, s.source_port, s.destination_port};
    return std::hash<net::Flow>{}(flow)*31 + (s.source.length << 8 | s.destination.length);
  }
};

}  // namespace testudo::spd
