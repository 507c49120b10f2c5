#pragma once
// Fragments become whole packets before policy and SAs see them: "AH and ESP … are applied only to whole IP datagrams"
// and selectors need ports (RFC 4301 section 7).  Keeps the sum of Statistics right while fragments wait.
#include "engine/history.h"
#include "engine/reassembly.h"
#include "engine/verdicts.h"

namespace testudo::engine {

class Joiner {
 public:
  explicit Joiner(Ledger& ledger);

  /// True when the passage's buffer now holds a whole packet; its IP view and flow are then of that.  Otherwise the
  /// fragment is held or dropped.  Only fragments that came the same way are joined.
  bool join(Passage& passage, const Way& way, Verdicts& verdicts);
  void tick(Time now) { reassembler_.tick(now); }

 private:
  Reassembler reassembler_;
};

}  // namespace testudo::engine
