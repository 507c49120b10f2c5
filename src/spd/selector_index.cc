#include "spd/selector_index.h"

#include <algorithm>

#include "base/endian.h"

namespace testudo::spd {
namespace {

struct Words {
  std::uint64_t high = 0, low = 0;
};

Words words_of(const net::Address& a) {
  const Bytes b = a.bytes();
  if (a.is_v4()) return {std::uint64_t{be32(b.data())} << 32, 0};
  return {std::uint64_t{be32(b.data())} << 32 | be32(b.data() + 4),
          std::uint64_t{be32(b.data() + 8)} << 32 | be32(b.data() + 12)};
}

/// The first n bits of 128.
Words prefix_mask(unsigned n) {
  const auto ones = [](unsigned bits) { return bits == 0 ? 0 : ~std::uint64_t{0} << (64 - bits); };
  return {ones(std::min(n, 64U)), n > 64 ? ones(n - 64) : 0};
}

}  // namespace

SelectorIndex::Shape SelectorIndex::Shape::of(const net::Selector& s) {
  return {s.source.address.family(),
          s.destination.address.family(),
          std::min(s.source.length, s.source.address.width()),
          std::min(s.destination.length, s.destination.address.width()),
          s.protocol != net::protocol::kAny,
          s.source_port != 0,
          s.destination_port != 0,
          s.source.address.scope() != 0,
          s.destination.address.scope() != 0};
}

std::size_t SelectorIndex::KeyHash::operator()(const Key& key) const noexcept {
  std::uint64_t h = 0;
  for (const std::uint64_t word : key) {
    h = (h ^ word) * 0x9e3779b97f4a7c15U;
    h ^= h >> 29;
  }
  return h;
}

SelectorIndex::Key SelectorIndex::key_of(const net::Flow& flow) {
  const Words source = words_of(flow.source);
  const Words destination = words_of(flow.destination);
  return {source.high,
          source.low,
          destination.high,
          destination.low,
          std::uint64_t{flow.source.scope()} << 32 | flow.destination.scope(),
          std::uint64_t{flow.protocol} << 32 | std::uint64_t{flow.source_port} << 16 | flow.destination_port};
}

SelectorIndex::Key SelectorIndex::mask_of(const Shape& shape) {
  const Words source = prefix_mask(shape.source_length);
  const Words destination = prefix_mask(shape.destination_length);
  const auto counts = [](bool yes, std::uint64_t bits) { return yes ? bits : 0; };
  return {source.high,
          source.low,
          destination.high,
          destination.low,
          counts(shape.source_scope, 0xffffffff00000000U) | counts(shape.destination_scope, 0xffffffffU),
          counts(shape.protocol, 0xff00000000U) | counts(shape.source_port, 0xffff0000U) |
              counts(shape.destination_port, 0xffffU)};
}

SelectorIndex::Key SelectorIndex::masked(const Key& key, const Key& mask) {
  Key out;
  for (std::size_t i = 0; i < key.size(); ++i) out[i] = key[i] & mask[i];
  return out;
}

/// A flow that the selector matches; its key, masked, is the selector's.
net::Flow SelectorIndex::example_of(const net::Selector& s) {
  return {s.source.address, s.destination.address, s.protocol, s.source_port, s.destination_port};
}

void SelectorIndex::sort_by_first() {
  std::ranges::sort(tables_, {}, [](const Table* t) { return *t->orders.begin(); });
}

void SelectorIndex::add(const net::Selector& selector, std::uint64_t order, const Policy* policy) {
  const Shape shape = Shape::of(selector);
  std::unique_ptr<Table>& table = by_shape_[shape];
  if (!table) {
    table = std::make_unique<Table>();
    table->shape = shape;
    table->mask = mask_of(shape);
    tables_.push_back(table.get());
  }
  std::vector<Item>& items = table->items[masked(key_of(example_of(selector)), table->mask)];
  items.insert(std::ranges::upper_bound(items, order, {}, &Item::order), Item{order, policy});
  const bool first = table->orders.insert(order).first == table->orders.begin();
  if (first) sort_by_first();
}

void SelectorIndex::remove(const net::Selector& selector, std::uint64_t order) {
  const auto found = by_shape_.find(Shape::of(selector));
  if (found == by_shape_.end()) return;
  Table& table = *found->second;
  const auto items = table.items.find(masked(key_of(example_of(selector)), table.mask));
  if (items == table.items.end()) return;
  std::erase_if(items->second, [&](const Item& item) { return item.order == order; });
  if (items->second.empty()) table.items.erase(items);
  const bool first = !table.orders.empty() && *table.orders.begin() == order;
  table.orders.erase(order);
  if (table.orders.empty()) {
    std::erase(tables_, &table);
    by_shape_.erase(found);
  } else if (first) {
    sort_by_first();
  }
}

const Policy* SelectorIndex::lookup(const net::Flow& flow) const {
  const Key key = key_of(flow);
  Item best{~std::uint64_t{0}, nullptr};
  for (const Table* table : tables_) {
    if (best.order < *table->orders.begin()) break;
    if (table->shape.source_family != flow.source.family()) continue;
    if (table->shape.destination_family != flow.destination.family()) continue;
    const auto items = table->items.find(masked(key, table->mask));
    if (items != table->items.end() && items->second.front().order < best.order) best = items->second.front();
  }
  return best.policy;
}

}  // namespace testudo::spd
