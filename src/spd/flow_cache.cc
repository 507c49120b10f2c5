#include "spd/flow_cache.h"

#include <algorithm>
#include <bit>

namespace testudo::spd {

FlowCache::FlowCache(const Database& database, Direction direction, std::size_t capacity)
    : database_(database),
      journal_(database.journal(direction)),
      direction_(direction),
      lines_(std::bit_ceil(std::max<std::size_t>(capacity, 2))),
      mask_(lines_.size() - 2) {}

const Policy* FlowCache::lookup(const net::Flow& flow) {
  const FlowKey key = key_of(flow);
  Line* const set = &lines_[hash_of(key) & mask_];
  for (Line* line = set; line != set + 2; ++line) {
    if (!answers(*line, key, flow)) continue;
    ++counts_.hits;
    return line->answer;
  }
  ++counts_.misses;
  // A stale line of this very flow is written over, so that no flow stands in both.
  if (set[0].key != key) set[1] = set[0];
  set[0] = {key, database_.lookup(direction_, flow), journal_.epoch()};
  return set[0].answer;
}

bool FlowCache::answers(Line& line, const FlowKey& key, const net::Flow& flow) {
  if (line.key != key || line.known_at == kNever) return false;
  if (line.known_at == journal_.epoch()) return true;
  if (!journal_.still_holds(line.answer, flow, line.known_at)) {
    line.known_at = kNever;
    return false;
  }
  line.known_at = journal_.epoch();
  ++counts_.revalidated;
  return true;
}

}  // namespace testudo::spd
