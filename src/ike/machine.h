#pragma once
// An IKE daemon without its sockets: (state, event, now, random) -> (state, actions).  Looks at the major version of a
// message before anything else and hands it to that version's exchanges.  No clock, no file, no thread.
//
//   Machine machine{policy, keys, policies};
//   for (const Action& action : machine.on(Received{local, remote, bytes}, now, random)) …
#include <memory>

#include "ike/event.h"
#include "ike/policy.h"
#include "ike/ports.h"
#include "ike/v1/exchanges.h"

namespace testudo::ike {

class Machine {
 public:
  Machine(std::shared_ptr<const Policy> policy, const KeyStore& keys, const PolicyBase& policies,
          SlowWork slow_work = SlowWork::AtOnce)
      : v1_(std::move(policy), keys, policies, slow_work) {}

  Actions on(const Event& event, Time now, Random& random);

  /// A new configuration; what is established stays.
  void set_policy(std::shared_ptr<const Policy> policy) { v1_.set_policy(std::move(policy)); }

  /// When Tick has something to do; nothing: no timer runs.
  std::optional<Time> next_deadline() const { return v1_.next_deadline(); }

  const v1::Exchanges& v1() const { return v1_; }

 private:
  void receive(const Received& datagram, v1::Context& context);
  static void refuse_version_2(const Received& datagram, const wire::ike::Message& message, v1::Context& context);

  v1::Exchanges v1_;
};

}  // namespace testudo::ike
