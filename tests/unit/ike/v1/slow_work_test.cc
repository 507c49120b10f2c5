// Public-key work that somebody else does: who waits for it, and who does not.
#include <gtest/gtest.h>

#include "unit/ike/pair.h"

namespace testudo::ike::v1 {
namespace {

using test::address;
using test::default_policy;
using test::Pair;
using test::seconds;
using v1wire::Exchange;

Policy policy_of_mode(Exchange mode) {
  Policy policy = default_policy();
  policy.remotes[0].exchange_modes = {mode};
  return policy;
}

/// A responder whose work is done when the test says so, and peers that come from addresses of their own.
struct Crowd {
  explicit Crowd(const Policy& p = default_policy())
      : policy(std::make_shared<Policy>(p)), host(policy, keys, policies, SlowWork::AsActions) {
    for (unsigned i = 0; i < 100; ++i) keys.of[place(i).address.to_string()] = "one key";
    keys.of[here.address.to_string()] = "one key";
  }
  static net::Endpoint place(unsigned number) {
    return {address(("198.51.100." + std::to_string(number)).c_str()), 500};
  }

  /// What the host sends at once to whoever sent this.
  std::vector<ByteVector> answers(const net::Endpoint& from, const ByteVector& message) {
    return sent(host.on(Received{here, from, message}, now, random));
  }
  std::vector<ByteVector> compute() {
    const Compute next = std::move(work.front());
    work.erase(work.begin());
    return sent(host.on(Computed{next.id, std::make_shared<WorkProduct>(next.work())}, now, random));
  }
  std::vector<ByteVector> sent(Actions actions) {
    std::vector<ByteVector> all;
    for (Action& action : actions) {
      if (auto* send = std::get_if<Send>(&action)) all.push_back(std::move(send->bytes));
      if (auto* slow = std::get_if<Compute>(&action)) work.push_back(std::move(*slow));
    }
    return all;
  }
  /// A peer's first message, or, when it has the host's answer, what it says next.
  struct Peer {
    Peer(Crowd& c, unsigned number) : at(place(number)), random(number + 100), machine(c.policy, c.keys, c.policies) {}
    ByteVector first(Crowd& c) {
      ChildRequest nothing;
      nothing.local = at.address;
      nothing.remote = c.here.address;
      return only_send(machine.on(Wanted{nothing}, c.now, random));
    }
    ByteVector next(Crowd& c, const ByteVector& answer) {
      return only_send(machine.on(Received{at, c.here, answer}, c.now, random));
    }
    static ByteVector only_send(const Actions& actions) {
      for (const Action& action : actions) {
        if (const auto* send = std::get_if<Send>(&action)) return send->bytes;
      }
      return {};
    }
    net::Endpoint at;
    testudo::test::SeededRandom random;
    Machine machine;
  };
  /// Message 3 of main mode.
  ByteVector third(Peer& peer) { return peer.next(*this, answers(peer.at, peer.first(*this)).at(0)); }

