// Aggressive and base mode between two machines: what strangers see, get and cost, and whose name is taken.
#include "ike/v1/aggressive_mode.h"

#include <gtest/gtest.h>

#include "ike/v1/crypt.h"
#include "unit/ike/pair.h"
#include "wire/ike/v1/payload.h"

namespace testudo::ike::v1 {
namespace {

using test::address;
using test::caught;
using test::default_policy;
using test::Pair;
using test::seconds;
using test::Side;
using test::WatchedRandom;
using v1wire::Exchange;

Policy policy_with(std::vector<Exchange> modes) {
  Policy policy = default_policy();
  policy.remotes[0].exchange_modes = std::move(modes);
  return policy;
}

Policy aggressive() {
  return policy_with({Exchange::Aggressive});
}

Identity named(const std::string& name) {
  return {v1wire::IdType::Fqdn, {name.begin(), name.end()}};
}

unsigned private_values_for(Pair& p, const ByteVector& message) {
  WatchedRandom random;
  p.b.machine().on(Received{{p.b.here, 500}, {p.a.here, 500}, message}, p.now, random);
  return random.private_values;
}

struct Row {
  Exchange mode;
  unsigned datagrams;
};
class OtherModes : public testing::TestWithParam<Row> {
 protected:
  Policy policy() const { return policy_with({GetParam().mode}); }
};
INSTANTIATE_TEST_SUITE_P(Ike, OtherModes, testing::Values(Row{Exchange::Aggressive, 6}, Row{Exchange::Base, 7}));

TEST_P(OtherModes, MakesAPairOfSas) {
  Pair p{policy()};
  p.want(p.a);
  EXPECT_EQ(p.datagrams, GetParam().datagrams);
  EXPECT_EQ(p.a.count(Fact::Phase1Established), 1U);
  EXPECT_EQ(p.b.count(Fact::Phase1Established), 1U);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_TRUE(p.a.refusals.empty() && p.b.refusals.empty());
  EXPECT_EQ(p.b.machine().v1().sas().begin()->second->peer.to_string(), "192.0.2.1");
}

// charon works on several messages at once, and ends a phase 1 whose quick mode it sees first.
TEST(Aggressive, QuickModeWaitsAMomentForTheMessageThatItBuildsUpon) {
  Policy policy = aggressive();
  policy.limits.pause = std::chrono::milliseconds{100};
  Pair p{policy};
  p.want(p.a);
  EXPECT_EQ(p.a.count(Fact::Phase1Established), 1U);
  EXPECT_EQ(p.datagrams, 3U);
  ChildRequest another = p.request(8);
  another.outbound.protocol = net::protocol::kUdp;
  p.event(p.a, Wanted{another});
  EXPECT_EQ(p.datagrams, 3U) << "no more does one that is wanted meanwhile begin";
  p.pass(seconds{1});
  EXPECT_EQ(p.datagrams, 9U);
  EXPECT_TRUE(p.keyed_alike());
}

// The last message of base mode is the responder's, so its initiator has nothing to wait for.
TEST(Base, QuickModeFollowsTheLastMessageAtOnce) {
  Policy policy = policy_with({Exchange::Base});
  policy.limits.pause = std::chrono::milliseconds{100};
  Pair p{policy};
  p.want(p.a);
  EXPECT_EQ(p.datagrams, 7U);
}

TEST_P(OtherModes, EveryPairOfDatagramsMayBeLost) {
  for (unsigned first = 1; first <= GetParam().datagrams; ++first) {
    for (unsigned second = first; second <= GetParam().datagrams + 2; ++second) {
      Pair p{policy()};
      p.link = [=](unsigned number, ByteVector&) { return number == first || number == second ? 0U : 1U; };
      p.want(p.a);
      p.pass(seconds{20});
      EXPECT_TRUE(p.keyed_alike()) << "lost " << first << " and " << second;
      EXPECT_EQ(p.a.in.size(), 1U) << "lost " << first << " and " << second;
      EXPECT_EQ(p.a.count(Fact::Phase1TimedOut), 0U);
    }
  }
}

TEST_P(OtherModes, EveryDatagramMayComeThreeTimes) {
  for (unsigned doubled = 1; doubled <= GetParam().datagrams; ++doubled) {
    Pair p{policy()};
    p.link = [=](unsigned number, ByteVector&) { return number == doubled ? 3U : 1U; };
    p.want(p.a);
    p.pass(seconds{10});
    EXPECT_TRUE(p.keyed_alike()) << "doubled " << doubled;
    EXPECT_EQ(p.a.in.size(), 1U);
    EXPECT_LT(p.datagrams, 20U) << "nobody answers for ever";
  }
}

TEST_P(OtherModes, OtherKeysAreNamedAtBothEnds) {
  Pair p{policy()};
  p.b.keys.of.begin()->second = "another one";
  p.want(p.a);
  p.pass(seconds{100});
  EXPECT_TRUE(p.a.in.empty() && p.b.in.empty());
  ASSERT_FALSE(p.a.refusals.empty());
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.a.refusals[0].why.attribute, "pre-shared key");
  EXPECT_EQ(p.b.refusals[0].why.attribute, "pre-shared key");
  EXPECT_EQ(p.a.refusals[0].exchange, GetParam().mode);
}

TEST_P(OtherModes, ModeThatIsNotAllowedIsNamedAtBothEnds) {
  Pair p{policy()};
  p.b.remote().exchange_modes = {Exchange::Main};
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.b.refusals[0].why.attribute, "exchange mode");
  EXPECT_EQ(p.b.refusals[0].why.ours, "main mode");
  EXPECT_EQ(p.b.refusals[0].why.theirs, v1wire::name_of(GetParam().mode));
  ASSERT_FALSE(p.a.refusals.empty());
  EXPECT_EQ(p.a.refusals[0].why.attribute, "exchange mode");
  EXPECT_EQ(p.a.refusals[0].why.ours, v1wire::name_of(GetParam().mode));
  EXPECT_TRUE(p.a.refusals[0].hearsay);
  EXPECT_TRUE(p.b.machine().v1().sas().empty());
}

