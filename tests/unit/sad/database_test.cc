#include "sad/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "support/packets.h"
#include "support/random.h"

namespace testudo::sad {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::ip;
using testing::ElementsAre;

constexpr Time at(std::int64_t second) {
  return Time{seconds{second}};
}

SaGroup group(std::uint32_t reqid = 0, Mode mode = Mode::Transport, SaProtocol protocol = SaProtocol::Esp) {
  return {protocol, mode, ip("10.0.0.1"), ip("10.0.0.2"), ReqId{reqid}};
}

SaParameters parameters(const SaGroup& g, std::uint32_t spi) {
  SaParameters p;
  p.group = g;
  p.spi = Spi{spi};
  p.cipher = g.protocol == SaProtocol::Esp ? crypto::cipher_by_name("null") : nullptr;
  p.mac = g.protocol == SaProtocol::Ah ? crypto::mac_by_name("null") : nullptr;
  p.compression = g.protocol == SaProtocol::Ipcomp ? crypto::compression_by_name("deflate") : nullptr;
  return p;
}

std::unique_ptr<Sa> make(SaParameters p, std::int64_t second = 0) {
  auto sa = Sa::make(std::move(p), at(second));
  EXPECT_TRUE(sa.has_value());
  return sa ? *std::move(sa) : nullptr;
}

std::unique_ptr<Sa> make(const SaGroup& g, std::uint32_t spi, std::int64_t second = 0) {
  return make(parameters(g, spi), second);
}

class SadDatabase : public testing::Test {
 protected:
  /// Adds and says whether that worked.
  bool add(const SaGroup& g, std::uint32_t spi, std::int64_t second = 0) {
    return sad.add(make(g, spi, second)).has_value();
  }
  Sa* add_living(const SaGroup& g, std::uint32_t spi, const Lifetime& soft, const Lifetime& hard) {
    SaParameters p = parameters(g, spi);
    p.soft = soft;
    p.hard = hard;
    p.has_lifetimes = true;
    return *sad.add(make(std::move(p)));
  }
  std::uint32_t outbound_spi(std::uint32_t reqid = 0, Mode mode = Mode::Transport) const {
    const Sa* sa = sad.outbound({SaProtocol::Esp, mode, ip("10.0.0.1"), ip("10.0.0.2"), ReqId{reqid}});
    return sa == nullptr ? 0 : sa->spi().value;
  }
  std::vector<std::uint32_t> dump() const {
    std::vector<std::uint32_t> spis;
    sad.for_each([&](const Sa& sa) { spis.push_back(sa.spi().value); });
    return spis;
  }
  std::vector<std::pair<Expiry::Kind, std::uint32_t>> tick(Time now) {
    std::vector<std::pair<Expiry::Kind, std::uint32_t>> out;
    for (const Expiry& e : sad.tick(now)) out.emplace_back(e.kind, e.sa->spi().value);
    return out;
  }

  KeySettings settings;
  test::SeededRandom random{7};
  Database sad{settings, random};
};

// ---- add, update, find, remove --------------------------------------------------------------------------------------

TEST_F(SadDatabase, FindsWhatWasAdded) {
  ASSERT_TRUE(add(group(), 10000));
  const Sa* sa = sad.find(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000});
  ASSERT_NE(sa, nullptr);
  EXPECT_EQ(sa->state(), State::Mature);
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10000}), sa);
  EXPECT_EQ(sad.size(), 1U);
}

TEST_F(SadDatabase, FindsNothingByAnotherProtocolAddressOrSpi) {
  ASSERT_TRUE(add(group(), 10000));
  EXPECT_EQ(sad.find(SaProtocol::Ah, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000}), nullptr);
  EXPECT_EQ(sad.find(SaProtocol::Esp, ip("10.0.0.3"), ip("10.0.0.2"), Spi{10000}), nullptr);
  EXPECT_EQ(sad.find(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.3"), Spi{10000}), nullptr);
  EXPECT_EQ(sad.find(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10001}), nullptr);
  EXPECT_EQ(sad.inbound(SaProtocol::Ah, ip("10.0.0.2"), Spi{10000}), nullptr);
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("10.0.0.1"), Spi{10000}), nullptr);
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10001}), nullptr);
}

TEST_F(SadDatabase, RefusesTheSameSpiInOneGroup) {
  ASSERT_TRUE(add(group(), 10000));
  const auto again = sad.add(make(group(), 10000));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error(), DatabaseError::Exists);
  EXPECT_EQ(sad.size(), 1U);
}

