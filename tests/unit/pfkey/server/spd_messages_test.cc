#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

namespace pf = wire::pfkey;

class SpdMessages : public ServerTest {
 protected:
  std::vector<Message> dump() {
    server.receive(user, pf::compose(message(Type::SpdDump)), now);
    return all(user);
  }
};

Message to(const char* destination, Type type = Type::SpdAdd) {
  Message m = policy(type);
  m.destination = address(destination, 24);
  return m;
}

Message inward(Message m) {
  m.policy->direction = pf::Direction::In;
  return m;
}

TEST_F(SpdMessages, AddAnswersWithPolicyLifetimeAndAddresses) {
  Message m = policy();
  m.hard = pf::LifetimeExt{.addtime = 100, .usetime = 50};
  const Message reply = ask(m);
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.order, (std::vector{Ext::Policy, Ext::LifetimeHard, Ext::AddressSrc, Ext::AddressDst}));
  EXPECT_NE(reply.policy->id, PolicyId{});
  const spd::Policy* stored = spd.find(reply.policy->id);
  ASSERT_NE(stored, nullptr);
  EXPECT_EQ(stored->lifetime, 100U);
  EXPECT_EQ(stored->validtime, 50U);
  EXPECT_EQ(stored->created, now);
  EXPECT_FALSE(stored->made_by_system);
  EXPECT_EQ(stored->selector.source.to_string(), "10.0.1.0/24");
  EXPECT_EQ(policy_changes, 1);
}

TEST_F(SpdMessages, EveryPartOfASelectorCounts) {
  ASSERT_EQ(error_of(policy()), 0);
  EXPECT_EQ(error_of(inward(policy())), 0) << "direction";
  EXPECT_EQ(error_of(with(policy(), [](Message& m) { m.source->prefix_length = 25; })), 0) << "prefix length";
  EXPECT_EQ(error_of(with(policy(), [](Message& m) { m.source->endpoint.port = 80; })), 0) << "source port";
  EXPECT_EQ(error_of(with(policy(), [](Message& m) { m.destination->endpoint.port = 80; })), 0) << "destination port";
  EXPECT_EQ(error_of(with(policy(), [](Message& m) { m.source->protocol = m.destination->protocol = 6; })), 0)
      << "protocol";
  EXPECT_EQ(error_of(with(policy(), [](Message& m) { m.policy->requests = {transport()}; })), EEXIST)
      << "what is done with the packets does not";
}

Message of_prefixes(Type type, const char* source, const char* destination) {
  const auto ext = [](const char* text) {
    const auto prefix = *net::Prefix::parse(text);
    return pf::AddressExt{{prefix.address, 0}, 255, static_cast<std::uint8_t>(prefix.length)};
  };
  Message m = policy(type);
  m.source = ext(source);
  m.destination = ext(destination);
  m.policy->requests = {transport()};
  return m;
}

// What could only be dropped is no policy, whoever asks for it: an opened packet comes in where no such address is.
TEST_F(SpdMessages, PacketsBetweenLinkLocalAddressesAreNotForIpsec) {
  for (const Type type : {Type::SpdAdd, Type::SpdUpdate, Type::SpdSetIdx}) {
    for (const auto& [source, destination] :
         {std::pair{"fe80::1", "fe80::2"}, {"fe80::/10", "fe80::1"}, {"fe80::1%2", "fe80::/64"}}) {
      for (const auto& way : {of_prefixes(type, source, destination), inward(of_prefixes(type, source, destination))}) {
        refusals.clear();
        EXPECT_EQ(error_of(way), EOPNOTSUPP) << source << " " << destination;
        ASSERT_EQ(refusals.size(), 1U);
        EXPECT_EQ(refusals[0].find("a policy for packets from fe80::"), 0U) << refusals[0];
      }
    }
  }
  EXPECT_EQ(spd.size(), 0U);
  EXPECT_EQ(policy_changes, 0);
}

