#pragma once
// Which of the things that were met in a batch is this one?  A hash table of small numbers, so that as many things as
// packets cost one or two comparisons each.  Holds no things: the caller keeps them in an array, by their numbers.
#include <array>
#include <cstddef>
#include <cstdint>

namespace testudo::engine {

class BatchIndex {
 public:
  static constexpr std::size_t kMost = 64;

  void clear() {
    if (size_ != 0) slots_ = {};
    size_ = 0;
  }
  std::size_t size() const { return size_; }

  /// The number of the thing that `is_it(number)`, among those that were put in with this hash; when there is none, the
  /// next, size() until now, for the caller to put it there.  At most kMost things are put in.
  template <typename IsIt>
  std::size_t number_of(std::uint64_t hash, IsIt is_it) {
    std::size_t slot = (hash * kOdd) >> kShift;
    for (; slots_[slot] != 0; slot = (slot + 1) % kSlots) {
      const std::size_t number = slots_[slot] - 1U;
      if (is_it(number)) return number;
    }
    slots_[slot] = static_cast<std::uint8_t>(++size_);
    return size_ - 1;
  }

 private:
  static constexpr std::size_t kSlots = 128;  ///< twice kMost, so that there always is a free one near
  static constexpr unsigned kShift = 64 - 7;
  static constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;

  std::array<std::uint8_t, kSlots> slots_{};  ///< numbers, one more than they are; 0: free
  std::size_t size_ = 0;
};

}  // namespace testudo::engine