TEST_F(SadDatabase, AcceptsTheSameSpiInAnotherGroup) {
  ASSERT_TRUE(add(group(1), 10000));
  EXPECT_TRUE(add(group(2), 10000));
  EXPECT_TRUE(add(group(1, Mode::Tunnel), 10000));
  EXPECT_TRUE(add(group(1, Mode::Transport, SaProtocol::Ah), 10000));
  SaGroup other_source = group(1);
  other_source.source = ip("10.0.0.9");
  EXPECT_TRUE(add(other_source, 10000));
  EXPECT_EQ(sad.size(), 5U);
}

TEST_F(SadDatabase, GivesInboundTheNewestUsableOfSeveral) {
  ASSERT_TRUE(add(group(1), 10000));
  ASSERT_TRUE(add(group(2), 10000));
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10000})->group().reqid, ReqId{2});
  ASSERT_TRUE(sad.reserve(group(3), {20000, 20000}, 1, 1, at(0)).has_value());
  const Sa* larval = sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{20000});
  ASSERT_NE(larval, nullptr);
  EXPECT_EQ(larval->state(), State::Larval);
  ASSERT_TRUE(add(group(4), 20000));
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{20000})->group().reqid, ReqId{4});
}

TEST_F(SadDatabase, DeletesTheSpiFromEveryGroupOfTheAddresses) {
  ASSERT_TRUE(add(group(1), 10000));
  ASSERT_TRUE(add(group(2), 10000));
  ASSERT_TRUE(add(group(2), 10001));
  EXPECT_TRUE(sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000}));
  EXPECT_EQ(sad.find(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000}), nullptr);
  EXPECT_FALSE(sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000}));
  EXPECT_THAT(dump(), ElementsAre(10001U));
}

TEST_F(SadDatabase, DeletesNothingOfAnotherSource) {
  ASSERT_TRUE(add(group(1), 10000));
  EXPECT_FALSE(sad.remove(SaProtocol::Esp, ip("10.0.0.9"), ip("10.0.0.2"), Spi{10000}));
  EXPECT_EQ(sad.size(), 1U);
}

TEST_F(SadDatabase, DeletesAllOfAPairButLarvalOnes) {
  ASSERT_TRUE(add(group(1), 10000));
  ASSERT_TRUE(add(group(2), 10001));
  ASSERT_TRUE(add(group(2, Mode::Transport, SaProtocol::Ah), 10002));
  ASSERT_TRUE(sad.reserve(group(1), {20000, 20000}, 1, 1, at(0)).has_value());
  EXPECT_EQ(sad.remove_all(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2")), 2U);
  EXPECT_EQ(sad.remove_all(SaProtocol::Esp, ip("10.0.0.2"), ip("10.0.0.1")), 0U);
  EXPECT_THAT(dump(), testing::UnorderedElementsAre(10002U, 20000U));
}

TEST_F(SadDatabase, FlushesOneProtocolOrAll) {
  ASSERT_TRUE(add(group(1), 10000));
  ASSERT_TRUE(add(group(1, Mode::Any, SaProtocol::Ah), 10001));
  ASSERT_TRUE(add(group(1, Mode::Any, SaProtocol::Ipcomp), 10002));
  ASSERT_TRUE(sad.reserve(group(1), {20000, 20000}, 1, 1, at(0)).has_value());
  EXPECT_EQ(sad.flush(SaProtocol::Esp), 2U);
  EXPECT_EQ(sad.size(), 2U);
  EXPECT_EQ(sad.flush(std::nullopt), 2U);
  EXPECT_EQ(sad.size(), 0U);
  EXPECT_EQ(sad.inbound_compression(ip("10.0.0.2"), 2), nullptr);
  EXPECT_TRUE(add(group(1), 10000));
}

TEST_F(SadDatabase, UpdateTakesTheLarvalOnesPlace) {
  ASSERT_TRUE(sad.reserve(group(0), {10000, 10000}, 1, 1, at(0)).has_value());
  const auto updated = sad.update(make(group(0), 10000, 5));
  ASSERT_TRUE(updated.has_value());
  EXPECT_EQ((*updated)->state(), State::Mature);
  EXPECT_EQ((*updated)->created(), at(5));
  EXPECT_EQ(sad.size(), 1U);
  EXPECT_EQ(outbound_spi(), 10000U);
  EXPECT_THAT(tick(at(100)), testing::IsEmpty());
}

TEST_F(SadDatabase, UpdateMayMoveAnSaToAnotherGroup) {
  ASSERT_TRUE(add(group(1, Mode::Any), 10000));
  ASSERT_TRUE(sad.update(make(group(2, Mode::Tunnel), 10000)).has_value());
  EXPECT_EQ(sad.size(), 1U);
  EXPECT_EQ(outbound_spi(1, Mode::Tunnel), 0U);
  EXPECT_EQ(outbound_spi(2, Mode::Tunnel), 10000U);
}

TEST_F(SadDatabase, UpdateReplacesTheOneOfItsOwnGroupFirst) {
  ASSERT_TRUE(add(group(1), 10000));
  ASSERT_TRUE(add(group(2), 10000));
  ASSERT_TRUE(sad.update(make(group(1), 10000, 9)).has_value());
  EXPECT_EQ(sad.size(), 2U);
  EXPECT_EQ(outbound_spi(2), 10000U);
  EXPECT_EQ(sad.outbound({SaProtocol::Esp, Mode::Transport, ip("10.0.0.1"), ip("10.0.0.2"), ReqId{1}})->created(),
            at(9));
}

TEST_F(SadDatabase, UpdateStartsUsageAnew) {
  ASSERT_TRUE(add(group(), 10000));
  sad.find(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000})->count(100, at(1));
  const auto updated = sad.update(make(group(), 10000, 2));
  ASSERT_TRUE(updated.has_value());
  EXPECT_EQ((*updated)->usage.bytes, 0U);
}

TEST_F(SadDatabase, UpdateOfNothingIsNotFound) {
  ASSERT_TRUE(add(group(), 10000));
  const auto result = sad.update(make(group(), 10001));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), DatabaseError::NotFound);
  EXPECT_EQ(sad.size(), 1U);
}