TEST_F(SpdMessages, OtherPoliciesMayNameAndDeleteLinkLocalAddresses) {
  const auto is = [](pf::PolicyType type, Message m) {
    m.policy->type = type;
    m.policy->requests.clear();
    return m;
  };
  Message ends = of_prefixes(Type::SpdAdd, "fd00::1", "fd00::2");
  ends.policy->requests = {tunnel("fe80::1%2", "fe80::2%2")};
  const Message all[] = {is(pf::PolicyType::None, of_prefixes(Type::SpdAdd, "fe80::/10", "fe80::/10")),
                         is(pf::PolicyType::Discard, of_prefixes(Type::SpdAdd, "fe80::/11", "fe80::/10")),
                         of_prefixes(Type::SpdAdd, "fe80::/10", "ff02::5"),
                         of_prefixes(Type::SpdAdd, "::/0", "::/0"),
                         of_prefixes(Type::SpdAdd, "fe80::/9", "fe80::1"),
                         std::move(ends)};
  for (const Message& m : all) EXPECT_EQ(error_of(m), 0) << m.source->prefix().to_string();
  EXPECT_EQ(error_of(of_prefixes(Type::SpdDelete, "fe80::/10", "fe80::/10")), 0);
  EXPECT_TRUE(refusals.empty());
}

// OpenIKED sends SPDUPDATE for `fwd` and for `in`.
TEST_F(SpdMessages, WhatLinuxSaysOfForwardedPacketsIsSaidOfAllThatComeIn) {
  Message forwarded = policy(Type::SpdUpdate);
  forwarded.policy->direction = pf::Direction::Fwd;
  const Message reply = ask(forwarded);
  ASSERT_EQ(reply.error, 0);
  EXPECT_EQ(reply.policy->direction, pf::Direction::In);
  EXPECT_EQ(error_of(inward(policy(Type::SpdUpdate))), 0);
  const auto shown = dump();
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].policy->direction, pf::Direction::In);
  for (const Type type : {Type::SpdAdd, Type::SpdUpdate}) {
    Message weaker =
        with(pf::clone(forwarded), [type](Message& m) { m.type = type, m.policy->type = pf::PolicyType::None; });
    weaker.policy->requests.clear();
    const Message left = ask(weaker);
    EXPECT_EQ(left.error, 0);
    EXPECT_EQ(left.policy->type, shown[0].policy->type) << "the inbound policy stays";
  }
  ASSERT_EQ(spd.size(), 1U);
  forwarded.type = Type::SpdDelete;
  EXPECT_EQ(error_of(forwarded), 0);
  EXPECT_EQ(spd.size(), 0U);
}

TEST_F(SpdMessages, AUserCannotMakeASystemPolicyOrChooseAnId) {
  Message m = policy();
  m.policy->flags = pf::kPolicyFlagKernel;
  m.policy->id = PolicyId{0xdead};
  const Message reply = ask(m);
  EXPECT_EQ(reply.policy->flags, 0);
  EXPECT_NE(reply.policy->id, PolicyId{0xdead});
}

TEST_F(SpdMessages, AnAllocatedReqidIsSeenInTheReply) {
  Message m = policy();
  m.policy->requests[0].level = pf::Level::Unique;
  const Message reply = ask(m);
  EXPECT_GT(reply.policy->requests.at(0).reqid.value, pf::kManualReqIdMax);
  EXPECT_EQ(dump().at(0).policy->requests.at(0).reqid, reply.policy->requests.at(0).reqid);
}

TEST_F(SpdMessages, AManualReqidIsKeptAndThatOfAnotherLevelDropped) {
  Message m = policy();
  m.policy->requests = {tunnel(), transport(51)};
  m.policy->requests[0].level = pf::Level::Unique;
  m.policy->requests[0].reqid = ReqId{77};
  m.policy->requests[1].reqid = ReqId{78};
  const Message reply = ask(m);
  EXPECT_EQ(reply.policy->requests.at(0).reqid, ReqId{77});
  EXPECT_EQ(reply.policy->requests.at(1).reqid, ReqId{});
}

