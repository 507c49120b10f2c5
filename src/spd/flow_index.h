#pragma once
// Exact first match of a flow over ordered selectors: by rows of bits while those within IPv4 are few
// (spd/few_rules.h), else by tables (spd/selector_index.h), which have all of them.  One writing thread.
#include "spd/few_rules.h"
#include "spd/selector_index.h"

namespace testudo::spd {

class FlowIndex {
 public:
  static constexpr std::size_t kMostFlows = SelectorIndex::kMostFlows;

  /// `order` is unlike that of every other entry; the lowest order that matches wins.
  void add(const net::Selector& selector, std::uint64_t order, const Policy* policy);
  /// Of an entry that was added with this selector and order.
  void remove(const net::Selector& selector, std::uint64_t order);
  const Policy* lookup(const net::Flow& flow) const {
    const bool is_for_few = few_.complete() && flow.source.is_v4() && flow.destination.is_v4();
    return is_for_few ? few_.lookup(flow) : all_.lookup(flow);
  }
  /// The same of at most kMostFlows flows.
  void lookup(std::span<const net::Flow> flows, std::span<const Policy*> out) const;

 private:
  SelectorIndex all_;
  FewRules few_;
};

}  // namespace testudo::spd