// ---- GETSPI
// -----------------------------------------------------------------------------------------------------------

TEST_F(SadDatabase, ReservesWithinTheSettingsRange) {
  settings.spi_min_value = 1000;
  settings.spi_max_value = 1009;
  std::set<std::uint32_t> spis;
  for (int i = 0; i < 10; ++i) {
    const auto sa = sad.reserve(group(), {}, 3, 4, at(0));
    ASSERT_TRUE(sa.has_value());
    EXPECT_EQ((*sa)->state(), State::Larval);
    EXPECT_EQ((*sa)->parameters().message_sequence, 3U);
    EXPECT_EQ((*sa)->parameters().pid, 4U);
    spis.insert((*sa)->spi().value);
  }
  EXPECT_EQ(spis.size(), 10U);
  EXPECT_EQ(*spis.begin(), 1000U);
  EXPECT_EQ(*spis.rbegin(), 1009U);
  EXPECT_EQ(sad.reserve(group(), {}, 3, 4, at(0)).error(), DatabaseError::NoFreeSpi);
}

TEST_F(SadDatabase, ReservesExactlyTheSpiAskedFor) {
  const auto sa = sad.reserve(group(), {10000, 10000}, 0, 0, at(0));
  ASSERT_TRUE(sa.has_value());
  EXPECT_EQ((*sa)->spi(), Spi{10000});
  EXPECT_EQ(sad.reserve(group(), {10000, 10000}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
}

TEST_F(SadDatabase, ASpiOfAnotherProtocolOfTheDestinationIsTaken) {
  ASSERT_TRUE(add(group(0, Mode::Any, SaProtocol::Ah), 10000));
  EXPECT_EQ(sad.reserve(group(), {10000, 10000}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
  SaGroup elsewhere = group();
  elsewhere.destination = ip("10.0.0.3");
  EXPECT_TRUE(sad.reserve(elsewhere, {10000, 10000}, 0, 0, at(0)).has_value());
}

TEST_F(SadDatabase, FindsTheLastFreeSpiOfAFullRangeWithASingleTry) {
  settings.spi_try = 1;
  for (std::uint32_t spi = 1000; spi < 3000; ++spi) {
    if (spi != 2345) {
      ASSERT_TRUE(add(group(), spi));
    }
  }
  const auto sa = sad.reserve(group(), {1000, 2999}, 0, 0, at(0));
  ASSERT_TRUE(sa.has_value());
  EXPECT_EQ((*sa)->spi(), Spi{2345});
}

TEST_F(SadDatabase, NeverReservesAReservedSpi) {
  EXPECT_EQ(sad.reserve(group(), {1, 255}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
  EXPECT_EQ((*sad.reserve(group(), {0, 256}, 0, 0, at(0)))->spi(), Spi{256});
  EXPECT_EQ(sad.reserve(group(), {20000, 10000}, 0, 0, at(0)).error(), DatabaseError::NoFreeSpi);
}

TEST_F(SadDatabase, ACpiHasSixteenBits) {
  const SaGroup ipcomp = group(0, Mode::Any, SaProtocol::Ipcomp);
  for (int i = 0; i < 200; ++i) {
    const auto sa = sad.reserve(ipcomp, {}, 0, 0, at(0));
    ASSERT_TRUE(sa.has_value());
    EXPECT_LE((*sa)->spi().value, 0xffffU);
  }
  EXPECT_EQ((*sad.reserve(ipcomp, {0x20000, 0x30000}, 0, 0, at(0)))->spi(), Spi{0xffff});
}

TEST_F(SadDatabase, SenselessTriesSettingsStillAllowOne) {
  for (const std::int32_t tries : {0, -5, INT32_MAX}) {
    settings.spi_try = tries;
    EXPECT_TRUE(sad.reserve(group(), {}, 0, 0, at(0)).has_value()) << tries;
  }
}

// ---- outbound
// -----------------------------------------------------------------------------------------------------------

TEST_F(SadDatabase, ModeAndReqidDecideWhichGroupServes) {
  struct Row {
    Mode mode;
    std::uint32_t reqid;
    Mode asked_mode;
    std::uint32_t asked_reqid;
    bool served;
  };
  constexpr Row kRows[] = {
      {Mode::Transport, 0, Mode::Transport, 0, true}, {Mode::Transport, 0, Mode::Tunnel, 0, false},
      {Mode::Tunnel, 0, Mode::Tunnel, 0, true},       {Mode::Tunnel, 0, Mode::Transport, 0, false},
      {Mode::Any, 0, Mode::Transport, 0, true},       {Mode::Any, 0, Mode::Tunnel, 0, true},
      {Mode::Any, 5, Mode::Tunnel, 0, true},          {Mode::Any, 5, Mode::Tunnel, 5, true},
      {Mode::Any, 5, Mode::Tunnel, 6, false},         {Mode::Any, 0, Mode::Tunnel, 6, false},
      {Mode::Tunnel, 6, Mode::Transport, 6, false},   {Mode::Tunnel, 6, Mode::Tunnel, 6, true},
  };
  for (const Row& row : kRows) {
    sad.flush(std::nullopt);
    ASSERT_TRUE(add(group(row.reqid, row.mode), 10000));
    EXPECT_EQ(outbound_spi(row.asked_reqid, row.asked_mode) != 0, row.served)
        << static_cast<int>(row.mode) << " " << row.reqid << " " << static_cast<int>(row.asked_mode) << " "
        << row.asked_reqid;
  }
}

TEST_F(SadDatabase, OutboundIsDirected) {
  ASSERT_TRUE(add(group(), 10000));
  EXPECT_EQ(sad.outbound({SaProtocol::Esp, Mode::Transport, ip("10.0.0.2"), ip("10.0.0.1"), {}}), nullptr);
  EXPECT_EQ(sad.outbound({SaProtocol::Ah, Mode::Transport, ip("10.0.0.1"), ip("10.0.0.2"), {}}), nullptr);
}

TEST_F(SadDatabase, TheNewestGroupWithAUsableSaServes) {
  ASSERT_TRUE(add(group(1), 10000));
  ASSERT_TRUE(add(group(2), 10001));
  EXPECT_EQ(outbound_spi(), 10001U);
  ASSERT_TRUE(add(group(1), 10002, 50));  // newer, but of the older group
  EXPECT_EQ(outbound_spi(), 10001U);
  ASSERT_TRUE(sad.reserve(group(3), {}, 0, 0, at(60)).has_value());  // larval: its group has nothing to offer
  EXPECT_EQ(outbound_spi(), 10001U);
  ASSERT_TRUE(sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10001}));
  EXPECT_EQ(outbound_spi(), 10002U);
}

TEST_F(SadDatabase, TheNewerOfModeAndAnyServesAUniqueRequest) {
  ASSERT_TRUE(add(group(7, Mode::Transport), 10000));
  ASSERT_TRUE(add(group(7, Mode::Any), 10001));
  EXPECT_EQ(outbound_spi(7), 10001U);
  sad.flush(std::nullopt);
  ASSERT_TRUE(add(group(7, Mode::Any), 10001));
  ASSERT_TRUE(add(group(7, Mode::Transport), 10000));
  EXPECT_EQ(outbound_spi(7), 10000U);
}

TEST_F(SadDatabase, PrefersTheNewestAndFallsBackWhenItGoes) {
  ASSERT_TRUE(add(group(), 10000, 0));
  ASSERT_TRUE(add(group(), 10010, 1));
  ASSERT_TRUE(add(group(), 10020, 1));
  EXPECT_EQ(outbound_spi(), 10020U);
  sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10020});
  EXPECT_EQ(outbound_spi(), 10010U);
  sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10010});
  EXPECT_EQ(outbound_spi(), 10000U);
}

