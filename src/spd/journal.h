#pragma once
// The last changes of one direction's list of policies, so that whoever remembers an answer can ask whether it still
// holds instead of asking everything again.  A ring: what is older than kRemembered changes is forgotten.  Written by
// the database only; one thread.
#include <array>
#include <cstdint>

#include "net/flow.h"

namespace testudo::spd {

struct Policy;

class Journal {
 public:
  static constexpr std::uint64_t kRemembered = 256;  ///< a power of two

  /// How many changes there were.
  std::uint64_t epoch() const { return epoch_; }

  /// A new policy at the tail: it can only decide what nothing decided before.
  void appended(const net::Selector& selector) { next() = {nullptr, selector}; }
  /// The pointer is compared and never followed.
  void removed(const Policy* policy) { next() = {policy, {}}; }

  /// What the list answered for this flow at that epoch it answers now.  May say no where a new look-up would give the
  /// same; never yes where it would not.
  bool still_holds(const Policy* answer, const net::Flow& flow, std::uint64_t since) const {
    if (since == epoch_) return true;
    if (epoch_ - since > kRemembered) return false;
    for (std::uint64_t at = since; at != epoch_; ++at) {
      const Change& change = changes_[at % kRemembered];
      const bool is_removal = change.removed != nullptr;
      if (is_removal ? change.removed == answer : answer == nullptr && change.appended.matches(flow)) return false;
    }
    return true;
  }

 private:
  struct Change {
    const Policy* removed = nullptr;
    net::Selector appended{};
  };
  Change& next() { return changes_[epoch_++ % kRemembered]; }

  std::uint64_t epoch_ = 0;
  std::array<Change, kRemembered> changes_{};
};

}  // namespace testudo::spd