TEST_P(OtherModes, FirstModeIsUsedAndAllAreAnswered) {
  Pair p{policy_with({Exchange::Main, GetParam().mode})};
  p.b.remote().exchange_modes = {GetParam().mode, Exchange::Main};
  p.want(p.a);
  EXPECT_EQ(p.a.machine().v1().sas().begin()->second->mode, Exchange::Main);
  Pair q{p.a.policy};
  q.b.remote().exchange_modes = {GetParam().mode, Exchange::Main};
  q.want(q.b);
  EXPECT_EQ(q.a.machine().v1().sas().begin()->second->mode, GetParam().mode);
  EXPECT_TRUE(p.keyed_alike() && q.keyed_alike());
}

TEST_P(OtherModes, KeyIsThatOfTheNameAndProvesIt) {
  Pair p{policy()};
  p.a.remote().my_identifier = named("a.example.org");
  p.b.remote().my_identifier = named("b.example.org");
  p.a.keys.of = {{"b.example.org", "key of names"}};
  p.b.keys.of = {{"a.example.org", "key of names"}, {"192.0.2.1", "of another"}};
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.b.machine().v1().sas().begin()->second->peer.to_string(), "a.example.org");
  EXPECT_EQ(p.a.machine().v1().sas().begin()->second->peer.to_string(), "b.example.org");
}

TEST_P(OtherModes, KeyOfTheAddressProvesNoName) {
  for (const bool listed : {false, true}) {
    Pair p{policy()};
    p.a.remote().my_identifier = named("a.example.org");
    if (listed) p.b.remote().peers_identifiers = {named("c.example.org"), named("a.example.org")};
    p.want(p.a);
    EXPECT_EQ(p.keyed_alike(), listed);
    if (listed) continue;
    ASSERT_FALSE(p.b.refusals.empty());
    EXPECT_EQ(p.b.refusals[0].why.attribute, "identifier");
    EXPECT_NE(sentence(p.b.refusals[0]).find("add peers_identifier fqdn a.example.org"), std::string::npos);
    ASSERT_FALSE(p.a.refusals.empty());
    EXPECT_EQ(p.a.refusals[0].why.attribute, "identifier");
    EXPECT_EQ(p.a.refusals[0].why.ours, "a.example.org");
  }
}

TEST_P(OtherModes, UnderVerifyIdentifierOnlyListedNamesAndTheirOwnKeysCount) {
  Pair p{policy()};
  p.a.remote().my_identifier = named("a.example.org");
  p.b.remote().verify_identifier = true;
  p.b.remote().peers_identifiers = {named("a.example.org")};
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty()) << "the key of the address is not asked for";
  EXPECT_EQ(p.b.refusals[0].why.ours, "none for a.example.org");
  Pair q{p.a.policy};
  q.b.remote() = p.b.remote();
  q.b.remote().peers_identifiers = {named("b.example.org")};
  q.b.keys.of["a.example.org"] = "the same for both";
  q.want(q.a);
  ASSERT_FALSE(q.b.refusals.empty());
  EXPECT_EQ(q.b.refusals[0].why.ours, "b.example.org");
  EXPECT_TRUE(q.a.in.empty());
}

