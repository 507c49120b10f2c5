// Messages whose handling has to wait for public-key work, as exchanges.h drives it: the message is parked, what comes
// behind it for the same SA is held in its order, and everybody else is served in between.  What a stranger can have
// under way at a time is limited, for each source and in all: beyond that its message is dropped, and may come again.
#include <algorithm>

#include "ike/v1/exchanges.h"

namespace testudo::ike::v1 {
namespace {

bool is_same(const Held& held, const Received& datagram) {
  return std::ranges::equal(held.bytes, datagram.bytes);
}

}  // namespace

void Exchanges::begin_work(const IkeSa& sa, Workbench& bench, Context& context) {
  const WorkId id{next_work_++};
  under_way_.emplace(id, UnderWay{own_cookie(sa), sa.remote.address});
  context.out.emplace_back(Compute{id, bench.begin(id)});
}

bool Exchanges::may_begin_work(const net::Address& source) const {
  const Limits& limits = policy_->limits;
  const auto of_source =
      std::ranges::count_if(under_way_, [&](const auto& entry) { return entry.second.source == source; });
  return under_way_.size() < limits.work_total && std::cmp_less(of_source, limits.work_per_source);
}

/// False when there is too much already: then it is as if the message had never come.
bool Exchanges::park(IkeSa& sa, const Received& datagram, Context& context) {
  if (!sa.work.is_again() && !may_begin_work(datagram.remote.address)) {
    sa.work.clear();
    drop(datagram, "too much public-key work is under way", context);
    return false;
  }
  sa.parked = held_of(datagram);
  begin_work(sa, sa.work, context);
  return true;
}

/// Repeated ones are not needed twice.
void Exchanges::hold(IkeSa& sa, const Received& datagram, Context& context) {
  const auto same = [&](const Held& held) { return is_same(held, datagram); };
  if (sa.parked && same(*sa.parked)) return;
  if (std::ranges::any_of(sa.quicks, [&](const Quick& q) { return q.parked && same(*q.parked); })) return;
  if (std::ranges::any_of(sa.held, same)) return;
  std::size_t bytes = datagram.bytes.size();
  for (const Held& each : sa.held) bytes += each.bytes.size();
  const Limits& limits = sa.policy->limits;
  if (sa.held.size() >= limits.held_per_sa || bytes > limits.held_bytes) {
    return drop(datagram, "too many messages wait for public-key work", context);
  }
  sa.held.push_back(held_of(datagram));
}

void Exchanges::computed(const Computed& event, Context& context) {
  const auto entry = under_way_.find(event.work);
  if (entry == under_way_.end()) return;
  const std::uint64_t cookie = entry->second.cookie;
  under_way_.erase(entry);
  IkeSa* const found = sas_.find(cookie);
  if (found == nullptr || found->state == State::Dead) return;
  IkeSa& sa = *found;
  if (sa.work.take(event.work, event.product)) {
    resume(sa, context);
  } else {
    const auto quick =
        std::ranges::find_if(sa.quicks, [&](Quick& each) { return each.work.take(event.work, event.product); });
    if (quick != sa.quicks.end()) resume(sa, *quick, context);
  }
  release(sa, context);
}

void Exchanges::resume(IkeSa& sa, Context& context) {
  if (!sa.parked) {
    if (!launch(sa, context)) end(sa, context);
    return;
  }
  const Held parked = *std::exchange(sa.parked, std::nullopt);
  const Received datagram = parked.view();
  const auto message = wire::ike::parse(datagram.bytes);
  if (!message) return;
  sa.state == State::Idle ? answer_first_again(sa, datagram, *message, context) : step(sa, datagram, *message, context);
}

void Exchanges::resume(IkeSa& sa, Quick& quick, Context& context) {
  if (!quick.parked) return spis_complete(sa, quick, context);
  const Held parked = *std::exchange(quick.parked, std::nullopt);
  const Received datagram = parked.view();
  const auto message = wire::ike::parse(datagram.bytes);
  if (message) take_quick(sa, quick, datagram, *message, context);
}

/// What came in between, until one of them has to wait as well.
void Exchanges::release(IkeSa& sa, Context& context) {
  while (sa.state != State::Dead && !sa.is_busy() && !sa.held.empty()) {
    const Held next = std::move(sa.held.front());
    sa.held.pop_front();
    const Received datagram = next.view();
    if (const auto message = wire::ike::parse(datagram.bytes)) receive(datagram, *message, context);
  }
}

}  // namespace testudo::ike::v1