TEST_F(SpdMessages, TunnelsMayCarryTheOtherFamily) {
  Message m = policy();
  m.policy->requests = {tunnel("fd00::1", "fd00::2")};
  EXPECT_EQ(error_of(m), 0);
}

TEST_F(SpdMessages, RequestsOfAPolicyThatDoesNotProtectAreDropped) {
  Message m = policy();
  m.policy->type = pf::PolicyType::Discard;
  EXPECT_TRUE(ask(m).policy->requests.empty());
}

TEST_F(SpdMessages, UpdateKeepsItsPlaceAndItsId) {
  const PolicyId first = ask(to("10.0.2.0")).policy->id;
  ask(to("10.0.3.0"));
  Message m = to("10.0.2.0", Type::SpdUpdate);
  m.policy->requests = {transport(51)};
  const Message reply = ask(m);
  EXPECT_EQ(reply.error, 0);
  const auto shown = dump();
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[0].destination->endpoint.address.to_string(), "10.0.2.0");
  EXPECT_EQ(shown[0].policy->requests.at(0).protocol, 51);
  EXPECT_EQ(shown[0].policy->id, first);
}

TEST_F(SpdMessages, WhatTheHostDoesNotFollowYetIsSaidToWhoChangedIt) {
  const ClientId other = server.connect(true);
  for (const Message& m : {to("10.0.2.0"), to("10.0.2.0"), message(Type::Flush), message(Type::SpdFlush)}) {
    server.receive(user, wire::pfkey::compose(m), now);
  }
  server.settle(false);
  std::vector<int> heard;
  for (const Message& m : all(user)) heard.push_back(m.error);
  EXPECT_EQ(heard, (std::vector<int>{EINPROGRESS, EEXIST, 0, EINPROGRESS}))
      << "added, there already, of the SAD, flushed";
  for (const Message& m : all(other)) EXPECT_EQ(m.error, 0) << "others hear what the SPD is";
}

TEST_F(SpdMessages, WhatIsSettledIsNotTakenBack) {
  server.receive(user, wire::pfkey::compose(to("10.0.2.0")), now);
  server.settle(true);
  server.settle(false);
  EXPECT_EQ(next(user).error, 0);
  server.receive(user, wire::pfkey::compose(to("10.0.3.0")), now);
  server.receive(user, wire::pfkey::compose(to("10.0.4.0")), now);
  EXPECT_EQ(next(user).error, 0) << "read before anybody settled it";
  server.settle(false);
  EXPECT_EQ(next(user).error, 0);
}

TEST_F(SpdMessages, UpdateOfNothingAdds) {
  EXPECT_EQ(error_of(policy(Type::SpdUpdate)), 0);
  EXPECT_EQ(spd.size(), 1U);
}

TEST_F(SpdMessages, SetIdxMayLackRequests) {
  Message m = policy(Type::SpdSetIdx);
  m.policy->requests.clear();
  EXPECT_EQ(error_of(m), 0);
}

TEST_F(SpdMessages, DeleteAnswersWithTheRequestAndTheId) {
  const PolicyId id = ask(policy()).policy->id;
  Message m = policy(Type::SpdDelete);
  m.order = {Ext::Policy, Ext::AddressSrc, Ext::AddressDst};
  const Message reply = ask(m);
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.policy->id, id);
  EXPECT_EQ(reply.order, m.order);
  EXPECT_EQ(spd.size(), 0U);
  EXPECT_EQ(policy_changes, 2);
}

TEST_F(SpdMessages, DeleteIsOfOneDirection) {
  ask(policy());
  EXPECT_EQ(error_of(inward(policy(Type::SpdDelete))), EINVAL);
  EXPECT_EQ(spd.size(), 1U);
}

