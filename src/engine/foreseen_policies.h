#pragma once
// Policies of the flows of packets that come next, looked up side by side (spd/flow_index.h): among many policies one
// look-up after the other would wait for memory again and again.  Expected in the order in which they are asked for.
#include <array>
#include <cstdint>
#include <span>

#include "spd/views.h"
#include "wire/packet/plain.h"

namespace testudo::engine {

class ForeseenPolicies {
 public:
  static constexpr std::size_t kMost = spd::View::kMostFlows;

  explicit ForeseenPolicies(spd::Direction direction) : direction_(direction) {}

  /// Nothing is expected any more.
  void begin() { expected_ = next_ = 0; }
  /// A batch begins; of so many flows as the last one had, is it worth while?
  void begin_batch() {
    begin();
    many_ = asked_ >= kMany;
    asked_ = 0;
  }
  bool worth_while() const { return many_; }
  /// At most kMost; those that are no plain TCP or UDP packets, or of the flow of the one before, are passed over.
  void expect(Bytes packet);
  void look(const spd::View& policies) { policies.lookup(direction_, std::span{flows_}.first(expected_), policies_); }

  /// Of the flow with this key; one that was not expected is looked up now.
  const spd::Policy* policy_of(const wire::packet::Plain& plain, const net::Flow& flow, const spd::View& policies) {
    ++asked_;
    if (next_ < expected_ && keys_[next_] == plain.key) return policies_[next_++];
    if (next_ > 0 && keys_[next_ - 1] == plain.key) return policies_[next_ - 1];
    return policies.lookup(direction_, flow);
  }

 private:
  static constexpr std::size_t kMany = 8;  ///< of one batch; fewer stay in the caches

  spd::Direction direction_;
  std::array<std::array<std::uint64_t, 5>, kMost> keys_;
  std::array<net::Flow, kMost> flows_;
  std::array<const spd::Policy*, kMost> policies_;
  std::size_t expected_ = 0, next_ = 0;
  std::size_t asked_ = 0;  ///< in this batch
  bool many_ = false;
};

}  // namespace testudo::engine
