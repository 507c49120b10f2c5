#include "sad/database.h"

#include "support/sas.h"
#include "unit/sad/sad_fixture.h"

namespace testudo::sad {
namespace {

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

TEST_F(SadDatabase, FindsAnIpcompSaByTheSixteenBitsThatAPacketHasRoomFor) {
  const Sa* added = *sad.add(test::sa(test::ipcomp(ip("10.0.0.1"), ip("10.0.0.2"), 0x12056, true)));
  EXPECT_EQ(sad.inbound(SaProtocol::Ipcomp, ip("10.0.0.2"), Spi{0x2056}), added);
  EXPECT_EQ(sad.find(SaProtocol::Ipcomp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{0x12056}), added);
  EXPECT_EQ(sad.find(SaProtocol::Ipcomp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{0x2056}), nullptr);
  EXPECT_TRUE(sad.add(test::sa(test::ipcomp(ip("10.0.0.1"), ip("10.0.0.2"), 0x2056, true))));
  EXPECT_TRUE(sad.remove(SaProtocol::Ipcomp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{0x12056}));
  EXPECT_EQ(sad.size(), 1U);
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

TEST_F(SadDatabase, AnSaThatWasMarkedDeadServesNobodyAndStillLeavesCleanly) {
  ASSERT_TRUE(add(group(1), 10000));
  ASSERT_TRUE(add(group(2), 10000));
  ASSERT_TRUE(add(group(2), 10001));
  sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10000})->set_state(State::Dead);
  sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10001})->set_state(State::Dead);
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10000})->group().reqid, ReqId{1});
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10001})->state(), State::Dead);
  EXPECT_EQ(outbound_spi(2), 0U);
  EXPECT_EQ(outbound_spi(), 10000U);
  EXPECT_EQ(sad.flush(std::nullopt), 3U);
  EXPECT_EQ(sad.size(), 0U);
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
  EXPECT_EQ(sad.inbound_compression(ip("10.0.0.1"), ip("10.0.0.2"), 2), nullptr);
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
  SaParameters next = parameters(group(1), 10000);
  next.replay_packets = 8;
  ASSERT_TRUE(sad.update(make(std::move(next))).has_value());
  EXPECT_EQ(sad.size(), 2U);
  EXPECT_EQ(outbound_spi(2), 10000U);
  const Sa* updated = sad.outbound({SaProtocol::Esp, Mode::Transport, ip("10.0.0.1"), ip("10.0.0.2"), ReqId{1}});
  EXPECT_EQ(updated->parameters().replay_packets, 8U);
}

TEST_F(SadDatabase, UpdateOfNothingIsNotFound) {
  ASSERT_TRUE(add(group(), 10000));
  const auto result = sad.update(make(group(), 10001));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), DatabaseError::NotFound);
  EXPECT_EQ(sad.size(), 1U);
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

