#pragma once
// Packets before and after IPsec, for `testudo tap`: out of the steps of the engine's trace, each packet as it came and
// as it went on, with a comment that names the policy, the SAs, the verdict and the reason.  Pure; one thread.
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/engine.h"
#include "observe/pcapng.h"

namespace testudo::observe {

class Tap {
 public:
  /// The block that this step is worth: one for a packet that enters, and one for its end.
  std::optional<ByteVector> block_of(const engine::TraceStep& step, std::uint64_t microseconds);

 private:
  static constexpr std::size_t kMostUnfinished = 4096;

  void remember(const engine::TraceStep& step);

  std::unordered_map<std::uint64_t, std::string> notes_;  ///< of packets that are on their way, by number
};

}  // namespace testudo::observe
