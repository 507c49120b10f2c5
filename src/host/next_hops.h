#pragma once
// Where a frame for an address goes: by which interface and to whose link-layer address.  Answers are kept for a
// moment, also that there is none; the number of them is bounded.  Pure: who knows the answers is asked through a
// function.
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "base/time.h"
#include "net/address.h"

namespace testudo::host {

struct Hop {
  unsigned device = 0;
  std::array<std::uint8_t, 6> mac{};

  friend bool operator==(const Hop&, const Hop&) = default;
};

class NextHops {
 public:
  using Ask = std::function<std::optional<Hop>(const net::Address&)>;
  static constexpr std::size_t kMost = 4096;
  /// How long a neighbour that is gone, or has moved in silence, is still sent to.
  static constexpr Duration kKnown = std::chrono::seconds{1};
  /// The kernel is resolving it meanwhile.
  static constexpr Duration kUnknown = std::chrono::milliseconds{20};

  explicit NextHops(Ask ask) : ask_(std::move(ask)) {}

  /// Null when there is none; until the next call.
  const Hop* find(const net::Address& destination, Time now);
  /// Routes, links or neighbours changed.
  void forget() { entries_.clear(); }

 private:
  struct Entry {
    std::optional<Hop> hop;
    Time until;
  };
  Ask ask_;
  std::unordered_map<net::Address, Entry> entries_;
};

}  // namespace testudo::host
