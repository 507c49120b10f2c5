#include "engine/join.h"

#include <gtest/gtest.h>

#include "support/fragments.h"
#include "unit/engine/workbench.h"

namespace testudo::engine {
namespace {

using namespace test;
using net::DropReason;

const net::Address kA = ip("10.0.1.5"), kB = ip("10.0.2.5");

class JoinTest : public testing::Test {
 protected:
  /// Whether the last of these made a packet whole.
  bool join(const std::vector<ByteVector>& pieces, const Way& way = {}) {
    bool complete = false;
    for (const ByteVector& p : pieces) {
      last = w.enter(p, spd::Direction::In);
      complete = joiner.join(last, way, w.verdicts);
      EXPECT_TRUE(complete || w.adds_up()) << "the sum holds while fragments wait";
    }
    return complete;
  }

  Workbench w;
  Joiner joiner{w.ledger};
  Passage last;
  ByteVector whole = udp({kA, 1025}, {kB, 7}, ByteVector(2500, 1));
};

TEST_F(JoinTest, TheLastPieceBecomesTheWholePacketWithItsFlow) {
  EXPECT_TRUE(join(pieces_of(whole, 1000)));
  EXPECT_EQ(ByteVector(last.packet->bytes().begin(), last.packet->bytes().end()), whole);
  EXPECT_FALSE(last.ip.fragment);
  EXPECT_EQ(last.flow.destination_port, 7);
  EXPECT_EQ(last.largest_piece, 996U);
  EXPECT_TRUE(last.joined());
  EXPECT_EQ(w.statistics.fragments_joined, 2U);
  EXPECT_EQ(w.statistics.held, 0U);
}

TEST_F(JoinTest, WhatWaitsIsHeldAndTracedAsSuch) {
  w.ledger.tracing = true;
  auto pieces = pieces_of(whole, 1000);
  pieces.pop_back();
  EXPECT_FALSE(join(pieces));
  EXPECT_EQ(w.statistics.held, 2U);
  ASSERT_EQ(w.station.steps.size(), 2U);
  EXPECT_EQ(w.station.steps[0].kind, TraceStep::Kind::Held);
}

TEST_F(JoinTest, WhatContradictsItselfIsDroppedWithWhatWaited) {
  const auto pieces = pieces_of(whole, 1000);
  const ByteVector overlap = piece(kA, kB, net::protocol::kUdp, ByteVector(64, 9), 8, true, 1);
  EXPECT_FALSE(join({pieces[0], pieces[2], overlap}));
  EXPECT_EQ(w.drops(DropReason::ReassemblyInvalid), 3U);
  EXPECT_EQ(w.statistics.held, 0U);
  EXPECT_TRUE(w.adds_up());
}

TEST_F(JoinTest, WhatWaitsTooLongIsCounted) {
  EXPECT_FALSE(join({pieces_of(whole, 1000)[0]}));
  joiner.tick(Time{} + std::chrono::seconds{29});
  EXPECT_EQ(w.statistics.held, 1U);
  joiner.tick(Time{} + std::chrono::seconds{31});
  EXPECT_EQ(w.statistics.held, 0U);
  EXPECT_EQ(w.drops(DropReason::ReassemblyTimeout), 1U);
  EXPECT_TRUE(w.adds_up());
}

TEST_F(JoinTest, PiecesOfDifferentWaysDoNotMeet) {
  const auto pieces = pieces_of(whole, 1500);
  ASSERT_EQ(pieces.size(), 2U);
  const Way tunnel{{sad::SaGroup{}, spd::RequestMode::Tunnel}},
      transport{{sad::SaGroup{}, spd::RequestMode::Transport}};
  Way other = tunnel;
  other[0].first.reqid = ReqId{5};
  EXPECT_FALSE(join({pieces[0]}, {}));
  EXPECT_FALSE(join({pieces[1]}, tunnel));
  EXPECT_FALSE(join({pieces[1]}, transport));
  EXPECT_FALSE(join({pieces[1]}, other));
  EXPECT_EQ(w.statistics.held, 4U);
  EXPECT_TRUE(join({pieces[0]}, tunnel));
  EXPECT_EQ(w.statistics.held, 3U);
}

}  // namespace
}  // namespace testudo::engine