TEST_F(SadDatabase, FindsIpcompSasByPeerAndAlgorithmNumber) {
  ASSERT_TRUE(add(group(0, Mode::Any, SaProtocol::Ipcomp), 1000));
  SaGroup other = group(0, Mode::Any, SaProtocol::Ipcomp);
  other.source = ip("10.0.0.9");
  ASSERT_TRUE(add(other, 1001));
  const auto found = [&](const char* source, const char* destination, std::uint16_t cpi) {
    const Sa* sa = sad.inbound_compression(ip(source), ip(destination), cpi);
    return sa == nullptr ? Spi{} : sa->spi();
  };
  EXPECT_EQ(found("10.0.0.1", "10.0.0.2", 2), Spi{1000});
  EXPECT_EQ(found("10.0.0.9", "10.0.0.2", 2), Spi{1001});
  EXPECT_EQ(found("10.0.0.8", "10.0.0.2", 2), Spi{});
  EXPECT_EQ(found("10.0.0.1", "10.0.0.2", 3), Spi{});
  EXPECT_EQ(found("10.0.0.1", "10.0.0.1", 2), Spi{});
  SaGroup anybody = other;
  anybody.source = ip("0.0.0.0");
  ASSERT_TRUE(add(anybody, 1002));
  EXPECT_EQ(found("10.0.0.8", "10.0.0.2", 2), Spi{1002});
  sad.remove(SaProtocol::Ipcomp, ip("10.0.0.9"), ip("10.0.0.2"), Spi{1001});
  EXPECT_EQ(found("10.0.0.9", "10.0.0.2", 2), Spi{1002});
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

// ---- against a plain list, and many
// -------------------------------------------------------------------------------------

/// What the database should hold, found by looking at everything.
struct PlainSa {
  SaGroup group;
  std::uint32_t spi;
  bool larval;
};

TEST_F(SadDatabase, RandomChangesMeetTheSameAnswersAsAPlainList) {
  std::vector<PlainSa> list;  // oldest first
  const auto random_group = [&] {
    SaGroup g = group(random.below(3), static_cast<Mode>(random.below(3)));
    if (random.below(2) == 0) g.source = ip("10.0.0.3");
    return g;
  };
  const auto same_sa = [](const SaGroup& g, std::uint32_t spi) {
    return [&g, spi](const PlainSa& p) { return p.spi == spi && p.group.source == g.source; };
  };
  for (int step = 0; step < 20'000; ++step) {
    const SaGroup g = random_group();
    const std::uint32_t spi = 1000 + random.below(6);
    const auto exact = [&](const PlainSa& p) { return p.spi == spi && p.group == g; };
    const bool taken = std::ranges::any_of(list, exact);
    switch (random.below(8)) {
      case 0: {
        const bool collides = std::ranges::any_of(list, [&](const PlainSa& p) { return p.spi == spi; });
        ASSERT_EQ(sad.reserve(g, {spi, spi}, 0, 0, at(0)).has_value(), !collides);
        if (!collides) list.push_back({g, spi, true});
        break;
      }
      case 1: {
        auto old = std::ranges::find_if(list, exact);
        if (old == list.end()) {
          const auto newest = std::find_if(list.rbegin(), list.rend(), same_sa(g, spi));
          if (newest != list.rend()) old = newest.base() - 1;
        }
        ASSERT_EQ(sad.update(make(g, spi)).has_value(), old != list.end());
        if (old == list.end()) break;
        list.erase(old);
        list.push_back({g, spi, false});
        break;
      }
      case 2:
        ASSERT_EQ(sad.remove(SaProtocol::Esp, g.source, g.destination, Spi{spi}),
                  std::erase_if(list, same_sa(g, spi)) != 0);
        break;
      case 3:
        if (random.below(50) != 0) break;
        ASSERT_EQ(sad.remove_all(SaProtocol::Esp, g.source, g.destination),
                  std::erase_if(list, [&](const PlainSa& p) { return !p.larval && p.group.source == g.source; }));
        break;
      default:
        ASSERT_EQ(add(g, spi), !taken);
        if (!taken) list.push_back({g, spi, false});
    }
    ASSERT_EQ(sad.size(), list.size());
    const auto at_spi = [&](bool usable) {
      return std::find_if(list.rbegin(), list.rend(),
                          [&](const PlainSa& p) { return p.spi == spi && (!usable || !p.larval); });
    };
    auto expected = at_spi(true);
    if (expected == list.rend()) expected = at_spi(false);
    const Sa* found = sad.inbound(SaProtocol::Esp, g.destination, Spi{spi});
    ASSERT_EQ(found != nullptr, expected != list.rend());
    if (found != nullptr) {
      ASSERT_EQ(found->group(), expected->group);
    }
  }
}

TEST(SadScale, HundredsOfThousandsAreReservedUpdatedFoundAndRemoved) {
  KeySettings settings;
  test::SeededRandom random{3};
  Database sad{settings, random};
  constexpr std::uint32_t kCount = 200'000;
  const net::Address here = ip("10.0.0.1");
  const auto peer = [](std::uint32_t i) { return net::Address::v4(0x14000000U + i / 4); };
  std::vector<Spi> spis;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const auto sa = sad.reserve({SaProtocol::Esp, Mode::Tunnel, peer(i), here, ReqId{i % 4}}, {}, i, 1, at(0));
    ASSERT_TRUE(sa.has_value());
    spis.push_back((*sa)->spi());
  }
  EXPECT_EQ(sad.size(), kCount);
  for (std::uint32_t i = 0; i < kCount; i += 100) {
    ASSERT_TRUE(sad.update(make({SaProtocol::Esp, Mode::Tunnel, peer(i), here, ReqId{i % 4}}, spis[i].value)));
  }
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const Sa* sa = sad.inbound(SaProtocol::Esp, here, spis[i]);
    ASSERT_NE(sa, nullptr);
    ASSERT_EQ(sa->group().source, peer(i));
    const Sa* out = sad.outbound({SaProtocol::Esp, Mode::Tunnel, peer(i), here, ReqId{i % 4}});
    // Of the four groups of a peer only the first may have become usable, and reqid 0 asks for any.
    ASSERT_EQ(out != nullptr, i % 100 == 0);
  }
  EXPECT_EQ(sad.tick(at(31)).size(), kCount - kCount / 100);
  EXPECT_EQ(sad.flush(std::nullopt), kCount / 100);
  EXPECT_EQ(sad.size(), 0U);
}

