#include "engine/classify.h"

#include <gtest/gtest.h>

#include "support/fragments.h"
#include "unit/engine/workbench.h"

namespace testudo::engine {
namespace {

using namespace test;
using spd::Action;
using spd::Direction;
using Answer = Classified::Answer;
using Proto = spd::RequestProtocol;

const net::Address kA = ip("10.0.1.5"), kB = ip("10.0.2.5");

class ClassifyTest : public testing::Test {
 protected:
  ByteVector datagram(std::uint16_t port) const { return udp({kA, 1025}, {kB, port}, ByteVector(20, 1)); }
  Classified asked(const ByteVector& packet, Direction direction = Direction::Out) {
    return classify(w.enter(packet, direction), direction, nullptr, w.parts, w.verdicts);
  }
  const spd::Policy& add(Action action, Direction direction = Direction::Out) {
    return w.station.install(action == Action::Ipsec
                                 ? policy(direction, "10.0.1.0/24", "10.0.2.0/24", {request(Proto::Esp)})
                                 : policy(direction, "10.0.1.0/24", "10.0.2.0/24", action));
  }

  Workbench w;
};

TEST_F(ClassifyTest, EachActionHasItsAnswer) {
  struct Row {
    Action action;
    Answer answer;
  };
  for (const Row& row :
       {Row{Action::None, Answer::Clear}, Row{Action::Bypass, Answer::Clear}, Row{Action::Discard, Answer::Discard},
        Row{Action::Ipsec, Answer::Protect}, Row{Action::Entrust, Answer::Clear}}) {
    w.station.spd.flush();
    add(row.action);
    EXPECT_EQ(asked(datagram(7)).answer, row.answer) << static_cast<int>(row.action);
  }
}

TEST_F(ClassifyTest, WithoutAPolicyTheFamilysDefaultDecidesOnceThereWasAPolicy) {
  w.station.settings.v4.def_policy = 0;
  EXPECT_EQ(asked(datagram(7)).answer, Answer::Clear) << "enabled=1: no policy, no IPsec";
  add(Action::None, Direction::In);
  EXPECT_EQ(asked(datagram(7)).answer, Answer::DefaultDiscard);
  EXPECT_EQ(asked(udp({ip("fd00::1"), 1}, {ip("fd00::2"), 2}, {})).answer, Answer::Clear);
  w.station.settings.v6.def_policy = 0;
  EXPECT_EQ(asked(udp({ip("fd00::1"), 1}, {ip("fd00::2"), 2}, {})).answer, Answer::DefaultDiscard);
}

TEST_F(ClassifyTest, EntrustMeansTheDefault) {
  w.station.settings.v4.def_policy = 0;
  add(Action::Entrust);
  EXPECT_EQ(asked(datagram(7)).answer, Answer::DefaultDiscard);
}

TEST_F(ClassifyTest, EnabledIsNeverWithPoliciesOrAlways) {
  struct Row {
    std::int32_t enabled;
    bool policy;
    Answer answer;
  };
  for (const Row& row : {Row{0, false, Answer::Clear}, Row{0, true, Answer::Clear}, Row{1, false, Answer::Clear},
                         Row{1, true, Answer::DefaultDiscard}, Row{2, false, Answer::DefaultDiscard},
                         Row{2, true, Answer::DefaultDiscard}}) {
    Workbench fresh;
    fresh.station.settings.v4.def_policy = 0;
    fresh.station.settings.enabled = row.enabled;
    if (row.policy) fresh.station.install(policy(Direction::In, "10.9.0.0/16", "10.9.0.0/16", Action::None));
    const auto found = classify(fresh.enter(datagram(7)), Direction::Out, nullptr, fresh.parts, fresh.verdicts);
    EXPECT_EQ(found.answer, row.answer) << row.enabled << (row.policy ? " with a policy" : " without");
  }
}

TEST_F(ClassifyTest, RemembersThatThePolicyWasUsedAndCountsLookUps) {
  const spd::Policy& used = add(Action::None);
  const spd::Policy& other = add(Action::None, Direction::In);
  asked(datagram(7));
  asked(udp({kB, 1}, {kA, 2}, {}));
  EXPECT_EQ(used.hits, 1U);
  EXPECT_EQ(other.hits, 0U);
  EXPECT_EQ(w.statistics.spd_lookups, 2U);
  EXPECT_EQ(w.statistics.spd_misses, 1U);
}

TEST_F(ClassifyTest, AnIcmpErrorGoesWithTheTrafficThatItIsAbout) {
  // From a router that no policy names, to A about what A sent to B: the way of B's answers.
  const spd::Policy& answers =
      w.station.install(policy(Direction::In, "10.0.2.0/24", "10.0.1.0/24", {request(Proto::Esp)}));
  ByteVector body(4, 0);
  const ByteVector quoted = datagram(7);
  body.insert(body.end(), quoted.begin(), quoted.end());
  const auto found = asked(icmp(ip("10.7.7.7"), kA, {std::uint8_t{3}, std::uint8_t{1}}, body), Direction::In);
  EXPECT_EQ(found.answer, Answer::Protect);
  EXPECT_EQ(found.policy, &answers);
  EXPECT_EQ(found.flow.source, kB);
  EXPECT_EQ(found.flow.source_port, 7);
  const auto echo = asked(icmp_echo(ip("10.7.7.7"), kA, 1, 1, {}), Direction::In);
  EXPECT_EQ(echo.answer, Answer::Clear) << "an echo is about nothing";
}

TEST_F(ClassifyTest, TheSelectorOfAFragmentIsHiddenWhenTheFirstPolicyForItsAddressesAsksForIt) {
  const auto fragment = [&] { return w.enter(piece(kA, kB, net::protocol::kUdp, ByteVector(16, 1), 800, false)); };
  const auto hidden = [&] { return selector_is_hidden(fragment(), Direction::Out, w.station.spd.latest()); };
  EXPECT_FALSE(hidden()) << "no policy";
  spd::Policy elsewhere = policy(Direction::Out, "10.9.0.0/24", "10.0.2.0/24", Action::None);
  elsewhere.selector.protocol = net::protocol::kTcp;
  w.station.install(elsewhere);
  EXPECT_FALSE(hidden()) << "one for other addresses";

  struct Row {
    const char* what;
    std::uint8_t protocol;
    std::uint16_t source_port, destination_port;
    bool hidden;
  };
  constexpr auto kAny = net::protocol::kAny;
  for (const Row& row : {Row{"anything", kAny, 0, 0, false}, Row{"a protocol", net::protocol::kTcp, 0, 0, true},
                         Row{"a source port", kAny, 25, 0, true}, Row{"a destination port", kAny, 0, 25, true}}) {
    spd::Policy p = policy(Direction::Out, "10.0.1.0/24", "10.0.2.0/24", {request(Proto::Esp)});
    p.selector.protocol = row.protocol;
    p.selector.source_port = row.source_port;
    p.selector.destination_port = row.destination_port;
    const PolicyId id = w.station.install(p).id;
    EXPECT_EQ(hidden(), row.hidden) << row.what;
    EXPECT_FALSE(selector_is_hidden(fragment(), Direction::In, w.station.spd.latest())) << "the other direction's";
    ASSERT_TRUE(w.station.spd.remove(id));
  }
}

TEST_F(ClassifyTest, APolicyBehindOneThatMatchesAnywayHidesNothing) {
  add(Action::Ipsec);
  spd::Policy later = policy(Direction::Out, "10.0.1.0/24", "10.0.2.0/24", Action::None);
  later.selector.protocol = net::protocol::kTcp;
  w.station.install(later);
  const Passage fragment = w.enter(piece(kA, kB, net::protocol::kUdp, ByteVector(16, 1), 800, false));
  EXPECT_FALSE(selector_is_hidden(fragment, Direction::Out, w.station.spd.latest()));
}

}  // namespace
}  // namespace testudo::engine
