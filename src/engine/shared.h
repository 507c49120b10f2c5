#pragma once
// What several engines on the same databases have together: which SAs were asked for, so that the key daemon hears of
// each once, and what was learned of paths, whoever heard it.  Both have locks of their own, and packets that need
// neither take none.
#include <cstdint>

#include "engine/acquire_queue.h"
#include "engine/pmtu.h"

namespace testudo::engine {

struct Shared {
  Shared(const sad::KeySettings& settings, std::uint8_t engines) : acquires(settings), workers(engines) {}

  PathMtu paths;
  AcquireQueue acquires;
  std::uint8_t workers;  ///< how many engines: worker 0, 1, …
};

}  // namespace testudo::engine
