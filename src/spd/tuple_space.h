#pragma once
// Exact first match over rules of the form "key & mask == value", in hash tables by mask.  A table's mask has some of
// the bits of its rules' masks, so that many kinds of rules share one table, and what is found there is compared in
// full (TupleMerge: Daly, Bruschi, Linguaglossa et al. 2019).  A look-up asks the tables in the order of their first
// rules and stops when no later one can hold an earlier match; of many rules, table_filter.h says which tables.
//
//   table: mask, least order, slots  ──hash of key & mask──►  slot: tag, first item ──► item ──► item    by order
//
// A change touches one table; the work of growing is spread over the additions.  A chain that would become long makes
// its rule go to a more specific table.  One writing thread.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "spd/flow_key.h"
#include "spd/table_filter.h"

namespace testudo::spd {

struct Policy;

template <std::size_t Words>
class TupleSpace {
 public:
  using Key = std::array<std::uint64_t, Words>;
  struct Rule {
    Key value{};  ///< only bits of the mask
    Key mask{};
    std::uint64_t order = 0;  ///< unlike that of any other rule; the lowest that matches wins
    const Policy* policy = nullptr;
  };
  struct Match {
    std::uint64_t order = ~std::uint64_t{0};
    const Policy* policy = nullptr;
  };

  /// `coarse`: the mask of a table that is made for this rule; some of the bits of the rule's own.
  void add(const Rule& rule, const Key& coarse);
  /// False when there is none with this mask, value and order.
  bool remove(const Rule& rule);
  Match lookup(const Key& key) const;
  /// Of many keys side by side: what one of them waits for from memory, the others wait for at the same time.
  void lookup(std::span<const Key> keys, std::span<Match> out) const;
  /// A rule with just this value and mask; without a policy when there is none.
  Match find(const Key& value, const Key& mask) const;

  std::size_t tables() const { return by_order_.size(); }
  std::size_t size() const { return size_; }
  /// In no order.
  std::vector<Rule> rules() const;

 private:
  static constexpr std::size_t kLongChain = 8;
  static constexpr std::size_t kSideBySide = 32;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct Item {
    Rule rule;
    std::uint32_t next = kNone;
  };
  struct Slot {
    std::uint32_t tag = 0, item = kNone;
  };
  struct Table {
    Key mask{};
    std::uint64_t first = ~std::uint64_t{0};  ///< no rule's order is less; exact but after removals
    TableSet bit = kEveryTable;               ///< in the filter; all of them when no other is left
    std::size_t rules = 0, removed = 0, used = 0;
    std::vector<Slot> slots;  ///< a power of two, at most half full; chains by hash
  };

  static bool within(const Key& inner, const Key& outer) { return masked(inner, outer) == inner; }
  static int bits(const Key& mask) {
    int n = 0;
    for (const std::uint64_t word : mask) n += __builtin_popcountll(word);
    return n;
  }
  static std::uint32_t tag_of(const Key& key, const Key& mask) {
    std::uint64_t h = 0x9e3779b97f4a7c15U;
    for (std::size_t i = 0; i < Words; ++i) {
      h = (h ^ (key[i] & mask[i])) * 0xff51afd7ed558ccdU;
      h ^= h >> 32;
    }
    return static_cast<std::uint32_t>((h * 0xc4ceb9fe1a85ec53U) >> 32);
  }

  void improve(Match& best, const Key& key, std::uint32_t first_item) const;
  void lookup_side_by_side(std::span<const Key> keys, std::span<Match> out) const;
  Table& table_for(const Rule& rule, const Key& coarse);
  Table* table_of(const Key& mask);
  Table& make(const Key& mask);
  static std::size_t place(const Table& table, std::uint32_t tag);
  bool has_long_chain(const Table& table, std::uint32_t tag) const;
  void insert(Table& table, const Rule& rule);
  bool take(Table& table, const Rule& rule);
  void close_gap(Table& table, std::size_t at);
  void forget(Table& table, std::uint64_t order);
  void grow(Table& table);
  void sort_by_first();
  TableSet free_bit() const;
  void filter_anew();

