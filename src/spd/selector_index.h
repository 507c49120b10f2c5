#pragma once
// Exact first match over ordered selectors: a selector as value and mask of a flow's bits, in a TupleSpace for each
// family.  It knows nothing of policies beyond a pointer to give back.  One writing thread.
#include "net/flow.h"
#include "spd/tuple_space.h"

namespace testudo::spd {

/// Of a selector within IPv4.
TupleSpace<2>::Rule short_rule(const net::Selector& selector, std::uint64_t order, const Policy* policy);

class SelectorIndex {
 public:
  static constexpr std::size_t kMostFlows = 64;

  /// `order` is unlike that of every other entry; the lowest order that matches wins.
  void add(const net::Selector& selector, std::uint64_t order, const Policy* policy);
  /// Of an entry that was added with this selector and order; false when there is none.
  bool remove(const net::Selector& selector, std::uint64_t order);
  const Policy* lookup(const net::Flow& flow) const;
  /// Of at most kMostFlows flows within IPv4, side by side.
  void lookup_v4(std::span<const net::Flow> flows, std::span<const Policy*> out) const;
  struct Entry {
    std::uint64_t order = 0;
    const Policy* policy = nullptr;  ///< null: there is none
  };
  /// One that compares what this selector does.
  Entry find(const net::Selector& selector) const;

  std::size_t tables() const { return v4_.tables() + v6_.tables(); }
  /// Those within IPv4.
  const TupleSpace<2>& v4() const { return v4_; }

 private:
  TupleSpace<2> v4_;
  TupleSpace<6> v6_;
};

}  // namespace testudo::spd