  net::Endpoint here{address("192.0.2.2"), 500};
  Time now{seconds{1000}};
  testudo::test::SeededRandom random{5};
  test::Keys keys;
  test::Policies policies;
  std::shared_ptr<const Policy> policy;
  Machine host;
  std::vector<Compute> work;
};

TEST(SlowWork, OfOnePeerIsUnderWayWhileAnotherIsAnswered) {
  Crowd c;
  Crowd::Peer slow{c, 1}, quick{c, 2};
  const ByteVector third = c.third(slow);
  EXPECT_TRUE(c.answers(slow.at, third).empty()) << "its key exchange is not computed yet";
  ASSERT_EQ(c.work.size(), 1U);
  EXPECT_EQ(c.answers(quick.at, quick.first(c)).size(), 1U);
  EXPECT_EQ(c.compute().size(), 1U) << "message 4";
}

TEST(SlowWork, OfTheSecondPeerMayBeDoneBeforeThatOfTheFirst) {
  Crowd c;
  Crowd::Peer one{c, 1}, two{c, 2};
  EXPECT_TRUE(c.answers(one.at, c.third(one)).empty());
  EXPECT_TRUE(c.answers(two.at, c.third(two)).empty());
  ASSERT_EQ(c.work.size(), 2U);
  std::swap(c.work[0], c.work[1]);
  const auto to_two = c.compute();
  const auto to_one = c.compute();
  ASSERT_EQ(to_two.size(), 1U);
  ASSERT_EQ(to_one.size(), 1U);
  EXPECT_FALSE(two.next(c, to_two[0]).empty());
  EXPECT_FALSE(one.next(c, to_one[0]).empty());
}

TEST(SlowWork, IsBegunOnceForAMessageThatIsRepeated) {
  Crowd c;
  Crowd::Peer peer{c, 1};
  const ByteVector third = c.third(peer);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(c.answers(peer.at, third).empty());
  ASSERT_EQ(c.work.size(), 1U);
  EXPECT_EQ(c.compute().size(), 1U);
  EXPECT_EQ(c.answers(peer.at, third).size(), 1U) << "said again, without any work";
  EXPECT_TRUE(c.work.empty());
}

TEST(SlowWork, HasALimitInAll) {
  Policy policy = default_policy();
  policy.limits.work_total = 3;
  Crowd c{policy};
  std::vector<std::unique_ptr<Crowd::Peer>> peers;
  ByteVector last;
  for (unsigned i = 0; i < 5; ++i) {
    peers.push_back(std::make_unique<Crowd::Peer>(c, i));
    last = c.third(*peers.back());
    EXPECT_TRUE(c.answers(peers.back()->at, last).empty());
  }
  EXPECT_EQ(c.work.size(), 3U);
  while (!c.work.empty()) EXPECT_EQ(c.compute().size(), 1U);
  EXPECT_TRUE(c.answers(peers.back()->at, last).empty());
  ASSERT_EQ(c.work.size(), 1U) << "what was dropped may come again";
  EXPECT_EQ(c.compute().size(), 1U);
}

TEST(SlowWork, HasALimitForEachSource) {
  Policy policy = default_policy();
  policy.limits.work_per_source = 2;
  Crowd c{policy};
  std::vector<std::unique_ptr<Crowd::Peer>> peers;
  for (unsigned i = 0; i < 4; ++i) {
    peers.push_back(std::make_unique<Crowd::Peer>(c, i));
    peers.back()->at = {Crowd::place(1).address, static_cast<std::uint16_t>(1000 + i)};
    EXPECT_TRUE(c.answers(peers.back()->at, c.third(*peers.back())).empty());
  }
  EXPECT_EQ(c.work.size(), 2U);
  Crowd::Peer other{c, 9};
  EXPECT_TRUE(c.answers(other.at, c.third(other)).empty());
  EXPECT_EQ(c.work.size(), 3U) << "another source has its own";
}

TEST(SlowWork, ForWhatEndedMeanwhileChangesNothingButTheLimit) {
  Policy policy = default_policy();
  policy.limits.work_total = 1;
  Crowd c{policy};
  Crowd::Peer gone{c, 1}, other{c, 2};
  EXPECT_TRUE(c.answers(gone.at, c.third(gone)).empty());
  c.host.on(Disconnect{}, c.now, c.random);
  EXPECT_TRUE(c.host.v1().sas().empty());
  EXPECT_TRUE(c.compute().empty());
  EXPECT_TRUE(c.answers(other.at, c.third(other)).empty());
  ASSERT_EQ(c.work.size(), 1U);
  EXPECT_EQ(c.compute().size(), 1U);
  // Once more, and one that was never asked for.
  EXPECT_TRUE(c.sent(c.host.on(Computed{WorkId{1}, std::make_shared<WorkProduct>()}, c.now, c.random)).empty());
  EXPECT_TRUE(c.sent(c.host.on(Computed{WorkId{77}, std::make_shared<WorkProduct>()}, c.now, c.random)).empty());
}

TEST(SlowWork, ThatFailsIsARefusalAndNotTheEnd) {
  Crowd c;
  Crowd::Peer peer{c, 1};
  const ByteVector third = c.third(peer);
  EXPECT_TRUE(c.answers(peer.at, third).empty());
  const auto actions = c.host.on(Computed{c.work.at(0).id, std::make_shared<WorkProduct>()}, c.now, c.random);
  EXPECT_TRUE(std::ranges::any_of(actions, [](const Action& a) { return std::holds_alternative<Refusal>(a); }));
}

TEST(SlowWork, HoldsWhatComesBehindItInItsOrderAndNotWithoutEnd) {
  Policy policy = default_policy();
  policy.sainfos[0].pfs_group = crypto::ike::group_by_name("curve25519");
  Pair p{policy};
  p.want(p.a);
  p.b.computes_at_once = false;
  for (const char* network : {"10.8.0.0/24", "10.9.0.0/24"}) {
    ChildRequest other = p.request();
    other.outbound.destination = *net::Prefix::parse(network);
    p.event(p.a, Wanted{other});
  }
  p.deliver();
  const IkeSa& sa = *p.b.machine().v1().sas().begin()->second;
  EXPECT_EQ(p.b.work.size(), 1U);
  EXPECT_EQ(sa.held.size(), 1U) << "the second quick mode waits for the first";
  ByteVector forged(60, 0);
  std::ranges::copy(sa.cookies.bytes(), forged.begin());
  forged[17] = 0x10;
  forged[27] = 60;
  for (std::uint8_t i = 0; i < 100; ++i) {
    forged[40] = i;
    p.event(p.b, Received{{p.b.here, 500}, {p.a.here, 500}, forged});
  }
  EXPECT_EQ(sa.held.size(), policy.limits.held_per_sa);
  p.settle();
  EXPECT_TRUE(sa.held.empty());
  EXPECT_EQ(p.b.in.size(), 3U);
  EXPECT_TRUE(p.keyed_alike());
}

class SlowWorkInMode : public testing::TestWithParam<Exchange> {};

TEST_P(SlowWorkInMode, EveryDatagramMayBeLostOrComeThreeTimes) {
  for (unsigned number = 1; number <= 9; ++number) {
    for (const unsigned copies : {0U, 1U, 3U}) {
      Policy policy = policy_of_mode(GetParam());
      policy.sainfos[0].pfs_group = crypto::ike::group_by_name("curve25519");
      Pair p{policy};
      p.a.computes_at_once = p.b.computes_at_once = false;
      p.link = [=](unsigned n, ByteVector&) { return n == number ? copies : 1U; };
      p.want(p.a);
      p.pass(seconds{20});
      EXPECT_TRUE(p.keyed_alike()) << "datagram " << number << " " << copies << " times";
      EXPECT_EQ(p.a.in.size(), 1U);
    }
  }
}

TEST_P(SlowWorkInMode, IsNotDoneTwiceForOneMessage) {
  Pair p{policy_of_mode(GetParam())};
  const unsigned begun = p.work_of(p.a, Wanted{p.request()});
  EXPECT_TRUE(p.keyed_alike());
  EXPECT_EQ(begun, 3U) << "the initiator's value, the responder's with g^xy, the initiator's g^xy";
}

INSTANTIATE_TEST_SUITE_P(Ike, SlowWorkInMode, testing::Values(Exchange::Main, Exchange::Aggressive, Exchange::Base));

}  // namespace
}  // namespace testudo::ike::v1
