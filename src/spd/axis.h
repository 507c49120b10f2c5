#pragma once
// One number of a flow (an address, a protocol, a port) and the ranges of it that rules name: the ends of all ranges
// cut the numbers into intervals, and each interval has a row of bits, one for each place, that says whose rules
// contain it (Lakshman, Stiliadis: High-Speed Policy-Based Packet Forwarding, 1998), and a bit for each word of the row
// that says whether there is any in it (Baboescu, Varghese: Scalable Packet Classification, 2001).  The interval of a
// number is found in a tree of blocks of sixteen ends, which a vector compares at once.
//
//   top ─► middle ─► leaves: the last number of each interval ─► words: 1001… ─► row: 01001101…
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
  static constexpr unsigned kWords = 20;  ///< of a row
  static constexpr std::size_t kPlaces = kWords * 64;

  struct Range {
    std::uint32_t first = 0, last = kLargest;  ///< both inclusive

    friend bool operator==(const Range&, const Range&) = default;
  };
  using Block = std::array<std::uint32_t, kFan>;
  using Row = std::array<std::uint64_t, kWords>;
  static constexpr std::uint32_t kAllWords = (1U << kWords) - 1;
  /// One of a number's: its row, and which words of that are not zero.
  struct Interval {
    std::uint32_t row_and_words = 0;  ///< in one, for as many as can be shall be in the first cache
    std::uint32_t row() const { return row_and_words >> kWords; }
    std::uint32_t words() const { return row_and_words & kAllWords; }
  };

  /// A rule comes to a place that no other has.  At most kFan³ intervals may come of all.
  void add(Range range, std::size_t place);
  void remove(Range range, std::size_t place);
  /// All places are free, though the ranges of rules stay: each goes to a place by put(), whose range was added before.
  void clear_places();
  void put(Range range, std::size_t place);

  /// Whether its rows are more than the first cache holds beside others.
  bool is_large() const { return ends_.size() > 64; }
  std::size_t size() const { return ends_.size(); }  ///< intervals

  /// `Lanes::below(block, n)` counts what is less than n among sixteen numbers.
  template <class Lanes>
  [[gnu::always_inline]] Interval interval_of(std::uint32_t number) const {
    Interval out;
    intervals_of<Lanes>({&number, 1}, {&out, 1});
    return out;
  }
  template <class Lanes>
  [[gnu::always_inline]] void intervals_of(std::span<const std::uint32_t> numbers, std::span<Interval> out) const {
    if (height_ == 1) {
      climb<Lanes, 1>(numbers, out);
    } else if (height_ == 2) {
      climb<Lanes, 2>(numbers, out);
    } else {
      climb<Lanes, 3>(numbers, out);
    }
  }
  const Row& row(Interval interval) const { return rows_[interval.row()]; }

 private:
  template <class Lanes, unsigned kHeight>
  [[gnu::always_inline]] void climb(std::span<const std::uint32_t> numbers, std::span<Interval> out) const {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::uint32_t number = numbers[i];
      std::size_t at = 0;
      if constexpr (kHeight > 2) at = Lanes::below(top_.words, number);
      if constexpr (kHeight > 1) at = kFan * at + Lanes::below(middle_[at].words, number);
      at = kFan * at + Lanes::below(leaves_[at].words, number);
      out[i] = intervals_[at];
    }
  }
  struct alignas(64) AlignedBlock {
    Block words;
  };

  std::size_t index_of(std::uint32_t number) const {
    return static_cast<std::size_t>(std::ranges::lower_bound(ends_, number) - ends_.begin());
  }
  void cut(std::uint32_t end);
  void join(std::uint32_t end);
  void plant(std::size_t at);
  static void fill(AlignedBlock& block, std::span<const std::uint32_t> numbers);
  template <class Change>
  void for_each(Range range, const Change& change);

  std::vector<std::uint32_t> ends_{kLargest};  ///< the last numbers of the intervals
  std::vector<std::uint16_t> uses_{0};         ///< how many ranges begin or end there
  std::vector<Interval> intervals_{1};
  std::vector<Row> rows_{1};
  std::vector<std::uint16_t> free_rows_;
  std::uint8_t height_ = 1;  ///< of the tree: in blocks
  AlignedBlock top_{filled()};
  std::vector<AlignedBlock> middle_{1, AlignedBlock{filled()}}, leaves_{1, AlignedBlock{filled()}};

  static constexpr Block filled() {
    Block out{};
    out.fill(kLargest);
    return out;
  }
};

}  // namespace testudo::spd
