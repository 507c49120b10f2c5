#pragma once
// The anti-replay window of an inbound SA: a ring of bits that is never shifted (RFC 6479), with extended sequence
// numbers rebuilt from their low half (RFC 4303 appendix A2.2).  check() never changes the window; commit() is called
// only after the ICV verified.  One writer.
#include <array>
#include <cstdint>
#include <memory>
#include <span>

namespace testudo::sad {

class ReplayWindow {
 public:
  static constexpr std::uint32_t kMaxPackets = 65536;

  /// 0 packets: everything is accepted (but the highest number is still followed, for ESN and for setkey -D).
  explicit ReplayWindow(std::uint32_t packets = 0, bool extended = false);
  ReplayWindow(const ReplayWindow& other);
  ReplayWindow(ReplayWindow&&) noexcept = default;
  ReplayWindow& operator=(const ReplayWindow& other) { return *this = ReplayWindow{other}; }
  ReplayWindow& operator=(ReplayWindow&&) noexcept = default;
  ~ReplayWindow() = default;

  /// The 64-bit number that a received 32-bit one means.  Without ESN it is the number itself.
  std::uint64_t reconstruct(std::uint32_t low) const { return reconstruct(low, highest_); }
  /// What it would mean if `highest` had been received.
  std::uint64_t reconstruct(std::uint32_t low, std::uint64_t highest) const {
    return extended_ ? rebuilt(low, highest) : low;
  }
  /// False for 0, for a number received before, and for one older than the window.
  bool check(std::uint64_t sequence) const {
    if (packets_ == 0) return true;
    if (sequence == 0) return false;
    if (sequence > highest_) return true;
    if (highest_ - sequence >= packets_) return false;
    return (ring()[place_of(sequence / kWordBits)] & bit_of(sequence)) == 0;
  }
  void commit(std::uint64_t sequence) {
    // Of most packets: the next number, in the same word.
    const bool common = packets_ != 0 && sequence > highest_ && sequence / kWordBits == highest_ / kWordBits;
    if (!common) return commit_any(sequence);
    highest_ = sequence;
    ring()[place_of(sequence / kWordBits)] |= bit_of(sequence);
  }

  /// A window of another size that knows what this one knows; what this one has forgotten counts as received.
  ReplayWindow resized(std::uint32_t packets) const;

  std::uint64_t highest() const { return highest_; }
  std::uint32_t packets() const { return packets_; }
  bool extended() const { return extended_; }

 private:
  static constexpr std::uint64_t kWordBits = 64;
  static constexpr std::size_t kNear = 2;  ///< enough for the usual window of 64 packets

  static constexpr std::uint64_t bit_of(std::uint64_t sequence) { return std::uint64_t{1} << (sequence % kWordBits); }
  std::uint64_t rebuilt(std::uint32_t low, std::uint64_t highest) const;
  void commit_any(std::uint64_t sequence);

  std::uint64_t* ring() { return far_ ? far_.get() : near_.data(); }
  const std::uint64_t* ring() const { return far_ ? far_.get() : near_.data(); }
  std::size_t place_of(std::uint64_t word) const { return static_cast<std::size_t>(word) & (std::size_t{words_} - 1); }

  std::uint64_t highest_ = 0;
  std::uint32_t packets_;
  std::uint16_t words_;  ///< of the ring; a power of two
  bool extended_;
  std::array<std::uint64_t, kNear> near_{};
  std::unique_ptr<std::uint64_t[]> far_;  ///< instead of near_, where that is too small
};

}  // namespace testudo::sad
