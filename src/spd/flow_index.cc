#include "spd/flow_index.h"

#include <algorithm>

namespace testudo::spd {
namespace {

bool is_within_v4(const net::Selector& s) {
  return s.source.address.is_v4() && s.destination.address.is_v4();
}

}  // namespace

void FlowIndex::add(const net::Selector& selector, std::uint64_t order, const Policy* policy) {
  all_.add(selector, order, policy);
  if (is_within_v4(selector)) few_.add(short_rule(selector, order, policy));
}

void FlowIndex::remove(const net::Selector& selector, std::uint64_t order) {
  all_.remove(selector, order);
  if (!is_within_v4(selector)) return;
  if (few_.complete()) {
    few_.remove(short_rule(selector, order, nullptr));
  } else if (FewRules::may_return(all_.v4().size())) {
    few_.assign(all_.v4().rules());
  }
}

void FlowIndex::lookup(std::span<const net::Flow> flows, std::span<const Policy*> out) const {
  const auto is_v4 = [](const net::Flow& flow) { return flow.source.is_v4() && flow.destination.is_v4(); };
  if (std::ranges::all_of(flows, is_v4)) return few_.complete() ? few_.lookup(flows, out) : all_.lookup_v4(flows, out);
  for (std::size_t i = 0; i < flows.size(); ++i) out[i] = lookup(flows[i]);
}

}  // namespace testudo::spd
