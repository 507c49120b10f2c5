#pragma once
// Answers of Database::lookup by flow, one cache line each.  A change of the SPD flushes nothing: an answer from before
// it is looked at in the light of the journal of changes, and asked again only when one of them could have altered it.
// So the cache always gives what the database would.  It holds pointers to policies but never follows them.  A worker
// has its own; one thread, that of the database.
//
//   FlowCache cache{spd, Direction::Out};
//   const Policy* policy = cache.lookup(flow);     // null: no policy matches
#include <cstdint>
#include <vector>

#include "spd/database.h"
#include "spd/flow_key.h"

namespace testudo::spd {

class FlowCache {
 public:
  struct Counts {
    std::uint64_t hits = 0;
    std::uint64_t revalidated = 0;  ///< of the hits: those that the journal had to confirm
    std::uint64_t misses = 0;
  };

  /// `capacity` flows, rounded up to a power of two; each set of two forgets the one that came first.
  FlowCache(const Database& database, Direction direction, std::size_t capacity = 8192);

  /// Database::lookup(direction, flow).
  const Policy* lookup(const net::Flow& flow);

  const Counts& counts() const { return counts_; }

 private:
  struct alignas(64) Line {
    FlowKey key{};
    const Policy* answer = nullptr;
    std::uint64_t known_at = kNever;  ///< epoch of the journal
  };
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  bool answers(Line& line, const FlowKey& key, const net::Flow& flow);

  const Database& database_;
  const Journal& journal_;
  Direction direction_;
  std::vector<Line> lines_;
  std::size_t mask_;
  Counts counts_;
};

}  // namespace testudo::spd
