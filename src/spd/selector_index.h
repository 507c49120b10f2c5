#pragma once
// Exact first match over ordered selectors.  Selectors of one shape (address families, prefix lengths, which of
// protocol, ports and scopes are wildcards) share a hash table that is keyed by the bits that count; a look-up asks the
// tables in the order of their first entry and stops when no later table can hold an earlier match.  (Tuple space
// search, Srinivasan, Suri and Varghese 1999.)  It knows nothing of policies beyond a pointer to give back.  One
// writing thread.
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "net/flow.h"

namespace testudo::spd {

struct Policy;

class SelectorIndex {
 public:
  /// `order` is unlike that of every other entry; the lowest order that matches wins.
  void add(const net::Selector& selector, std::uint64_t order, const Policy* policy);
  /// Of an entry that was added with this selector and order.
  void remove(const net::Selector& selector, std::uint64_t order);
  const Policy* lookup(const net::Flow& flow) const;

  std::size_t shapes() const { return tables_.size(); }

 private:
  struct Shape {
    net::Family source_family, destination_family;
    unsigned source_length, destination_length;
    bool protocol, source_port, destination_port, source_scope, destination_scope;  ///< true: counts

    static Shape of(const net::Selector& selector);
    auto tied() const {
      return std::tie(source_family, destination_family, source_length, destination_length, protocol, source_port,
                      destination_port, source_scope, destination_scope);
    }
    friend bool operator<(const Shape& a, const Shape& b) { return a.tied() < b.tied(); }
  };
  /// What of a flow counts in a shape: both addresses, scopes, protocol and ports.
  using Key = std::array<std::uint64_t, 6>;
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Item {
    std::uint64_t order;
    const Policy* policy;
  };
  struct Table {
    Shape shape;
    Key mask{};
    std::unordered_map<Key, std::vector<Item>, KeyHash> items;  ///< of one key: in order
    std::set<std::uint64_t> orders;
  };

  static Key key_of(const net::Flow& flow);
  static Key mask_of(const Shape& shape);
  static Key masked(const Key& key, const Key& mask);
  static net::Flow example_of(const net::Selector& selector);
  void sort_by_first();

  std::map<Shape, std::unique_ptr<Table>> by_shape_;
  std::vector<const Table*> tables_;  ///< by lowest order
};

}  // namespace testudo::spd
