#include "spd/selector_index.h"

#include "spd/flow_key.h"

namespace testudo::spd {
namespace {

/// A flow that the selector matches; its key, masked, is the selector's.
net::Flow example_of(const net::Selector& s) {
  return {s.source.address, s.destination.address, s.protocol, s.source_port, s.destination_port};
}

TupleSpace<6>::Rule long_rule(const net::Selector& s, std::uint64_t order, const Policy* policy) {
  const FlowKey mask = mask_of(s);
  return {masked(key_of(example_of(s)), mask), mask, order, policy};
}

/// Prefixes of a table hold whole steps, so that neighbouring lengths share it.  Protocol and ports tell rules apart
/// only where addresses do not.
net::Selector coarse(net::Selector s) {
  const unsigned step = s.source.address.is_v4() ? 8 : 16;
  const net::Selector fine = s;
  s.source.length -= s.source.length % step;
  s.destination.length -= s.destination.length % step;
  if (s.source.length + s.destination.length == 0) return fine;
  s.protocol = net::protocol::kAny;
  s.source_port = s.destination_port = 0;
  return s;
}

bool of_one_family(const net::Address& source, const net::Address& destination) {
  return source.family() == destination.family();
}

}  // namespace

TupleSpace<2>::Rule short_rule(const net::Selector& s, std::uint64_t order, const Policy* policy) {
  const ShortKey mask = short_mask_of(s);
  return {masked(short_key_of(example_of(s)), mask), mask, order, policy};
}

void SelectorIndex::add(const net::Selector& s, std::uint64_t order, const Policy* policy) {
  if (!of_one_family(s.source.address, s.destination.address)) return;  // matches no packet
  if (s.source.address.is_v4()) {
    v4_.add(short_rule(s, order, policy), short_mask_of(coarse(s)));
  } else {
    v6_.add(long_rule(s, order, policy), mask_of(coarse(s)));
  }
}

bool SelectorIndex::remove(const net::Selector& s, std::uint64_t order) {
  if (!of_one_family(s.source.address, s.destination.address)) return false;
  return s.source.address.is_v4() ? v4_.remove(short_rule(s, order, nullptr))
                                  : v6_.remove(long_rule(s, order, nullptr));
}

SelectorIndex::Entry SelectorIndex::find(const net::Selector& s) const {
  if (!of_one_family(s.source.address, s.destination.address)) return {};
  const auto entry_of = [](const auto& found) { return Entry{found.order, found.policy}; };
  if (s.source.address.is_v4()) {
    const auto rule = short_rule(s, 0, nullptr);
    return entry_of(v4_.find(rule.value, rule.mask));
  }
  const auto rule = long_rule(s, 0, nullptr);
  return entry_of(v6_.find(rule.value, rule.mask));
}

const Policy* SelectorIndex::lookup(const net::Flow& flow) const {
  if (!of_one_family(flow.source, flow.destination)) return nullptr;
  return flow.source.is_v4() ? v4_.lookup(short_key_of(flow)).policy : v6_.lookup(key_of(flow)).policy;
}

void SelectorIndex::lookup_v4(std::span<const net::Flow> flows, std::span<const Policy*> out) const {
  std::array<ShortKey, kMostFlows> keys;
  std::array<TupleSpace<2>::Match, kMostFlows> found;
  for (std::size_t i = 0; i < flows.size(); ++i) keys[i] = short_key_of(flows[i]);
  v4_.lookup(std::span{keys}.first(flows.size()), found);
  for (std::size_t i = 0; i < flows.size(); ++i) out[i] = found[i].policy;
}

}  // namespace testudo::spd
