#pragma once
// Whose turn it is to seal with an SA whose peer remembers few packets: between the numbers that one worker takes and
// its sending of them no other may take and send later ones, or the peer would find the first too old.  SAs with room
// for two batches of each worker need no turns (docs/adr/0018); those without a window do not care.
#include <array>
#include <cstddef>
#include <mutex>

#include "io/slot.h"
#include "sad/sa.h"

namespace testudo::app {

class SendTurns {
 public:
  explicit SendTurns(std::size_t workers) : enough_(workers > 1 ? 2 * workers * io::kBuffers : 0) {}

  /// To be held from before numbers are taken until the packets are sent; whoever holds one asks for no other.  Null:
  /// nobody has to wait.  Several SAs may have one.
  std::mutex* of(const sad::Sa& sa) {
    const std::size_t window = sa.parameters().replay_packets;
    if (window == 0 || window >= enough_) return nullptr;
    return &turns_[sa.spi().value % turns_.size()];
  }

 private:
  std::size_t enough_;  ///< packets of a window; our SA's is the best guess at the peer's
  std::array<std::mutex, 64> turns_;
};

}  // namespace testudo::app
