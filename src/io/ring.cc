#include "io/ring.h"

#include <algorithm>
#include <bit>

namespace testudo::io {

// A power of two, so that the counts may wrap.
Ring::Ring(std::size_t packets, std::size_t largest)
    : largest_(largest), bytes_(std::bit_ceil(packets) * largest), lengths_(std::bit_ceil(packets)) {}

bool Ring::send(Bytes packet) {
  if (sent_ - received_ == lengths_.size() || packet.size() > largest_) return false;
  std::ranges::copy(packet, cell(sent_).begin());
  lengths_[sent_ % lengths_.size()] = packet.size();
  ++sent_;
  return true;
}

std::size_t Ring::receive(std::span<Slot> slots) {
  std::size_t filled = 0;
  for (; received_ != sent_ && filled < slots.size(); ++received_, ++filled) {
    Slot& slot = slots[filled];
    slot.length = std::min(lengths_[received_ % lengths_.size()], slot.room.size());
    std::ranges::copy(cell(received_).first(slot.length), slot.room.begin());
  }
  return filled;
}

}  // namespace testudo::io
