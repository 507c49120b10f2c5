// SAs that end, are replaced and run out, in the middle of traffic.
#include <gtest/gtest.h>

#include "base/endian.h"
#include "scenario/network.h"

namespace testudo {
namespace {

using namespace test;
using net::DropReason;
using sad::State;

const Way kEsp{{Proto::Esp, Mode::Transport}};
const net::Address kA = ip("20.0.0.1"), kB = ip("20.0.0.2");

constexpr Time at(std::int64_t second) {
  return Time{std::chrono::seconds{second}};
}

sad::SaParameters numbered_sa(std::uint32_t spi) {
  sad::SaParameters p = sa_of(kEsp[0], kA, kB, 0);
  p.spi = Spi{spi};
  return p;
}

Spi spi_of(const ByteVector& packet) {
  return Spi{be32(&packet.at(20))};
}

class LifetimeTest : public testing::Test {
 protected:
  LifetimeTest() : protection{pair, kEsp, net::Family::V4, net::Family::V4} {}

  sad::Sa& outbound() { return *a.sad.find(sad::SaProtocol::Esp, kA, kB, Spi{0x1000}); }
  /// Installs the SA of `make` at A in place of the one that is there.
  sad::Sa& replace(sad::SaParameters parameters) {
    a.sad.flush(std::nullopt);
    return a.install(std::move(parameters));
  }

