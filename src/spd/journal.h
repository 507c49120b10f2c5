#pragma once
// The last changes of one direction's list of policies, so that whoever has a picture of it can follow it instead of
// asking everything again.  A ring: what is older than kRemembered changes is forgotten.  Written by
// the database only; one thread.
#include <array>
#include <cstdint>

#include "base/strong.h"
#include "net/flow.h"

namespace testudo::spd {

struct Policy;

class Journal {
 public:
  static constexpr std::uint64_t kRemembered = 256;  ///< a power of two

  struct Change {
    enum class Kind : std::uint8_t {
      Appended,  ///< at the tail: it can only decide what nothing decided before
      Replaced,  ///< in its place, by one with the same selector, at the same address while no other thread reads
      Removed,
    };
    Kind kind = Kind::Appended;
    PolicyId id;
    const Policy* policy = nullptr;  ///< to be compared; it may be gone
    net::Selector selector{};
  };

  /// How many changes there were.
  std::uint64_t epoch() const { return epoch_; }
  bool remembers(std::uint64_t since) const { return epoch_ - since <= kRemembered; }
  /// The change that made epoch `n` of n - 1; one that it remembers.
  const Change& change(std::uint64_t n) const { return changes_[(n - 1) % kRemembered]; }

  void record(const Change& change) { changes_[epoch_++ % kRemembered] = change; }

 private:
  std::uint64_t epoch_ = 0;
  std::array<Change, kRemembered> changes_{};
};

}  // namespace testudo::spd