TEST_F(SpdMessages, DeleteByIdAnswersWithThePolicyAlone) {
  const PolicyId id = ask(policy()).policy->id;
  Message m = message(Type::SpdDelete2);
  m.policy = pf::PolicyExt{};
  m.policy->id = id;
  const Message reply = ask(m);
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.order, (std::vector{Ext::Policy}));
  EXPECT_EQ(spd.size(), 0U);
}

TEST_F(SpdMessages, GetShowsAddressesThenPolicy) {
  const PolicyId id = ask(policy()).policy->id;
  Message m = message(Type::SpdGet);
  m.policy = pf::PolicyExt{};
  m.policy->id = id;
  const Message reply = ask(m);
  EXPECT_EQ(reply.order, (std::vector{Ext::AddressSrc, Ext::AddressDst, Ext::Policy}));
  EXPECT_EQ(reply.policy->requests.size(), 1U);
  EXPECT_EQ(reply.sequence, 7U);
}

TEST_F(SpdMessages, SystemPoliciesAreShownButNotTouched) {
  spd::Policy system;
  system.selector.source = *net::Prefix::parse("20.0.0.1");
  system.selector.destination = *net::Prefix::parse("20.0.0.2");
  system.made_by_system = true;
  const auto installed = spd.add(system);
  ASSERT_TRUE(installed);
  const PolicyId id = (*installed)->id;

  Message by_id = message(Type::SpdDelete2);
  by_id.policy = pf::PolicyExt{};
  by_id.policy->id = id;
  EXPECT_EQ(error_of(by_id), EINVAL);
  Message by_selector = policy(Type::SpdDelete);
  by_selector.source = address("20.0.0.1");
  by_selector.destination = address("20.0.0.2");
  EXPECT_EQ(error_of(by_selector), EINVAL);
  EXPECT_EQ(error_of(message(Type::SpdFlush)), 0);
  const auto shown = dump();
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].policy->flags, pf::kPolicyFlagKernel);
}

TEST_F(SpdMessages, TheDumpShowsInThenOutInListOrderAndCountsDown) {
  ask(to("10.0.2.0"));
  ask(inward(to("10.0.3.0")));
  ask(to("10.0.4.0"));
  ask(inward(to("10.0.5.0")));
  const auto shown = dump();
  ASSERT_EQ(shown.size(), 4U);
  const std::vector<std::string> order{"10.0.3.0", "10.0.5.0", "10.0.2.0", "10.0.4.0"};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(shown[i].destination->endpoint.address.to_string(), order[i]);
    EXPECT_EQ(shown[i].sequence, 3 - i);
    EXPECT_EQ(shown[i].pid, 4711U);
    EXPECT_EQ(shown[i].order, (std::vector{Ext::AddressSrc, Ext::AddressDst, Ext::Policy}));
  }
}

TEST_F(SpdMessages, PriorityAndPortsAreShownAsGiven) {
  Message m = policy();
  m.policy->priority = 0x80000000;
  m.source = address("10.0.1.7", 24, 110, 6);
  m.destination = address("10.0.2.0", 24, 0, 6);
  ask(m);
  const auto listed = dump();
  const Message& shown = listed.at(0);
  EXPECT_EQ(shown.policy->priority, 0x80000000U);
  EXPECT_EQ(shown.source->endpoint.port, 110);
  EXPECT_EQ(shown.source->protocol, 6);
  EXPECT_EQ(shown.source->prefix().to_string(), "10.0.1.7/24") << "the bits beyond the prefix too";
}

TEST_F(SpdMessages, FlushAnswersWithItsHeader) {
  ask(policy());
  const Message reply = ask(message(Type::SpdFlush));
  EXPECT_EQ(reply.error, 0);
  EXPECT_TRUE(reply.order.empty());
  EXPECT_EQ(spd.size(), 0U);
}

}  // namespace
}  // namespace testudo::pfkey::server