TEST(SadScale, AHundredThousandSasOfOneGroupCostNoSearch) {
  KeySettings settings;
  test::SeededRandom random{3};
  Database sad{settings, random};
  constexpr std::uint32_t kCount = 100'000;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    SaParameters p = parameters(group(), 1000 + i);
    p.lifetimes = Lifetimes{.hard = {.addtime = 20}, .soft = {.addtime = 10}};
    ASSERT_TRUE(sad.add(make(std::move(p))).has_value());
    ASSERT_EQ(sad.outbound({SaProtocol::Esp, Mode::Transport, ip("10.0.0.1"), ip("10.0.0.2"), {}})->spi().value,
              1000 + i);
  }
  EXPECT_EQ(sad.tick(at(11)).size(), kCount);
  EXPECT_EQ(sad.outbound({SaProtocol::Esp, Mode::Transport, ip("10.0.0.1"), ip("10.0.0.2"), {}})->spi().value,
            1000 + kCount - 1);
  EXPECT_EQ(sad.tick(at(21)).size(), kCount);
  EXPECT_EQ(sad.size(), 0U);
}

/// Peers behind one NAT: the same addresses, another port each.
SaParameters behind_nat(std::uint16_t port, std::uint32_t spi, std::uint32_t reqid = 0) {
  SaParameters p = parameters(group(reqid, Mode::Tunnel), spi);
  p.nat = NatTraversal{.source_port = 4500, .destination_port = port};
  return p;
}

class SadBehindNat : public SadDatabase {
 protected:
  std::uint32_t towards(std::uint16_t port, std::uint32_t reqid = 0) const {
    const Sa* sa =
        sad.outbound({SaProtocol::Esp, Mode::Tunnel, ip("10.0.0.1"), ip("10.0.0.2"), ReqId{reqid}, Ports{4500, port}});
    return sa == nullptr ? 0 : sa->spi().value;
  }
  const Sa* from(std::uint16_t port, const char* source = "10.0.0.1") const {
    return sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10000}, UdpWay{ip(source), Ports{4500, port}});
  }
  bool add_nat(std::uint16_t port, std::uint32_t spi, std::uint32_t reqid = 0) {
    return sad.add(make(behind_nat(port, spi, reqid))).has_value();
  }
};

TEST_F(SadBehindNat, EachPeerHasAGroupOfItsOwn) {
  for (const std::uint32_t reqid : {0U, 5U}) {
    ASSERT_TRUE(add_nat(61001, 10001, reqid) && add_nat(61002, 10002, reqid));
    EXPECT_EQ(towards(61001, reqid), 10001U);
    EXPECT_EQ(towards(61002, reqid), 10002U);
    EXPECT_EQ(towards(61003, reqid), 0U);
    EXPECT_EQ(towards(0, reqid), 10002U) << "a question without ports gets the newest";
    sad.flush(std::nullopt);
  }
}

TEST_F(SadBehindNat, AnSaWithoutPortsFitsAnyQuestion) {
  ASSERT_TRUE(add(group(0, Mode::Tunnel), 10000));
  EXPECT_EQ(towards(61001), 10000U);
}

