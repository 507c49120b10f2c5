#pragma once
// For tests of one part of the engine: a station's databases, settings, host and outbox, a ledger, and packets that
// stand where the part expects them.
#include <memory>
#include <vector>

#include "engine/verdicts.h"
#include "support/station.h"

namespace testudo::engine {

struct Workbench {
  test::Station station;
  test::SeededRandom random;
  Engine::Parts parts{station.sad, station.spd, station.settings, random, station.host};
  Ledger ledger;
  Verdicts verdicts{ledger, station, Time{}};
  Statistics& statistics = ledger.statistics;

  /// A packet that has entered, was parsed, and is good as long as the workbench.
  Passage enter(const ByteVector& packet, spd::Direction direction = spd::Direction::Out) {
    buffers.push_back(std::make_unique<PacketBuffer>());
    EXPECT_TRUE(buffers.back()->assign(packet));
    Passage passage = verdicts.enter(*buffers.back(), direction);
    const auto ip = wire::packet::parse_ip(buffers.back()->bytes());
    EXPECT_TRUE(ip);
    if (ip) passage.ip = *ip;
    passage.flow = wire::packet::flow_of(passage.ip, buffers.back()->bytes());
    return passage;
  }
  std::uint64_t drops(net::DropReason reason) const {
    return ledger.statistics.drops[static_cast<std::size_t>(reason)].packets;
  }
  /// Packets in = packets out + drops by reason + what waits.
  bool adds_up() const { return ledger.statistics.entered() == ledger.statistics.left() + ledger.statistics.held; }

  std::vector<std::unique_ptr<PacketBuffer>> buffers;
};

}  // namespace testudo::engine