TEST_P(OtherModes, AddressOfAnotherIsNoName) {
  Pair p{policy()};
  p.a.remote().my_identifier = Identity::of(address("198.51.100.9"));
  p.b.keys.of["198.51.100.9"] = "the same for both";
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.b.refusals[0].why.attribute, "identifier");
}

TEST_P(OtherModes, SecondBlockIsAskedWhenTheFirstDoesNotKnowTheName) {
  Pair p{policy()};
  p.a.remote().my_identifier = named("a.example.org");
  Remote other = p.b.remote();
  p.b.remote().name = "for a";
  p.b.remote().peers_identifiers = {named("a.example.org")};
  other.name = "for c";
  other.peers_identifiers = {named("c.example.org")};
  p.b.policy.remotes.push_back(other);  // the one defined last is asked first
  p.want(p.a);
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(p.b.machine().v1().sas().begin()->second->block->name, "for a");
}

TEST_P(OtherModes, DamageOnTheWayIsOvercomeOrEndsWithoutKeys) {
  for (unsigned number = 1; number <= 4; ++number) {
    for (std::size_t place = 0; place < 400; place += 7) {
      Pair p{policy()};
      p.link = [=](unsigned n, ByteVector& bytes) {
        if (n == number && place < bytes.size()) bytes[place] ^= 0x55;
        return 1U;
      };
      p.want(p.a);
      p.pass(seconds{120});
      const bool nothing = p.a.in.empty() && p.a.out.empty() && p.b.in.empty() && p.b.out.empty();
      EXPECT_TRUE(p.keyed_alike() || nothing) << "datagram " << number << ", byte " << place;
    }
  }
}

TEST_P(OtherModes, NatIsFoundAndPortsFloat) {
  Policy natt = policy();
  natt.remotes[0].nat_traversal = NatTraversal::On;
  for (unsigned lost = 0; lost <= GetParam().datagrams; ++lost) {
    Pair p{natt};
    p.a.here = address("10.1.1.1");
    p.nat = address("198.51.100.9");
    p.b.there = *p.nat;
    p.b.keys.of = {{"198.51.100.9", "the same for both"}};
    p.a.policies.items = p.b.policies.items = {{ChildProtocol::Esp, Encapsulation::Tunnel, ReqId{}}};
    p.b.policies.only = {*net::Prefix::parse("10.9.0.0/16"), *net::Prefix::parse("10.8.0.0/16")};
    p.link = [=](unsigned n, ByteVector&) { return n == lost ? 0U : 1U; };
    ChildRequest wanted = p.request();
    wanted.outbound = {*net::Prefix::parse("10.8.0.0/16"), *net::Prefix::parse("10.9.0.0/16")};
    p.event(p.a, Wanted{wanted});
    p.pass(seconds{10});
    EXPECT_TRUE(p.keyed_alike()) << lost;
    const IkeSa& sa = *p.b.machine().v1().sas().begin()->second;
    EXPECT_TRUE(sa.nat.there && !sa.nat.here && sa.nat.floated) << lost;
    EXPECT_EQ(sa.remote, (net::Endpoint{*p.nat, Pair::mapped(4500)})) << lost;
    EXPECT_EQ(sa.peer.to_string(), "10.1.1.1") << "a name that means nothing outside";
  }
}

TEST_P(OtherModes, NameOfTheResponderIsJudgedToo) {
  Pair p{policy()};
  p.b.remote().my_identifier = named("b.example.org");
  p.want(p.a);
  ASSERT_FALSE(p.a.refusals.empty());
  EXPECT_EQ(p.a.refusals[0].why.attribute, "identifier");
  EXPECT_EQ(p.a.refusals[0].why.theirs, "b.example.org");
  EXPECT_TRUE(p.a.in.empty() && p.b.in.empty());
}

// Let pass as long as nobody knows whether there is a NAT; then NAT-D says that there is none.
TEST_P(OtherModes, PrivateAddressIsNobodysNameWithoutANat) {
  Policy natt = policy();
  natt.remotes[0].nat_traversal = NatTraversal::On;
  Pair p{natt};
  p.a.remote().my_identifier = Identity::of(address("10.1.1.1"));
  p.want(p.a);
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_EQ(p.b.refusals[0].why.attribute, "identifier");
  EXPECT_EQ(p.b.refusals[0].why.theirs, "10.1.1.1");
  EXPECT_TRUE(p.a.in.empty() && p.b.in.empty());
}

// ---- strangers

