#include "spd/axis.h"

namespace testudo::spd {
template <class Change>
void Axis::for_each(Range range, const Change& change) {
  for (std::size_t i = index_of(range.first); i < ends_.size(); ++i) {
    change(intervals_[i], rows_[intervals_[i].row()]);
    if (ends_[i] >= range.last) return;
  }
}

void Axis::add(Range range, std::size_t place) {
  if (range.first != 0) cut(range.first - 1);
  if (range.last != kLargest) cut(range.last);
  put(range, place);
}

void Axis::put(Range range, std::size_t place) {
  for_each(range, [place](Interval& interval, Row& row) {
    row[place / 64] |= std::uint64_t{1} << place % 64;
    interval.row_and_words |= 1U << place / 64;
  });
}

void Axis::remove(Range range, std::size_t place) {
  for_each(range, [place](Interval& interval, Row& row) {
    row[place / 64] &= ~(std::uint64_t{1} << place % 64);
    if (row[place / 64] == 0) interval.row_and_words &= ~(1U << place / 64);
  });
  if (range.first != 0) join(range.first - 1);
  if (range.last != kLargest) join(range.last);
}

void Axis::clear_places() {
  for (Row& row : rows_) row = {};
  for (Interval& interval : intervals_) interval.row_and_words &= ~kAllWords;
}

/// An interval ends here from now on.
void Axis::cut(std::uint32_t end) {
  const std::size_t at = index_of(end);
  if (ends_[at] == end) {
    ++uses_[at];
    return;
  }
  if (free_rows_.empty()) {
    free_rows_.push_back(static_cast<std::uint16_t>(rows_.size()));
    rows_.emplace_back();
  }
  const std::uint16_t row = free_rows_.back();
  free_rows_.pop_back();
  rows_[row] = rows_[intervals_[at].row()];
  const auto here = static_cast<std::ptrdiff_t>(at);
  ends_.insert(ends_.begin() + here, end);
  uses_.insert(uses_.begin() + here, 1);
  intervals_.insert(intervals_.begin() + here, {std::uint32_t{row} << kWords | intervals_[at].words()});
  plant(at);
}

/// One range less ends here; the intervals on both sides of an end that no rule has any more are alike.
void Axis::join(std::uint32_t end) {
  const std::size_t at = index_of(end);
  if (--uses_[at] != 0) return;
  free_rows_.push_back(static_cast<std::uint16_t>(intervals_[at].row()));
  const auto here = static_cast<std::ptrdiff_t>(at);
  ends_.erase(ends_.begin() + here);
  uses_.erase(uses_.begin() + here);
  intervals_.erase(intervals_.begin() + here);
  plant(at);
}

/// The tree over the ends, of which those before `at` are as they were.  What is beyond the last is as large as can be,
/// and so less than no number.
void Axis::plant(std::size_t at) {
  const auto rounded = [](std::size_t n) { return (n + kFan - 1) / kFan; };
  leaves_.resize(rounded(ends_.size()));
  middle_.resize(rounded(leaves_.size()));
  height_ = middle_.size() > 1 ? 3 : leaves_.size() > 1 ? 2 : 1;
  for (std::size_t leaf = at / kFan; leaf < leaves_.size(); ++leaf) {
    const std::size_t first = leaf * kFan;
    fill(leaves_[leaf], std::span{ends_}.subspan(first, std::min(kFan, ends_.size() - first)));
  }
  std::array<std::uint32_t, kFan * kFan> last;
  for (std::size_t i = 0; i < leaves_.size(); ++i) last[i] = leaves_[i].words.back();
  for (std::size_t i = 0; i < middle_.size(); ++i) {
    const std::size_t first = i * kFan;
    fill(middle_[i], std::span{last}.subspan(first, std::min(kFan, leaves_.size() - first)));
    top_.words[i] = middle_[i].words.back();
  }
  std::fill(top_.words.begin() + static_cast<std::ptrdiff_t>(middle_.size()), top_.words.end(), kLargest);
}

void Axis::fill(AlignedBlock& block, std::span<const std::uint32_t> numbers) {
  if (numbers.size() == kFan) {
    std::copy_n(numbers.data(), kFan, block.words.data());
    return;
  }
  block = {filled()};
  std::ranges::copy(numbers, block.words.data());
}

}  // namespace testudo::spd
