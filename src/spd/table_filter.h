#pragma once
// Which tables of a TupleSpace may have a rule for a flow, told from the first 16 bits of either address alone: most
// tables of many rules have none, and are not asked then.
//
//   first 16 bits of source ────► bits, one a table ─┐
//                                                     ├─ and ──► tables to ask
//   first 16 bits of destination ► bits, one a table ─┘
//
// A bit may be set in vain: what is removed stays until all is told anew.  Half a MiB, so only for many rules.
#include <array>
#include <cstdint>
#include <vector>

namespace testudo::spd {

/// Of the bits above; the tables beyond have kEvery and are always asked.
using TableSet = std::uint32_t;
inline constexpr TableSet kEveryTable = ~TableSet{0};

/// Of keys whose addresses lie elsewhere: says nothing, and so every table is asked.
template <std::size_t Words>
class TableFilter {
 public:
  using Key = std::array<std::uint64_t, Words>;

  static constexpr bool wants_rules(std::size_t) { return false; }
  static constexpr bool is_worth(std::size_t) { return false; }
  static constexpr bool in_use() { return false; }
  void start() {}
  void stop() {}
  void add(const Key&, const Key&, TableSet) {}
  void fetch(const Key&) const {}
  TableSet tables_for(const Key&) const { return kEveryTable; }
};

/// Of a ShortKey (flow_key.h).
template <>
class TableFilter<2> {
 public:
  using Key = std::array<std::uint64_t, 2>;

  static constexpr std::size_t kFewest = 2048;  ///< rules, from which on it is worth its memory
  /// At a distance from each other, so that changes at the limit do not make it come and go.
  static constexpr bool wants_rules(std::size_t rules) { return rules >= kFewest; }
  static constexpr bool is_worth(std::size_t rules) { return rules >= kFewest / 2; }

  bool in_use() const { return !source_.empty(); }
  /// Empty: now all rules have to be added.
  void start() {
    source_.assign(kPlaces, 0);
    destination_.assign(kPlaces, 0);
    any_source_ = any_destination_ = 0;
  }
  void stop() {
    source_ = {};
    destination_ = {};
  }
  /// A rule of this table.
  void add(const Key& value, const Key& mask, TableSet table) {
    set(source_, any_source_, value[0] >> kSource, mask[0] >> kSource, table);
    set(destination_, any_destination_, value[0] >> kDestination, mask[0] >> kDestination, table);
  }

  /// Ahead of tables_for().
  void fetch(const Key& key) const {
    if (!in_use()) return;
    __builtin_prefetch(&source_[part(key[0] >> kSource)]);
    __builtin_prefetch(&destination_[part(key[0] >> kDestination)]);
  }
  TableSet tables_for(const Key& key) const {
    if (!in_use()) return kEveryTable;
    return (source_[part(key[0] >> kSource)] | any_source_) &
           (destination_[part(key[0] >> kDestination)] | any_destination_);
  }

 private:
  static constexpr std::size_t kPlaces = 65536;
  static constexpr unsigned kSource = 48, kDestination = 16;

  static constexpr std::size_t part(std::uint64_t word) { return word & (kPlaces - 1); }
  static void set(std::vector<TableSet>& by_part, TableSet& any, std::uint64_t value, std::uint64_t mask,
                  TableSet table) {
    if (part(mask) == kPlaces - 1) {
      by_part[part(value)] |= table;
    } else {
      any |= table;
    }
  }

  std::vector<TableSet> source_, destination_;
  TableSet any_source_ = 0, any_destination_ = 0;  ///< with a rule of a shorter prefix
};

}  // namespace testudo::spd