  std::vector<std::unique_ptr<Table>> by_order_;  ///< by first
  std::vector<Table*> by_bits_;                   ///< the most specific first
  std::vector<Item> items_;
  std::uint32_t free_ = kNone;
  std::size_t size_ = 0;
  TableFilter<Words> filter_;
  std::size_t stale_ = 0;  ///< removed since all rules were told to the filter
};

template <std::size_t Words>
auto TupleSpace<Words>::lookup(const Key& key) const -> Match {
  Match out;
  lookup_side_by_side({&key, 1}, {&out, 1});
  return out;
}

/// By a match of this chain, when there is one of lower order.
template <std::size_t Words>
void TupleSpace<Words>::improve(Match& best, const Key& key, std::uint32_t first_item) const {
  for (std::uint32_t i = first_item; i != kNone; i = items_[i].next) {
    const Rule& rule = items_[i].rule;
    if (rule.order >= best.order) return;
    if (masked(key, rule.mask) != rule.value) continue;
    best = {rule.order, rule.policy};
    return;
  }
}

template <std::size_t Words>
void TupleSpace<Words>::lookup(std::span<const Key> keys, std::span<Match> out) const {
  while (!keys.empty()) {
    const std::size_t n = std::min(kSideBySide, keys.size());
    lookup_side_by_side(keys.first(n), out.first(n));
    keys = keys.subspan(n);
    out = out.subspan(n);
  }
}

/// Table by table, and in each step by step: hash, slot, chain.  Who asks is found without branches, for nobody could
/// foretell them.
template <std::size_t Words>
void TupleSpace<Words>::lookup_side_by_side(std::span<const Key> keys, std::span<Match> out) const {
  std::array<TableSet, kSideBySide> may;
  std::array<std::uint8_t, kSideBySide> asking;
  std::array<std::uint32_t, kSideBySide> found;  // first the tag, then the chain
  for (const Key& key : keys) filter_.fetch(key);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    may[i] = filter_.tables_for(keys[i]);
    out[i] = {};
  }
  for (const auto& table : by_order_) {
    std::size_t n = 0, unsettled = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const bool later = out[i].order >= table->first;
      asking[n] = static_cast<std::uint8_t>(i);
      n += later && (may[i] & table->bit) != 0 ? 1 : 0;
      unsettled += later ? 1 : 0;
    }
    if (unsettled == 0) return;
    for (std::size_t j = 0; j < n; ++j) {
      found[j] = tag_of(keys[asking[j]], table->mask);
      __builtin_prefetch(&table->slots[found[j] & (table->slots.size() - 1)]);
    }
    for (std::size_t j = 0; j < n; ++j) {
      found[j] = table->slots[place(*table, found[j])].item;
      if (found[j] != kNone) __builtin_prefetch(&items_[found[j]]);
    }
    for (std::size_t j = 0; j < n; ++j) improve(out[asking[j]], keys[asking[j]], found[j]);
  }
}

template <std::size_t Words>
auto TupleSpace<Words>::find(const Key& value, const Key& mask) const -> Match {
  for (const Table* table : by_bits_) {
    if (!within(table->mask, mask)) continue;
    const Slot& slot = table->slots[place(*table, tag_of(value, table->mask))];
    for (std::uint32_t i = slot.item; i != kNone; i = items_[i].next) {
      const Rule& rule = items_[i].rule;
      if (rule.mask == mask && rule.value == value) return {rule.order, rule.policy};
    }
  }
  return {};
}

template <std::size_t Words>
auto TupleSpace<Words>::rules() const -> std::vector<Rule> {
  std::vector<Rule> out;
  out.reserve(size_);
  for (const auto& table : by_order_) {
    for (const Slot& slot : table->slots) {
      for (std::uint32_t i = slot.item; i != kNone; i = items_[i].next) out.push_back(items_[i].rule);
    }
  }
  return out;
}

template <std::size_t Words>
void TupleSpace<Words>::add(const Rule& rule, const Key& coarse) {
  Table& table = table_for(rule, coarse);
  insert(table, rule);
  ++size_;
  if (filter_.in_use()) {
    filter_.add(rule.value, rule.mask, table.bit);
  } else if (filter_.wants_rules(size_)) {
    filter_anew();
  }
  if (rule.order >= table.first) return;
  table.first = rule.order;
  sort_by_first();
}

/// The most specific table that may hold the rule and has a short chain for it.
template <std::size_t Words>
auto TupleSpace<Words>::table_for(const Rule& rule, const Key& coarse) -> Table& {
  for (Table* table : by_bits_) {
    if (!within(table->mask, rule.mask)) continue;
    if (!has_long_chain(*table, tag_of(rule.value, table->mask))) return *table;
  }
  if (table_of(coarse) == nullptr) return make(coarse);
  // Chains of a table of its own mask are as short as they can be.
  Table* own = table_of(rule.mask);
  return own == nullptr ? make(rule.mask) : *own;
}

template <std::size_t Words>
auto TupleSpace<Words>::table_of(const Key& mask) -> Table* {
  const auto found = std::ranges::find(by_bits_, mask, &Table::mask);
  return found == by_bits_.end() ? nullptr : *found;
}

template <std::size_t Words>
auto TupleSpace<Words>::make(const Key& mask) -> Table& {
  const TableSet bit = free_bit();
  Table& table = *by_order_.emplace_back(std::make_unique<Table>());
  table.mask = mask;
  table.bit = bit;
  table.slots.resize(4);
  by_bits_.push_back(&table);
  std::ranges::stable_sort(by_bits_, std::greater{}, [](const Table* t) { return bits(t->mask); });
  return table;
}

/// Of the slot with this tag, or of the empty one where it would stand.
template <std::size_t Words>
std::size_t TupleSpace<Words>::place(const Table& table, std::uint32_t tag) {
  const std::size_t mask = table.slots.size() - 1;
  std::size_t at = tag & mask;
  while (table.slots[at].item != kNone && table.slots[at].tag != tag) at = (at + 1) & mask;
  return at;
}

