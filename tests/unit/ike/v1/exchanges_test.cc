// What strangers, lost datagrams and the end of a phase 1 may and may not do to negotiations.
#include "ike/v1/exchanges.h"

#include <gtest/gtest.h>

#include "unit/ike/pair.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {
namespace {

using test::caught;
using test::default_policy;
using test::Pair;
using test::seconds;
using test::WatchedRandom;

void say(Pair& p, test::Side& to, const ByteVector& bytes) {
  p.event(to, Received{{to.here, 500}, {to.there, 500}, bytes});
}

TEST(Exchanges, InitialContactIsNotSaidWhileSasLive) {
  Policy policy = default_policy();
  policy.remotes[0].proposals[0].lifetime = 100;
  policy.remotes[0].rekey = false;
  Pair p{policy};
  p.want(p.a);
  p.pass(seconds{102});
  ASSERT_TRUE(p.a.machine().v1().sas().empty());
  ASSERT_EQ(p.b.in.size(), 1U);
  p.want(p.a);
  EXPECT_EQ(p.b.count(Fact::InitialContact), 1U);
  EXPECT_EQ(p.b.in.size(), 2U) << "the first pair is in use still";
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Exchanges, NothingIsComputedForAStrangerWithoutAKey) {
  Pair p;
  p.b.keys.of.clear();
  const ByteVector third = caught(p, 3);
  WatchedRandom random;
  p.b.machine().on(Received{{p.b.here, 500}, {p.a.here, 500}, third}, p.now, random);
  EXPECT_EQ(random.private_values, 0U);
}

/// Message 3 with a KE of zeros, which is a member of no group; `mark` makes its nonce another.
ByteVector without_key(ByteVector third, std::uint8_t mark) {
  const auto value = third.begin() + 28 + 4;
  std::fill(value, value + 32, std::uint8_t{0});
  third.back() = mark;
  return third;
}

TEST(Exchanges, NothingIsDrawnForAPublicValueThatIsNone) {
  Pair p;
  const ByteVector bad = without_key(caught(p, 3), 1);
  WatchedRandom random;
  p.b.machine().on(Received{{p.b.here, 500}, {p.a.here, 500}, bad}, p.now, random);
  EXPECT_EQ(random.private_values, 0U);
}

TEST(Exchanges, FiveWrongMessagesEndAResponder) {
  Pair p;
  const ByteVector third = caught(p, 3);
  for (std::uint8_t i = 1; i <= 4; ++i) say(p, p.b, without_key(third, i));
  EXPECT_EQ(p.b.machine().v1().sas().size(), 1U);
  say(p, p.b, without_key(third, 4));
  EXPECT_EQ(p.b.machine().v1().sas().size(), 1U) << "a repeated one counts once";
  say(p, p.b, without_key(third, 5));
  EXPECT_TRUE(p.b.machine().v1().sas().empty());
}

TEST(Exchanges, AWrongMessageBeforeTheRightOneDoesNoHarm) {
  Pair p;
  p.link = [&](unsigned number, ByteVector& bytes) {
    if (number == 3) say(p, p.b, without_key(bytes, 1));
    return 1U;
  };
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Exchanges, AnAnswerThatCannotBeReadDoesNotBindTheInitiator) {
  Pair p;
  p.link = [&](unsigned number, ByteVector& bytes) {
    if (number != 2) return 1U;
    ByteVector lie = bytes;
    lie[8] ^= 0xff;  // the responder's cookie
    lie[29] = 0xff;  // the reserved byte of the first payload
    say(p, p.a, lie);
    return 1U;
  };
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Exchanges, AFloodPushesOutTheOldestThatNeverReturnedOurCookie) {
  Pair p;
  p.b.policy.limits.half_open_per_source = 5;
  const ByteVector third = caught(p, 3);  // b has one SA, which this message would continue
  ByteVector first(28);
  p.link = [&](unsigned, ByteVector&) { return 0U; };
  Pair other;
  first = caught(other, 1);
  const auto flood = [&](std::uint8_t from, std::uint8_t to) {
    for (std::uint8_t i = from; i < to; ++i) {
      first[0] = i;
      first[1] = 0xee;
      p.now += std::chrono::milliseconds{1};
      say(p, p.b, first);
    }
  };
  say(p, p.b, third);  // this one has returned our cookie
  flood(0, 100);
  const auto& sas = p.b.machine().v1().sas();
  EXPECT_EQ(sas.size(), 5U);
  std::set<std::uint64_t> initiators;
  for (const auto& [cookie, sa] : sas) initiators.insert(sa->cookies.initiator >> 48);
  EXPECT_TRUE(initiators.contains(99U << 8 | 0xee)) << "the newest is served";
  EXPECT_FALSE(initiators.contains(0xee));
  EXPECT_EQ(std::ranges::count_if(sas, [](const auto& e) { return e.second->state == State::KeSent; }), 1)
      << "and who has returned our cookie stays";
}

TEST(Exchanges, QuickModesEndWithTheirPhase1) {
  Policy policy = default_policy();
  policy.remotes[0].proposals[0].lifetime = 20;
  Pair p{policy};
  p.link = [](unsigned number, ByteVector&) { return number <= 7 ? 1U : 0U; };  // message 2 of quick mode is lost
  p.want(p.a);
  ASSERT_EQ(p.b.in.size(), 1U);
  p.pass(seconds{21});
  EXPECT_TRUE(p.b.in.empty());
  EXPECT_EQ(p.a.abandoned, std::vector<std::uint32_t>{7});
}

TEST(Exchanges, QuickModesEndWhenThePeerForgotTheirPhase1) {
  Pair p;
  p.link = [](unsigned number, ByteVector&) { return number == 9 ? 0U : 1U; };  // message 3 of quick mode is lost
  p.want(p.a);
  const auto old = p.b.in.begin()->first;
  p.a.made.reset();
  p.a.in.clear();
  p.a.out.clear();
  p.want(p.a);
  EXPECT_FALSE(p.b.in.contains(old));
  EXPECT_TRUE(p.keyed_alike());
}

TEST(Exchanges, NobodyWaitsForAPhase1LongerThanItsTimer) {
  Policy policy = default_policy();
  policy.limits.phase1 = seconds{12};
  Pair p{policy};
  p.link = [](unsigned, ByteVector&) { return 0U; };
  p.want(p.a);
  p.pass(seconds{11});
  EXPECT_TRUE(p.a.abandoned.empty());
  p.pass(seconds{2});
  EXPECT_EQ(p.a.abandoned, std::vector<std::uint32_t>{7});
  EXPECT_EQ(p.a.machine().v1().sas().size(), 1U) << "phase 1 goes on for who comes next";
}

// ---- what the key table says

TEST(Exchanges, AnSaThatTheKeyTableRefusesIsToldHereAndThere) {
  Pair p;
  p.want(p.a);
  p.event(p.a, InstallRefused{p.a.out.begin()->second.child, "Invalid argument"});
  p.settle();
  ASSERT_EQ(p.a.refusals.size(), 1U);
  EXPECT_EQ(sentence(p.a.refusals[0]),
            "phase 2 with 192.0.2.2[500], quick mode: the key table refuses the SA; Invalid argument");
  EXPECT_TRUE(p.a.in.empty() && p.a.out.empty());
  EXPECT_TRUE(p.b.in.empty() && p.b.out.empty());
}

TEST(Exchanges, AnInboundSaThatIsRefusedBeforeMessage3TakesTheChildWithIt) {
  Pair p;
  p.link = [&](unsigned number, ByteVector&) {
    if (number == 9) p.event(p.b, InstallRefused{p.b.in.begin()->second.child, "No such file or directory"});
    return 1U;
  };
  p.want(p.a);
  p.pass(seconds{60});
  EXPECT_EQ(p.b.refusals.size(), 1U);
  EXPECT_TRUE(p.a.in.empty() && p.a.out.empty());
  EXPECT_TRUE(p.b.in.empty() && p.b.out.empty());
}

TEST(Exchanges, RemovalByAnotherProgramEndsThePairOnBothSides) {
  for (const bool inbound : {true, false}) {
    for (const bool named : {true, false}) {
      Pair p;
      p.want(p.a);
      const ChildSa& sa = inbound ? p.a.in.begin()->second : p.a.out.begin()->second;
      const Spi spi = named ? sa.spi : Spi{};
      p.event(p.a, Removed{ChildProtocol::Ah, spi, sa.source, sa.destination});
      p.event(p.a, Removed{ChildProtocol::Esp, Spi{0x77777777}, sa.source, sa.destination});
      p.event(p.a, Removed{ChildProtocol::Esp, spi, test::address("192.0.2.9"), sa.destination});
      EXPECT_EQ(p.a.in.size(), 1U) << "those were others";
      p.event(p.a, Removed{ChildProtocol::Esp, spi, sa.source, sa.destination});
      p.settle();
      EXPECT_TRUE(p.a.in.empty() && p.a.out.empty() && p.b.in.empty() && p.b.out.empty());
      EXPECT_EQ(p.b.count(Fact::Phase2Deleted), 1U);
    }
  }
}

TEST(Exchanges, AFlushByAnotherProgramEndsAllChildren) {
  Pair p;
  p.want(p.a);
  p.want(p.a);
  p.event(p.a, Flushed{ChildProtocol::Ah});
  EXPECT_EQ(p.a.in.size(), 2U);
  p.event(p.a, Flushed{});
  p.settle();
  EXPECT_TRUE(p.a.in.empty() && p.b.in.empty() && p.b.out.empty());
  EXPECT_TRUE(p.a.machine().v1().children().empty());
}

TEST(Exchanges, NewSasForOldOnesAnswerNoAcquire) {
  Pair p;
  p.want(p.a);
  p.event(p.a, Expired{ChildProtocol::Esp, p.a.out.begin()->second.spi, p.a.there, false});
  p.settle();
  ASSERT_EQ(p.a.out.size(), 2U);
  EXPECT_EQ(p.a.out.begin()->second.acquire_sequence, 7U);
  EXPECT_EQ(p.a.out.rbegin()->second.acquire_sequence, 0U);
}

TEST(Exchanges, TheInitiatorIsToldWhenTheKeyTableHasNoSpi) {
  Pair p;
  p.b.gives_spis = false;
  p.want(p.a);
  EXPECT_EQ(p.b.refusals.size(), 1U);
  EXPECT_EQ(p.a.refusals.size(), 1U);
  EXPECT_EQ(p.a.abandoned, std::vector<std::uint32_t>{7}) << "at once";
}

// ---- what a peer that has proved itself may use up

TEST(Exchanges, FinishedQuickModesDoNotCount) {
  Pair p;
  p.b.policy.limits.quick_per_sa = 1;
  p.want(p.a);
  p.want(p.a);
  EXPECT_EQ(p.b.in.size(), 2U);
}

TEST(Exchanges, APeerHasOnlySoManyPhase1s) {
  Pair p;
  p.a.policy.remotes[0].initial_contact = false;
  for (unsigned i = 1; i <= 12; ++i) {
    p.a.made.reset();
    p.a.random = testudo::test::SeededRandom{i};
    p.now += seconds{1};
    p.want(p.a);
    EXPECT_EQ(p.b.machine().v1().sas().size(), std::min(i, 8U));
  }
  EXPECT_EQ(p.b.count(Fact::Phase1Deleted), 4U);
}

TEST(Exchanges, APhase1EndsWhenItsMessageIdsAreUsedUp) {
  Pair p;
  p.b.policy.limits.message_ids_per_sa = 2;
  p.want(p.a);
  p.want(p.a);
  EXPECT_EQ(p.b.in.size(), 2U);
  p.want(p.a);
  EXPECT_TRUE(p.b.machine().v1().sas().empty());
  EXPECT_TRUE(p.a.machine().v1().sas().empty()) << "it was told";
  p.want(p.a);
  EXPECT_EQ(p.b.in.size(), 3U);
}

TEST(Exchanges, StrangersAreMarkedAsSuch) {
  Pair p;
  p.link = [](unsigned number, ByteVector&) { return number == 1 ? 1U : 0U; };
  p.want(p.a);
  p.pass(seconds{100});
  ASSERT_EQ(p.b.count(Fact::Phase1TimedOut), 1U);
  for (const Told& told : p.b.told) EXPECT_TRUE(told.by_stranger);
  for (const Told& told : p.a.told) EXPECT_FALSE(told.by_stranger);
}

// ---- forgeries and repetitions under an established phase 1

/// A DELETE of what `b` sends by, which nobody has proved.
ByteVector deletion_in_clear(Pair& p) {
  ByteVector body(4);
  body[3] = static_cast<std::uint8_t>(p.b.out.begin()->first.second);
  body[2] = static_cast<std::uint8_t>(p.b.out.begin()->first.second >> 8);
  v1wire::ChainWriter payloads;
  payloads.add(v1wire::Payload::Delete, v1wire::compose_deletion({v1wire::kDoiIpsec, ChildProtocol::Esp, {body}}));
  wire::ike::Header header;
  const keys::Cookies cookies = p.b.machine().v1().sas().begin()->second->cookies;
  header.initiator = cookies.initiator;
  header.responder = cookies.responder;
  header.exchange = static_cast<std::uint8_t>(v1wire::Exchange::Informational);
  header.message_id = 77;
  header.next = static_cast<std::uint8_t>(payloads.first());
  return wire::ike::compose(header, payloads.bytes());
}

TEST(Exchanges, ADeleteInClearEndsNothing) {
  Pair p;
  p.want(p.a);
  say(p, p.b, deletion_in_clear(p));
  EXPECT_EQ(p.b.out.size(), 1U);
  ASSERT_EQ(p.b.count(Fact::Dropped), 1U);
  EXPECT_EQ(p.b.told.back().text, "Ignoring unencrypted delete payload (check the weak_phase1_check option)");
}

TEST(Exchanges, ADeleteInClearIsBelievedWhereTheFileSaysSo) {
  Policy policy = default_policy();
  policy.remotes[0].weak_phase1_check = true;
  Pair p{policy};
  p.want(p.a);
  const ByteVector deletion = deletion_in_clear(p);
  p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 501}, deletion});
  EXPECT_EQ(p.b.out.size(), 1U) << "it comes from elsewhere";
  say(p, p.b, deletion);
  EXPECT_TRUE(p.b.out.empty());
  EXPECT_TRUE(p.b.in.empty());
  EXPECT_EQ(p.b.machine().v1().sas().size(), 1U) << "it was about phase 2";
}

