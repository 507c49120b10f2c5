#include "engine/seal.h"

#include <gtest/gtest.h>

#include "unit/engine/workbench.h"

namespace testudo::engine {
namespace {

using namespace test;
using net::DropReason;

class SealTest : public testing::Test {
 protected:
  sad::Sa& add(sad::SaParameters p) {
    p.spi = Spi{next_spi_++};
    return w.station.install(std::move(p));
  }
  /// Seals datagrams of these sizes; what is left of the run.
  std::vector<Departure> seal(std::initializer_list<SealStep> steps, const std::vector<std::size_t>& sizes) {
    std::vector<Departure> run;
    for (const std::size_t size : sizes) {
      run.push_back({w.enter(udp({kHostA, 1}, {kHostB, 2}, ByteVector(size, 'a'))), {}});
    }
    sealer.seal(Bundle{std::vector<SealStep>{steps}, kGateB}, run, w.verdicts);
    return run;
  }

  Workbench w;
  Sealer sealer{w.parts};

 private:
  std::uint32_t next_spi_ = 0x1000;
};

TEST_F(SealTest, TheFirstStepIsTheInnermost) {
  sad::Sa& inner = add(esp(kHostA, kHostB, "null", "hmac-sha1"));
  sad::Sa& outer = add(ah(kHostA, kHostB, "hmac-sha1"));
  const auto run = seal({{&inner, false}, {&outer, false}}, {40});
  ASSERT_EQ(run.size(), 1U);
  EXPECT_EQ(run[0].passage.ip.upper_protocol, net::protocol::kAh);
  // Behind the AH of 24 bytes: ESP.
  EXPECT_EQ(run[0].passage.packet->bytes()[20], net::protocol::kEsp);
  EXPECT_EQ(w.statistics.bundled, 1U);
}

TEST_F(SealTest, ATunnelStepPutsAnOuterHeaderInFront) {
  sad::SaParameters p = esp(kGateA, kGateB, "null", "hmac-sha1");
  p.group.mode = sad::Mode::Tunnel;
  const auto run = seal({{&add(std::move(p)), true}}, {40});
  ASSERT_EQ(run.size(), 1U);
  EXPECT_EQ(run[0].passage.ip.source, kGateA);
  EXPECT_EQ(run[0].passage.ip.destination, kGateB);
  EXPECT_EQ(w.statistics.ipip.output, 1U);
  EXPECT_EQ(w.statistics.bundled, 0U);
}

TEST_F(SealTest, ATunnelBetweenLinkLocalAddressesLeavesByTheirLink) {
  sad::SaParameters p = esp(ip("fe80::1%7"), ip("fe80::2%7"), "null", "hmac-sha1");
  p.group.mode = sad::Mode::Tunnel;
  const auto run = seal({{&add(std::move(p)), true}}, {40});
  ASSERT_EQ(run.size(), 1U);
  EXPECT_EQ(run[0].passage.ip.destination, ip("fe80::2")) << "packets name no links";
  EXPECT_EQ(run[0].passage.packet->link(), 7U);
  run[0].passage.packet->reset();
  EXPECT_EQ(run[0].passage.packet->link(), 0U) << "the next packet has its own";
}

TEST_F(SealTest, CountsPacketsBytesAndTheAlgorithm) {
  sad::Sa& sa = add(esp(kHostA, kHostB, "aes-cbc", "hmac-sha1"));
  seal({{&sa, false}}, {40, 60});
  EXPECT_EQ(w.statistics.esp.output, 2U);
  EXPECT_EQ(w.statistics.esp.output_bytes, 40U + 8 + 60 + 8);
  EXPECT_EQ(w.statistics.esp.histogram[12], 2U);
  EXPECT_EQ(sa.usage().packets, 2U);
  EXPECT_EQ(sa.usage().bytes, 116U);
}

TEST_F(SealTest, WhatFailsIsDroppedAndTheOthersGoOn) {
  sad::Sa& sa = add(esp(kHostA, kHostB, "aes-cbc", "hmac-sha1"));
  const auto run = seal({{&sa, false}}, {40, 65000 - 28 + 500, 60});
  EXPECT_EQ(run.size(), 2U);
  EXPECT_EQ(w.drops(DropReason::TooBig), 1U);
  EXPECT_EQ(w.ledger.statistics.drops[static_cast<std::size_t>(DropReason::TooBig)].last->spi, sa.spi());
}

TEST_F(SealTest, AHardLimitHoldsInTheMiddleOfARun) {
  sad::SaParameters p = esp(kHostA, kHostB, "aes-cbc", "hmac-sha1");
  p.lifetimes = sad::Lifetimes{.hard = {.allocations = 2}};
  sad::Sa& sa = add(std::move(p));
  EXPECT_EQ(seal({{&sa, false}}, {40, 40, 40, 40}).size(), 3U) << "past its limit is above it, as in key_timehandler()";
  EXPECT_EQ(w.drops(DropReason::HardLifetime), 1U);
}

TEST_F(SealTest, WhatDoesNotShrinkGoesOnAndIsCountedApart) {
  sad::Sa& sa = add(ipcomp(kHostA, kHostB));
  const auto run = seal({{&sa, false}}, {20, 600});
  ASSERT_EQ(run.size(), 2U);
  EXPECT_EQ(run[0].passage.ip.upper_protocol, net::protocol::kUdp);
  EXPECT_EQ(run[1].passage.ip.upper_protocol, net::protocol::kIpcomp);
  EXPECT_EQ(w.statistics.ipcomp_too_short, 1U);
  EXPECT_EQ(w.statistics.ipcomp.output, 1U);

  std::vector<Departure> noise;
  noise.push_back({w.enter(udp({kHostA, 1}, {kHostB, 2}, SeededRandom{5}.bytes(600))), {}});
  sealer.seal(Bundle{std::vector<SealStep>{{&sa, false}}, kHostB}, noise, w.verdicts);
  EXPECT_EQ(noise.size(), 1U);
  EXPECT_EQ(w.statistics.ipcomp_useless, 1U);
}

TEST_F(SealTest, ANatSaPutsItsEspIntoUdp) {
  sad::SaParameters p = esp(kHostA, kHostB, "aes-cbc", "hmac-sha1");
  p.nat = sad::NatTraversal{.source_port = 4500, .destination_port = 31337};
  const auto run = seal({{&add(std::move(p)), false}}, {40});
  ASSERT_EQ(run.size(), 1U);
  EXPECT_EQ(run[0].passage.ip.upper_protocol, net::protocol::kUdp);
  EXPECT_EQ(be16(run[0].passage.packet->bytes().data() + 22), 31337);
}

TEST_F(SealTest, TheTraceNamesEachSaWithTheNumberThatItsPacketGot) {
  w.ledger.tracing = true;
  sad::Sa& e = add(esp(kHostA, kHostB, "aes-cbc", "hmac-sha1"));
  sad::Sa& a = add(ah(kHostA, kHostB, "hmac-sha1"));
  seal({{&e, false}, {&a, false}}, {40, 40});
  ASSERT_EQ(w.station.steps.size(), 4U);
  EXPECT_EQ(w.station.steps[0].spi, e.spi());
  EXPECT_EQ(w.station.steps[0].sequence, 1U);
  EXPECT_EQ(w.station.steps[1].sequence, 2U);
  EXPECT_EQ(w.station.steps[2].spi, a.spi());
  EXPECT_EQ(w.station.steps[3].sequence, 2U);
  EXPECT_EQ(w.station.steps[3].protocol, net::protocol::kAh);
}

}  // namespace
}  // namespace testudo::engine
