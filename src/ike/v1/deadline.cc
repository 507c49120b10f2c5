#include "ike/v1/deadline.h"

#include "ike/v1/sa_table.h"

namespace testudo::ike::v1 {
namespace {

/// The first of several times.
class Earliest {
 public:
  void take(std::optional<Time> time) {
    if (time && (!first_ || *time < *first_)) first_ = time;
  }
  std::optional<Time> get() const { return first_; }

 private:
  std::optional<Time> first_;
};

void take_exchanges(const IkeSa& sa, Earliest& first) {
  for (const Waiting& waiting : sa.waiting) first.take(waiting.until);
  for (const Transaction& each : sa.transactions) {
    const bool waits = each.purpose != Transaction::Purpose::Answer;
    first.take(waits ? each.sent.deadline() : std::optional{each.deadline});
  }
  for (const Quick& quick : sa.quicks) {
    first.take(quick.sent.deadline());
    first.take(quick.deadline);
    first.take(quick.out_due);
  }
}

}  // namespace

std::optional<Time> deadline_of(const IkeSa& sa) {
  if (sa.state == State::Dead) return std::nullopt;
  Earliest first;
  first.take(sa.sent.deadline());
  if (is_half_open(sa)) first.take(sa.created + sa.policy->limits.half_open);
  if (const auto since = sa.fragments.since()) first.take(*since + sa.policy->limits.fragments);
  if (sa.established()) {
    first.take(sa.expires);
    first.take(sa.rekey);
  }
  first.take(sa.liveness.next);
  first.take(login_deadline(sa));
  first.take(sa.paused_for);
  take_exchanges(sa, first);
  return first.get();
}

std::optional<Time> login_deadline(const IkeSa& sa) {
  const bool client_waits = sa.login.state == Login::State::Awaited && sa.agreed.xauth == Xauth::Client;
  if (sa.login.state == Login::State::Delayed || client_waits) return sa.login.until;
  return std::nullopt;
}

}  // namespace testudo::ike::v1
