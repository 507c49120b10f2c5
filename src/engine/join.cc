#include "engine/join.h"

#include "base/overload.h"

namespace testudo::engine {

Joiner::Joiner(Ledger& ledger)
    : reassembler_([&ledger](const Reassembler::Lost& lost) {
        ledger.statistics.held -= lost.fragments;
        count_drop(ledger.statistics, lost.reason, lost.flow, lost.fragments);
      }) {}

bool Joiner::join(Passage& passage, const Way& way, Verdicts& verdicts) {
  Statistics& statistics = verdicts.statistics();
  const auto added = reassembler_.add(*passage.packet, passage.ip, verdicts.now(), way);
  return std::visit(overload{
                        [&](const Reassembler::Complete& complete) {
                          statistics.held -= complete.fragments - 1;
                          statistics.fragments_joined += complete.fragments - 1;
                          const auto ip = wire::packet::parse_ip(passage.packet->bytes());
                          if (!ip) verdicts.drop(net::DropReason::ReassemblyInvalid, passage);
                          if (!ip) return false;
                          passage.ip = *ip;
                          passage.flow = wire::packet::flow_of(*ip, passage.packet->bytes());
                          passage.largest_piece = complete.largest;
                          return true;
                        },
                        [&](const Reassembler::Held&) {
                          ++statistics.held;
                          verdicts.trace({.kind = TraceStep::Kind::Held}, passage);
                          return false;
                        },
                        [&](const Reassembler::Drop& drop) {
                          statistics.held -= drop.fragments - 1;
                          verdicts.drop(drop.reason, passage);
                          if (drop.fragments > 1) {
                            count_drop(statistics, drop.reason, passage.flow, drop.fragments - 1);
                          }
                          return false;
                        },
                    },
                    added);
}

}  // namespace testudo::engine
