#include "sad/replay_window.h"

#include <algorithm>
#include <bit>

namespace testudo::sad {
namespace {

/// One word more than the window needs, because the window rarely starts at a word's edge; a power of two, so
/// that the place of a number is a mask and not a division.
std::uint16_t ring_words(std::uint32_t packets) {
  constexpr std::uint32_t kWordBits = 64;
  if (packets == 0) return 1;
  return static_cast<std::uint16_t>(std::bit_ceil((packets + kWordBits - 1) / kWordBits + 1));
}

}  // namespace

ReplayWindow::ReplayWindow(std::uint32_t packets, bool extended)
    : packets_(std::min(packets, kMaxPackets)), words_(ring_words(packets_)), extended_(extended) {
  if (words_ > kNear) far_ = std::make_unique<std::uint64_t[]>(words_);
}

ReplayWindow::ReplayWindow(const ReplayWindow& other)
    : highest_(other.highest_),
      packets_(other.packets_),
      words_(other.words_),
      extended_(other.extended_),
      near_(other.near_) {
  if (!other.far_) return;
  far_ = std::make_unique_for_overwrite<std::uint64_t[]>(words_);
  std::copy_n(other.far_.get(), words_, far_.get());
}

// RFC 4303 appendix A2.2.  Its W is the window; without one, a number is taken for the nearest to the
// highest.
std::uint64_t ReplayWindow::rebuilt(std::uint32_t low, std::uint64_t highest) const {
  const std::uint32_t window = packets_ == 0 ? std::uint32_t{1} << 31 : packets_;
  const auto top_low = static_cast<std::uint32_t>(highest);
  auto high = static_cast<std::uint32_t>(highest >> 32);
  const std::uint32_t bottom = top_low - window + 1;  // modulo 2^32, as the RFC has it
  if (top_low >= window - 1) {
    if (low < bottom) ++high;  // beyond 2^64 it becomes 0, which check() finds too old
  } else if (low >= bottom && high > 0) {
    --high;  // in the first subspace there is nothing before it: the number can only be itself
  }
  return (std::uint64_t{high} << 32) | low;
}

void ReplayWindow::commit_any(std::uint64_t sequence) {
  if (packets_ == 0) {
    highest_ = std::max(highest_, sequence);
    return;
  }
  const std::uint64_t word = sequence / kWordBits;
  if (sequence > highest_) {
    const std::uint64_t top = highest_ / kWordBits;
    const std::uint64_t stale = std::min<std::uint64_t>(word - top, words_);
    for (std::uint64_t i = 1; i <= stale; ++i) ring()[place_of(top + i)] = 0;
    highest_ = sequence;
  } else if (highest_ - sequence >= packets_) {
    return;  // its place in the ring belongs to another number
  }
  ring()[place_of(word)] |= bit_of(sequence);
}

ReplayWindow ReplayWindow::resized(std::uint32_t packets) const {
  ReplayWindow out{packets, extended_};
  if (highest_ == 0) return out;
  out.commit(highest_);
  const std::uint64_t ages = std::min<std::uint64_t>(out.packets_, highest_);
  for (std::uint64_t age = 1; age < ages; ++age) {
    if (packets_ == 0 || !check(highest_ - age)) out.commit(highest_ - age);
  }
  return out;
}

}  // namespace testudo::sad