  EnginePair pair;
  Protection protection;
  Station& a = pair.a;
  Station& b = pair.b;
};

TEST_F(LifetimeTest, UseIsCountedInPacketsAndBytesAtBothEnds) {
  a.send({protection.datagram(100), protection.datagram(50)}, at(3));
  pair.now = at(4);
  pair.settle();
  const sad::Sa& in = *b.sad.find(sad::SaProtocol::Esp, kA, kB, Spi{0x1000});
  EXPECT_EQ(outbound().usage().packets, 2U);
  EXPECT_EQ(outbound().usage().bytes, 166U) << "two UDP headers and their data";
  EXPECT_EQ(outbound().usage().first, at(3));
  EXPECT_EQ(in.usage().packets, 2U);
  EXPECT_EQ(in.usage().bytes, 166U);
}

TEST_F(LifetimeTest, ForgedPacketsUseUpNothing) {
  a.send({protection.datagram(100)});
  ByteVector forged = a.wire.at(0);
  forged.back() ^= 1;
  b.receive({forged, forged});
  EXPECT_EQ(b.drops(DropReason::BadIcv), 2U);
  EXPECT_EQ(b.sad.find(sad::SaProtocol::Esp, kA, kB, Spi{0x1000})->usage().packets, 0U);
  b.receive(a.wire);
  EXPECT_EQ(b.delivered.size(), 1U);
}

TEST_F(LifetimeTest, PastItsHardBytesAnSaSendsNoMoreEvenWithinABatch) {
  sad::SaParameters p = numbered_sa(0x1000);
  p.lifetimes = sad::Lifetimes{{.bytes = 250}, {.bytes = 250}};
  replace(std::move(p));
  a.send(std::vector<ByteVector>(6, protection.datagram(92)));  // 100 bytes each; "past" is more than the limit
  EXPECT_EQ(a.wire.size(), 3U);
  EXPECT_EQ(a.drops(DropReason::HardLifetime), 3U);
}

TEST_F(LifetimeTest, PastItsHardPacketsAnSaReceivesNoMore) {
  b.sad.flush(std::nullopt);
  sad::SaParameters p = numbered_sa(0x1000);
  p.lifetimes = sad::Lifetimes{{.allocations = 2}, {.allocations = 2}};
  b.install(std::move(p));
  for (int i = 0; i < 5; ++i) {
    a.send({protection.datagram(10)});
    pair.settle();
  }
  EXPECT_EQ(b.delivered.size(), 3U);
  EXPECT_EQ(b.drops(DropReason::HardLifetime), 2U);
}

TEST_F(LifetimeTest, ADyingSaStillSendsAndADeadOneIsGone) {
  sad::SaParameters p = numbered_sa(0x1000);
  p.lifetimes = sad::Lifetimes{.hard = {.addtime = 20}, .soft = {.addtime = 10}};
  sad::Sa& sa = replace(std::move(p));
  a.send({protection.datagram(10)}, at(1));
  a.tick(at(12));
  EXPECT_EQ(sa.state(), State::Dying);
  a.send({protection.datagram(10)}, at(13));
  EXPECT_EQ(a.wire.size(), 2U);
  a.tick(at(22));
  a.send({protection.datagram(10)}, at(23));
  EXPECT_EQ(a.wire.size(), 2U);
  EXPECT_EQ(a.drops(DropReason::NoSa), 1U);
  EXPECT_EQ(a.acquires.size(), 1U);
}

TEST_F(LifetimeTest, TheNewestSaSendsUnlessTheOldestIsPreferred) {
  a.install(numbered_sa(0x2000));
  a.send({protection.datagram(10)});
  a.settings.key.prefered_oldsa = 1;
  a.send({protection.datagram(10)});
  ASSERT_EQ(a.wire.size(), 2U);
  EXPECT_EQ(spi_of(a.wire[0]), Spi{0x2000});
  EXPECT_EQ(spi_of(a.wire[1]), Spi{0x1000});
}

TEST_F(LifetimeTest, RekeyingInTheMiddleOfAStreamLosesNothing) {
  std::vector<ByteVector> sent;
  for (std::uint32_t round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < 20; ++i) sent.push_back(protection.datagram(1 + 20 * round + i));
    a.send({sent.end() - 20, sent.end()}, pair.now);
    const auto under_way = a.wire;
    a.wire.clear();
    // The receiver knows the new SA before the sender uses it, and keeps the old one until what is under way is in.
    b.install(numbered_sa(0x3000 + round));
    a.install(numbered_sa(0x3000 + round));
    a.send({protection.datagram(1000 + round)}, pair.now);
    sent.push_back(protection.datagram(1000 + round));
    EXPECT_EQ(spi_of(a.wire.at(0)), Spi{0x3000 + round});
    b.receive(under_way, pair.now);
    pair.settle();
    const std::uint32_t old = round == 0 ? 0x1000 : 0x3000 + round - 1;
    EXPECT_TRUE(a.sad.remove(sad::SaProtocol::Esp, kA, kB, Spi{old}));
    EXPECT_TRUE(b.sad.remove(sad::SaProtocol::Esp, kA, kB, Spi{old}));
  }
  EXPECT_EQ(b.delivered, sent);
  EXPECT_EQ(a.statistics().dropped() + b.statistics().dropped(), 0U);
}

TEST_F(LifetimeTest, WhenTheNewestIsDeletedTheOlderOneServesAgain) {
  a.install(numbered_sa(0x2000));
  ASSERT_TRUE(a.sad.remove(sad::SaProtocol::Esp, kA, kB, Spi{0x2000}));
  a.send({protection.datagram(10)});
  ASSERT_EQ(a.wire.size(), 1U);
  EXPECT_EQ(spi_of(a.wire[0]), Spi{0x1000});
}

TEST_F(LifetimeTest, TheLastSequenceNumberIsTheLastUnlessTheSaMayCycle) {
  outbound().sequence = sad::Sequence{false, sad::Sequence::Wrap::Never, UINT32_MAX - 2};
  a.send(std::vector<ByteVector>(4, protection.datagram(10)));
  EXPECT_EQ(a.wire.size(), 2U);
  EXPECT_EQ(a.drops(DropReason::SequenceExhausted), 2U);
  outbound().sequence = sad::Sequence{false, sad::Sequence::Wrap::Cycle, UINT32_MAX - 1};
  a.send(std::vector<ByteVector>(4, protection.datagram(10)));
  EXPECT_EQ(a.wire.size(), 6U);
}

TEST_F(LifetimeTest, ASkippedSequenceRangeIsAcceptedAndWhatIsOlderThanTheWindowIsNot) {
  a.send({protection.datagram(10)});
  const auto old = a.wire;
  a.wire.clear();
  outbound().sequence = sad::Sequence{false, sad::Sequence::Wrap::Never, 5000};
  a.send({protection.datagram(10)});
  pair.settle();
  EXPECT_EQ(b.delivered.size(), 1U);
  b.receive(old);
  EXPECT_EQ(b.delivered.size(), 1U);
  EXPECT_EQ(b.drops(DropReason::Replayed), 1U);
}

}  // namespace
}  // namespace testudo