TEST_F(SadBehindNat, TwoPeersMayHaveChosenTheSameSpi) {
  ASSERT_TRUE(add_nat(61001, 10000) && add_nat(61002, 10000));
  EXPECT_FALSE(add_nat(61002, 10000));
  EXPECT_EQ(from(61001)->group().ports.destination, 61001);
  EXPECT_EQ(from(61002)->group().ports.destination, 61002);
  EXPECT_EQ(from(61003)->group().ports.destination, 61002) << "one that moved: the newest";
  EXPECT_EQ(from(61001, "10.0.0.9")->group().ports.destination, 61002);
  EXPECT_EQ(towards(61001), 10000U);
}

TEST_F(SadBehindNat, OneWithoutNatTIsForPacketsWithoutUdp) {
  ASSERT_TRUE(add_nat(61001, 10000) && add(group(0, Mode::Tunnel), 10000));
  EXPECT_EQ(from(61003)->group().ports.destination, 61001);
  EXPECT_FALSE(sad.inbound(SaProtocol::Esp, ip("10.0.0.2"), Spi{10000})->parameters().nat);
}

TEST_F(SadBehindNat, DeletePicksByPortsWhenItNamesThem) {
  ASSERT_TRUE(add_nat(61001, 10000) && add_nat(61002, 10000) && add(group(3), 10000));
  ASSERT_TRUE(sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000}, {4500, 61001}));
  EXPECT_EQ(sad.size(), 1U) << "that of 61001, and the one without ports";
  EXPECT_EQ(towards(61002), 10000U);
  EXPECT_EQ(sad.remove_all(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), {4500, 61001}), 0U);
  EXPECT_EQ(sad.remove_all(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), {4500, 61002}), 1U);
  ASSERT_TRUE(add_nat(61001, 10000) && add_nat(61002, 10000));
  EXPECT_TRUE(sad.remove(SaProtocol::Esp, ip("10.0.0.1"), ip("10.0.0.2"), Spi{10000}));
  EXPECT_EQ(sad.size(), 0U) << "without ports: of every peer";
}

SaParameters keyed(std::uint32_t spi, std::uint8_t fill, std::uint32_t window = 64) {
  SaParameters p = parameters(group(), spi);
  p.cipher = crypto::cipher_by_name("aes-gcm-16");
  p.cipher_key = Secret{ByteVector(20, fill)};
  p.replay_packets = window;
  return p;
}

TEST_F(SadDatabase, AnUpdateWithTheSameKeysGoesOnWhereTheOldOneWas) {
  Sa* old = *sad.add(make(keyed(10000, 1), 5));
  old->iv_counter = IvCounter{77};
  for (int i = 0; i < 40; ++i) old->sequence.next();
  for (const std::uint64_t n : {90U, 98U, 100U}) old->window.commit(n);
  old->share().count(1, 1000, at(6));
  SaParameters next = keyed(10000, 1);
  next.lifetimes = Lifetimes{{.addtime = 3600}, {.addtime = 3600}};
  const Sa* now = *sad.update(make(std::move(next), 50));
  EXPECT_EQ(now->sequence.last(), 40U);
  EXPECT_EQ(now->iv_counter.next(), 77U);
  EXPECT_EQ(now->window.highest(), 100U);
  EXPECT_FALSE(now->window.check(98));
  EXPECT_TRUE(now->window.check(99));
  EXPECT_EQ(now->usage().bytes, 1000U);
  EXPECT_EQ(now->created(), at(5));
  EXPECT_THAT(tick(at(3605)), testing::IsEmpty());
  EXPECT_THAT(tick(at(3606)), testing::Not(testing::IsEmpty())) << "an hour from its creation, not from the update";
}

TEST_F(SadDatabase, AnUpdateWithOtherKeysStartsAnew) {
  Sa* old = *sad.add(make(keyed(10000, 1), 5));
  old->sequence.next();
  old->window.commit(100);
  old->share().count(1, 1000, at(6));
  const Sa* now = *sad.update(make(keyed(10000, 2), 50));
  EXPECT_EQ(now->sequence.last(), 0U);
  EXPECT_EQ(now->window.highest(), 0U);
  EXPECT_EQ(now->usage().packets, 0U);
  EXPECT_EQ(now->created(), at(50));
}

