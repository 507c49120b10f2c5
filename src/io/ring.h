#pragma once
// A wire in memory: packets that one engine sends and another receives, without a kernel between them, in their order.
// Bounded, like a network card's queue: what does not fit is refused, and the sender says so.  One thread.
#include <span>
#include <vector>

#include "io/slot.h"

namespace testudo::io {

class Ring {
 public:
  /// Room for this many packets of at most `largest` bytes.
  explicit Ring(std::size_t packets, std::size_t largest = 65535);

  /// False when it is full or the packet too large.
  bool send(Bytes packet);
  /// Fills slots from the first on; how many.  A packet that a slot has no room for is cut.
  std::size_t receive(std::span<Slot> slots);

 private:
  MutableBytes cell(std::size_t number) {
    return MutableBytes{bytes_}.subspan(number % lengths_.size() * largest_, largest_);
  }

  std::size_t largest_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> lengths_;
  std::size_t sent_ = 0, received_ = 0;  ///< since the start; they wrap together
};

}  // namespace testudo::io