TEST_F(SadDatabase, PrefersTheOldestWhenToldSo) {
  settings.prefered_oldsa = 1;
  ASSERT_TRUE(add(group(), 10000, 0));
  ASSERT_TRUE(add(group(), 10010, 1));
  EXPECT_EQ(outbound_spi(), 10000U);
  sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000});
  EXPECT_EQ(outbound_spi(), 10010U);
}

TEST_F(SadDatabase, DyingServesOnlyWhenNothingMatureDoesUnlessTheOldIsPreferred) {
  add_living(group(), 10000, {.addtime = 100}, {});
  add_living(group(), 10001, {.addtime = 5}, {});
  EXPECT_EQ(outbound_spi(), 10001U);
  ASSERT_THAT(tick(at(6)), ElementsAre(std::pair{Expiry::Kind::Soft, 10001U}));
  EXPECT_EQ(outbound_spi(), 10000U);
  settings.prefered_oldsa = 1;
  EXPECT_EQ(outbound_spi(), 10001U);
  settings.prefered_oldsa = 0;
  sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000});
  EXPECT_EQ(outbound_spi(), 10001U);
}

TEST_F(SadDatabase, LarvalSasNeverServe) {
  ASSERT_TRUE(sad.reserve(group(), {10000, 10000}, 0, 0, at(0)).has_value());
  EXPECT_EQ(outbound_spi(), 0U);
}