TEST(Exchanges, AChangedDeleteEndsNothingAndTheRightOneDoes) {
  Pair p;
  p.want(p.a);
  ByteVector deletion;
  p.link = [&](unsigned, ByteVector& bytes) {
    deletion = bytes;
    return 0U;
  };
  p.event(p.a, Expired{ChildProtocol::Esp, p.a.in.begin()->second.spi, p.a.here, true});
  for (std::size_t place = 20; place < deletion.size(); ++place) {
    if (place == 24) place = 28;  // the length
    ByteVector changed = deletion;
    changed[place] ^= 0x40;
    say(p, p.b, changed);
    EXPECT_EQ(p.b.out.size(), 1U) << place;
  }
  say(p, p.b, deletion);
  EXPECT_TRUE(p.b.out.empty());
}

TEST(Exchanges, AQuickModeOfOldIsNotBegunAgain) {
  Pair p;
  ByteVector offer;
  p.link = [&](unsigned number, ByteVector& bytes) {
    if (number == 7) offer = bytes;
    return 1U;
  };
  p.want(p.a);
  p.pass(seconds{60});  // the exchange itself is forgotten
  say(p, p.b, offer);
  p.settle();
  EXPECT_EQ(p.b.in.size(), 1U);
  ASSERT_EQ(p.b.count(Fact::Dropped), 1U);
  EXPECT_EQ(p.b.told.back().text, "a message id of old");
}

}  // namespace
}  // namespace testudo::ike::v1
