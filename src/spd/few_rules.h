#pragma once
// Exact first match over few rules within IPv4: each of the five numbers of a flow leads to a row of bits (spd/axis.h),
// and the first bit that all rows have is the place of the first rule.  The work hardly depends on the rules, has no
// branch that depends on the flow, and so that of several look-ups overlaps.  Beyond kMost rules it holds nothing and
// says so.  It knows nothing of policies beyond a pointer to give back.  One writing thread.
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "net/flow.h"
#include "spd/axis.h"
#include "spd/tuple_space.h"

namespace testudo::spd {

class FewRules {
 public:
  using Rule = TupleSpace<2>::Rule;  ///< masks of addresses are prefixes, those of protocol and ports all or nothing
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kAxes = 5;

  /// The largest vectors that may be used, if the machine has them.
  enum class Vectors : std::uint8_t { None, Of256Bits, Of512Bits };
  explicit FewRules(Vectors most = Vectors::Of512Bits) : search_(search_with(most)) {}

  /// Whether all rules are here: otherwise it must not be asked.
  bool complete() const { return complete_; }
  /// At a distance from kMost, so that changes at the limit do not make it come and go.
  static bool may_return(std::size_t rules) { return rules <= kMost / 2; }
  /// These are all, in any order; at most kMost.
  void assign(std::vector<Rule> rules);

  void add(const Rule& rule);
  /// Of a rule that was added with this value, mask and order.
  void remove(const Rule& rule);
  using Flows = std::span<const net::Flow>;  ///< within IPv4
  using Found = std::span<const Policy*>;
  void lookup(Flows flows, Found out) const { search_(*this, flows, out); }
  const Policy* lookup(const net::Flow& flow) const {
    const Policy* found = nullptr;
    search_(*this, {&flow, 1}, {&found, 1});
    return found;
  }

 private:
  static_assert(2 * kMost < 1U << (32 - Axis::kWords) && 2 * kMost < Axis::kFan * Axis::kFan * Axis::kFan &&
                kMost < Axis::kPlaces);
  using Ranges = std::array<Axis::Range, kAxes>;
  using Intervals = std::array<Axis::Interval, kAxes>;
  static constexpr std::size_t kSideBySide = 16;
  using Search = void (*)(const FewRules& rules, Flows flows, Found out);
  struct Place {
    std::uint64_t order = 0;  ///< grows from place to place, with free ones as they were
    ShortKey value{}, mask{};
  };

  static Ranges ranges_of(const Rule& rule);
  static Search search_with(Vectors most);
  template <class Lanes>
  const Policy* find(const net::Flow& flow) const;
  const Policy* first_of(const Intervals& at, std::uint32_t words) const;
  template <class Lanes>
  void find_side_by_side(Flows flows, Found out) const;
  template <class Lanes>
  void find_all(Flows flows, Found out) const;

  std::size_t place_for(std::uint64_t order);
  std::size_t close_ranks(std::uint64_t order);
  void settle(const Rule& rule, std::size_t place);
  void clear();

  Search search_;
  bool complete_ = true;
  std::size_t rules_ = 0;
  std::array<Axis, kAxes> axes_;
  std::vector<Place> places_;            ///< at most Axis::kPlaces
  std::vector<const Policy*> policies_;  ///< by place; null where it is free
};

}  // namespace testudo::spd