TEST_F(SadBehindNat, UpdateFindsTheSaWhosePortsChange) {
  ASSERT_TRUE(add_nat(61001, 10000) && add_nat(61002, 10001));
  ASSERT_TRUE(sad.update(make(behind_nat(61009, 10000))).has_value());
  EXPECT_EQ(sad.size(), 2U);
  EXPECT_EQ(towards(61009), 10000U);
  EXPECT_EQ(towards(61001), 0U);
  EXPECT_EQ(towards(61002), 10001U);
}

std::unique_ptr<Sa> peer(std::uint16_t port, std::uint8_t key_fill) {
  SaParameters p = behind_nat(port, 10000);
  p.cipher = crypto::cipher_by_name("aes-cbc");
  p.cipher_key = Secret{ByteVector(16, key_fill)};
  return make(std::move(p));
}

TEST_F(SadBehindNat, UpdateWithNewPortsAndNewKeysTakesNobodysPlaceWhereSeveralHaveTheSpi) {
  ASSERT_TRUE(sad.add(peer(61001, 1)) && sad.add(peer(61002, 2)));
  const auto updated = sad.update(peer(61009, 3));
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error(), DatabaseError::NotFound);
  EXPECT_EQ(sad.size(), 2U);
  ASSERT_TRUE(sad.remove(SaProtocol::Esp, peer(61001, 1)->group().source, peer(61001, 1)->group().destination,
                         Spi{10000}, peer(61001, 1)->group().ports));
  EXPECT_TRUE(sad.update(peer(61009, 3))) << "the only one with the SPI";
}

TEST_F(SadBehindNat, UpdateWithNewPortsOfOneOfTwoWithTheSameSpiTakesThatOfItsKeys) {
  ASSERT_TRUE(sad.add(peer(61001, 1)) && sad.add(peer(61002, 2)));
  ASSERT_TRUE(sad.update(peer(61009, 1)));
  EXPECT_EQ(sad.size(), 2U);
  EXPECT_EQ(towards(61009), 10000U);
  EXPECT_EQ(towards(61002), 10000U);
  EXPECT_EQ(towards(61001), 0U);
}

TEST_F(SadBehindNat, UpdateOfOneOfTwoWithTheSameSpiTakesThatOfItsPorts) {
  ASSERT_TRUE(add_nat(61001, 10000) && add_nat(61002, 10000));
  ASSERT_TRUE(sad.update(make(behind_nat(61001, 10000, 9))).has_value()) << "with another reqid";
  EXPECT_EQ(towards(61001, 9), 10000U);
  EXPECT_EQ(towards(61001, 0), 10000U);
  EXPECT_EQ(from(61002)->group().reqid, ReqId{});
}

TEST_F(SadDatabase, PacketsFindSasOfLinkLocalAddressesWithoutTheirLink) {
  const auto between = [](const char* source, const char* destination) {
    return SaGroup{SaProtocol::Esp, Mode::Tunnel, ip(source), ip(destination), ReqId{}};
  };
  const SaGroup one = between("fe80::2%3", "fe80::1%3"), other = between("fe80::2%4", "fe80::1%4");
  ASSERT_TRUE(add(one, 10000));
  ASSERT_TRUE(add(other, 10001));
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("fe80::1"), Spi{10000})->group(), one);
  EXPECT_EQ(sad.inbound(SaProtocol::Esp, ip("fe80::1"), Spi{10001})->group(), other);
  EXPECT_EQ(sad.find(SaProtocol::Esp, one.source, other.destination, Spi{10000}, {}), nullptr)
      << "who names SAs names their links";
  EXPECT_NE(sad.find(SaProtocol::Esp, one.source, one.destination, Spi{10000}, {}), nullptr);
  ASSERT_TRUE(add(other, 10000)) << "another SA, not the first one again";
  EXPECT_EQ(dump().size(), 3U);
  EXPECT_NE(sad.find(one, Spi{10000}), nullptr);
}

}  // namespace
}  // namespace testudo::sad
