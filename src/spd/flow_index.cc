#include "spd/flow_index.h"

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

}  // namespace testudo::spd