TEST_F(SadDatabase, FindsIpcompSasByAlgorithmNumber) {
  ASSERT_TRUE(add(group(0, Mode::Any, SaProtocol::Ipcomp), 1000));
  SaGroup other = group(0, Mode::Any, SaProtocol::Ipcomp);
  other.source = ip("10.0.0.9");
  ASSERT_TRUE(add(other, 1001));
  EXPECT_EQ(sad.inbound_compression(ip("10.0.0.2"), 2)->spi(), Spi{1001});
  sad.remove(SaProtocol::Ipcomp, ip("10.0.0.9"), ip("10.0.0.2"), Spi{1001});
  EXPECT_EQ(sad.inbound_compression(ip("10.0.0.2"), 2)->spi(), Spi{1000});
  EXPECT_EQ(sad.inbound_compression(ip("10.0.0.2"), 3), nullptr);
  EXPECT_EQ(sad.inbound_compression(ip("10.0.0.1"), 2), nullptr);
}

// ---- dump -----------------------------------------------------------------------------------------------------------

TEST_F(SadDatabase, DumpsNewestGroupsFirstAndStatesInOrder) {
  add_living(group(1), 10000, {.addtime = 5}, {});
  ASSERT_TRUE(sad.reserve(group(1), {10001, 10001}, 0, 0, at(0)).has_value());
  ASSERT_TRUE(add(group(1), 10002));
  ASSERT_TRUE(add(group(1), 10003));
  ASSERT_TRUE(add(group(2), 10004));
  tick(at(6));
  EXPECT_THAT(dump(), ElementsAre(10004U, 10003U, 10002U, 10000U, 10001U));
}

TEST_F(SadDatabase, AnUpdateOfTheOnlyMemberKeepsTheGroupsPlace) {
  ASSERT_TRUE(add(group(1), 10000));
  ASSERT_TRUE(add(group(2), 10001));
  ASSERT_TRUE(sad.update(make(group(1), 10000)).has_value());
  EXPECT_THAT(dump(), ElementsAre(10001U, 10000U));
}

}  // namespace
}  // namespace testudo::sad