template <std::size_t Words>
bool TupleSpace<Words>::has_long_chain(const Table& table, std::uint32_t tag) const {
  std::size_t length = 0;
  for (std::uint32_t i = table.slots[place(table, tag)].item; i != kNone; i = items_[i].next) ++length;
  return length >= kLongChain;
}

template <std::size_t Words>
void TupleSpace<Words>::insert(Table& table, const Rule& rule) {
  if (2 * (table.used + 1) > table.slots.size()) grow(table);
  std::uint32_t made = free_;
  if (made == kNone) {
    made = static_cast<std::uint32_t>(items_.size());
    items_.emplace_back();
  } else {
    free_ = items_[made].next;
  }
  const std::uint32_t tag = tag_of(rule.value, table.mask);
  Slot& slot = table.slots[place(table, tag)];
  if (slot.item == kNone) ++table.used;
  slot.tag = tag;
  std::uint32_t* link = &slot.item;
  while (*link != kNone && items_[*link].rule.order < rule.order) link = &items_[*link].next;
  items_[made] = {rule, *link};
  *link = made;
  ++table.rules;
}

template <std::size_t Words>
void TupleSpace<Words>::grow(Table& table) {
  std::vector<Slot> before(table.slots.size() * 2);
  before.swap(table.slots);
  for (const Slot& slot : before) {
    if (slot.item != kNone) table.slots[place(table, slot.tag)] = slot;
  }
}

template <std::size_t Words>
bool TupleSpace<Words>::remove(const Rule& rule) {
  for (Table* table : by_bits_) {
    if (!within(table->mask, rule.mask) || !take(*table, rule)) continue;
    forget(*table, rule.order);
    --size_;
    if (filter_.in_use() && (++stale_ > size_ || !filter_.is_worth(size_))) filter_anew();
    return true;
  }
  return false;
}

template <std::size_t Words>
bool TupleSpace<Words>::take(Table& table, const Rule& rule) {
  const auto is_it = [&](const Rule& r) {
    return r.order == rule.order && r.mask == rule.mask && r.value == rule.value;
  };
  const std::size_t at = place(table, tag_of(rule.value, table.mask));
  std::uint32_t* link = &table.slots[at].item;
  while (*link != kNone && !is_it(items_[*link].rule)) link = &items_[*link].next;
  if (*link == kNone) return false;
  const std::uint32_t gone = *link;
  *link = items_[gone].next;
  items_[gone] = {{}, free_};
  free_ = gone;
  if (table.slots[at].item == kNone) close_gap(table, at);
  return true;
}

/// Moves up what had to go past the slot that became empty, so that no search ends too early.
template <std::size_t Words>
void TupleSpace<Words>::close_gap(Table& table, std::size_t gap) {
  const std::size_t mask = table.slots.size() - 1;
  for (std::size_t at = (gap + 1) & mask; table.slots[at].item != kNone; at = (at + 1) & mask) {
    const std::size_t home = table.slots[at].tag & mask;
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    table.slots[gap] = table.slots[at];
    table.slots[at] = {};
    gap = at;
  }
  --table.used;
}

/// The table's least order is looked for anew when half of its rules have gone: until then it may be asked in vain.
template <std::size_t Words>
void TupleSpace<Words>::forget(Table& table, std::uint64_t order) {
  --table.rules;
  if (table.rules == 0) {
    std::erase(by_bits_, &table);
    std::erase_if(by_order_, [&](const auto& t) { return t.get() == &table; });
    return;
  }
  ++table.removed;
  if (order != table.first && 2 * table.removed < table.rules) return;
  if (order == table.first && table.removed < table.rules / 16) return;
  table.removed = 0;
  table.first = ~std::uint64_t{0};
  for (const Slot& slot : table.slots) {
    if (slot.item != kNone) table.first = std::min(table.first, items_[slot.item].rule.order);
  }
  sort_by_first();
}

template <std::size_t Words>
void TupleSpace<Words>::sort_by_first() {
  std::ranges::sort(by_order_, {}, [](const auto& t) { return t->first; });
}

/// Of the filter, that no table has; all of them when there is none, so that the table is always asked.
template <std::size_t Words>
TableSet TupleSpace<Words>::free_bit() const {
  TableSet taken = 0;
  for (const auto& table : by_order_) taken |= table->bit == kEveryTable ? 0 : table->bit;
  const TableSet free = ~taken & (taken + 1);
  return free == 0 ? kEveryTable : free;
}

/// Tells the filter all rules, or none when they are too few for it.
template <std::size_t Words>
void TupleSpace<Words>::filter_anew() {
  stale_ = 0;
  if (!filter_.is_worth(size_)) return filter_.stop();
  filter_.start();
  for (const auto& table : by_order_) {
    for (const Slot& slot : table->slots) {
      for (std::uint32_t i = slot.item; i != kNone; i = items_[i].next) {
        filter_.add(items_[i].rule.value, items_[i].rule.mask, table->bit);
      }
    }
  }
}

}  // namespace testudo::spd
