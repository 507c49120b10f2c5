#pragma once
// One number of a flow (an address, a protocol, a port) and the ranges of it that rules name: the ends of all ranges
// cut the numbers into intervals, and each interval has a row of bits, one for each place, that says whose rules
// contain it (Lakshman, Stiliadis: High-Speed Policy-Based Packet Forwarding, 1998).  The interval of a number is found
// in a tree of blocks of sixteen ends, which a vector compares at once.
//
//   top ─► middle ─► leaves: the last number of each interval ─► row: 01001101…
//
// One writing thread.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace testudo::spd {

class Axis {
 public:
  static constexpr std::uint32_t kLargest = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kFan = 16;
  static constexpr std::size_t kLine = 8;  ///< words of a cache line
  static constexpr std::size_t kLines = 3;
  static constexpr std::size_t kPlaces = kLines * kLine * 64;

  struct Range {
    std::uint32_t first = 0, last = kLargest;  ///< both inclusive

    friend bool operator==(const Range&, const Range&) = default;
  };
  using Block = std::array<std::uint32_t, kFan>;
  using Row = std::array<std::uint64_t, kLines * kLine>;

  /// A rule comes to a place that no other has.  At most kFan³ intervals may come of all.
  void add(Range range, std::size_t place);
  void remove(Range range, std::size_t place);
  /// All places are free, though the ranges of rules stay: each goes to a place by put(), whose range was added before.
  void clear_places();
  void put(Range range, std::size_t place);

  std::size_t intervals() const { return ends_.size(); }

  /// `Lanes::below(block, n)` counts what is less than n among sixteen numbers.
  template <class Lanes>
  [[gnu::always_inline]] const Row& row_of(std::uint32_t number) const {
    std::size_t at = 0;
    if (ends_.size() > kFan * kFan) at = Lanes::below(top_.words, number);
    if (ends_.size() > kFan) at = kFan * at + Lanes::below(middle_[at].words, number);
    at = kFan * at + Lanes::below(leaves_[at].words, number);
    return rows_[row_at_[at]].words;
  }

 private:
  struct alignas(64) AlignedBlock {
    Block words;
  };
  struct alignas(64) AlignedRow {
    Row words{};
  };

  std::size_t interval_of(std::uint32_t number) const {
    return static_cast<std::size_t>(std::ranges::lower_bound(ends_, number) - ends_.begin());
  }
  void cut(std::uint32_t end);
  void join(std::uint32_t end);
  void plant(std::size_t at);
  static void fill(AlignedBlock& block, std::span<const std::uint32_t> numbers);
  template <class Change>
  void for_each_row(Range range, const Change& change);

  std::vector<std::uint32_t> ends_{kLargest};  ///< the last numbers of the intervals
  std::vector<std::uint16_t> uses_{0};         ///< how many ranges begin or end there
  std::vector<std::uint16_t> row_at_{0};
  std::vector<AlignedRow> rows_{1};
  std::vector<std::uint16_t> free_rows_;
  AlignedBlock top_{filled()};
  std::vector<AlignedBlock> middle_{1, AlignedBlock{filled()}}, leaves_{1, AlignedBlock{filled()}};

  static constexpr Block filled() {
    Block out{};
    out.fill(kLargest);
    return out;
  }
};

}  // namespace testudo::spd