TEST(AggressiveMode, NothingIsComputedForWhoHasNoKeyOrNoNameHere) {
  Pair p{aggressive()};
  p.b.keys.of.clear();
  EXPECT_EQ(private_values_for(p, caught(p, 1)), 0U);
  Pair q{aggressive()};
  q.b.remote().peers_identifiers = {named("b.example.org")};
  q.b.remote().verify_identifier = true;
  EXPECT_EQ(private_values_for(q, caught(q, 1)), 0U);
  Pair r{aggressive()};
  EXPECT_EQ(private_values_for(r, caught(r, 1)), 1U) << "and for who has, it is";
}

TEST(AggressiveMode, BudgetBoundsWhatStrangersCost) {
  Pair p{aggressive()};
  p.b.policy.limits.aggressive_burst = 3;
  p.b.policy.limits.aggressive_refill = seconds{1};
  ByteVector first = caught(p, 1);
  unsigned answered = 0, dropped = 0;
  p.link = [&](unsigned, ByteVector& bytes) {
    if (bytes[18] == 4) ++answered;
    if (bytes[18] != 4) ++dropped;
    return 0U;
  };
  const auto flood = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      ++first[7];
      p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 500}, first});
    }
  };
  flood(20);
  EXPECT_EQ(answered, 3U);
  EXPECT_EQ(dropped, 0U) << "the others get nothing, not even a refusal";
  ASSERT_FALSE(p.b.refusals.empty());
  EXPECT_TRUE(p.b.refusals[0].by_stranger());
  p.now += seconds{2};
  flood(20);
  EXPECT_LE(answered, 5U);
  EXPECT_GT(answered, 3U);
}

TEST(AggressiveMode, AnswerIsNotRepeatedForEver) {
  for (const Exchange mode : {Exchange::Main, Exchange::Aggressive, Exchange::Base}) {
    Pair p{policy_with({mode})};
    const ByteVector first = caught(p, 1);
    p.link = [](unsigned, ByteVector&) { return 0U; };
    for (unsigned i = 0; i < 100; ++i) p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 500}, first});
    const unsigned sent = p.b.sent;
    EXPECT_EQ(sent, 1U + p.b.policy.limits.repeats_to_strangers);
    p.pass(seconds{100});
    EXPECT_EQ(p.b.sent, sent) << "and never by itself";
    EXPECT_TRUE(p.b.machine().v1().sas().empty());
  }
}

TEST(AggressiveMode, LostThirdMessageIsAskedForByWhatFollows) {
  // A peer that never repeats its third message by itself, as others do.
  Pair p{aggressive()};
  p.link = [](unsigned number, ByteVector&) { return number == 3 ? 0U : 1U; };
  p.want(p.a);
  EXPECT_EQ(p.b.count(Fact::Phase1Established), 1U) << "quick mode came, message 2 was said again, then message 3";
  p.pass(seconds{3});
  EXPECT_TRUE(p.keyed_alike());
}

TEST(AggressiveMode, ThirdMessageInClearIsTaken) {
  Pair p{aggressive()};
  const ByteVector third = caught(p, 3);
  const IkeSa& sa = *p.b.machine().v1().sas().begin()->second;
  const auto message = wire::ike::parse(third);
  ASSERT_TRUE(message);
  const auto opened = open(sa, sa.iv, *message);
  ASSERT_TRUE(opened);
  wire::ike::Header header = message->header;
  header.flags = 0;
  const ByteVector clear = wire::ike::compose(header, Bytes{opened->plain}.first(opened->chain.used));
  ByteVector wrong = clear;
  wrong[40] ^= 1;  // in HASH
  p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 500}, wrong});
  EXPECT_EQ(p.b.count(Fact::Phase1Established), 0U);
  p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 500}, clear});
  EXPECT_EQ(p.b.count(Fact::Phase1Established), 1U);
  p.pass(seconds{5});
  EXPECT_EQ(p.b.count(Fact::InitialContact), 0U) << "it was said in clear";
}

TEST(AggressiveMode, LastMessageIsSaidAgainUntilThePeerSpeaks) {
  Pair p{aggressive()};
  p.link = [](unsigned number, ByteVector&) { return number <= 2 ? 1U : 0U; };
  p.want(p.a);
  p.pass(seconds{70});
  EXPECT_EQ(p.a.count(Fact::Phase1TimedOut), 0U) << "it is established here";
  EXPECT_LT(p.a.sent, 30U);
  const unsigned before = p.a.sent;
  p.pass(seconds{100});
  EXPECT_EQ(p.a.sent, before);
}

}  // namespace
}  // namespace testudo::ike::v1
