#include <set>

#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

namespace pf = wire::pfkey;

class Acquire : public ServerTest {
 protected:
  sad::SaGroup group(sad::SaProtocol protocol) const {
    return {protocol, sad::Mode::Transport, *net::Address::parse("20.0.0.1"), *net::Address::parse("20.0.0.2")};
  }
  Message announced(SaType satype, const AcquireRequest& request) {
    ask(message(Type::Register, satype));
    server.acquire(request, now);
    return next(user);
  }
};

TEST_F(Acquire, TheMessageHasTheKernelsForm) {
  ASSERT_EQ(error_of(policy()), 0);
  const PolicyId id = [&] {
    PolicyId found;
    spd.for_each(spd::Direction::Out, [&found](const spd::Policy& p) { found = p.id; });
    return found;
  }();
  const Message m = announced(SaType::Esp, {.wanted = group(sad::SaProtocol::Esp), .policy = id, .sequence = 42});
  EXPECT_EQ(m.type, Type::Acquire);
  EXPECT_EQ(m.satype, SaType::Esp);
  EXPECT_EQ(m.sequence, 42U);
  EXPECT_EQ(m.pid, 0U);
  EXPECT_EQ(m.order, (std::vector{Ext::AddressSrc, Ext::AddressDst, Ext::Policy, Ext::Proposal}));
  EXPECT_EQ(m.source->prefix_length, 32);
  EXPECT_EQ(m.policy->id, id);
  EXPECT_EQ(m.policy->type, pf::PolicyType::Ipsec);
  EXPECT_EQ(m.policy->direction, pf::Direction::Out);
  EXPECT_TRUE(m.policy->requests.empty());
  EXPECT_EQ(m.proposal->replay, 32);
  for (const pf::Combination& c : m.proposal->combinations) {
    EXPECT_EQ(c.soft.allocations, 1U);
    EXPECT_EQ(c.hard.allocations, 1U);
    EXPECT_EQ(c.soft.addtime, 69120U);
    EXPECT_EQ(c.hard.addtime, 86400U);
    EXPECT_EQ(c.soft.usetime, 23040U);
    EXPECT_EQ(c.hard.usetime, 28800U);
    EXPECT_EQ(c.hard.bytes, 0U);
  }
}

std::set<int> ids(const Message& m, std::uint8_t pf::Combination::*which) {
  std::set<int> out;
  for (const auto& c : m.proposal->combinations) out.insert(c.*which);
  return out;
}

TEST_F(Acquire, AhIsProposedWithTheHmacsOfEnoughBits) {
  const Message all_of_them = announced(SaType::Ah, {.wanted = group(sad::SaProtocol::Ah), .policy = {}});
  EXPECT_EQ(ids(all_of_them, &pf::Combination::auth), (std::set<int>{2, 3, 5, 6, 7}));
  settings.ah_keymin = 256;
  server.acquire({.wanted = group(sad::SaProtocol::Ah), .policy = {}}, now);
  EXPECT_EQ(ids(next(user), &pf::Combination::auth), (std::set<int>{5, 6, 7}));
}

TEST_F(Acquire, EspIsProposedWithEveryCipherThatReachesTheMinimum) {
  const Message m = announced(SaType::Esp, {.wanted = group(sad::SaProtocol::Esp), .policy = {}});
  const auto ciphers = ids(m, &pf::Combination::encrypt);
  for (const int yes : {7, 12, 13, 20, 22}) EXPECT_TRUE(ciphers.contains(yes)) << yes;
  for (const int no : {2, 3, 6, 11}) EXPECT_FALSE(ciphers.contains(no)) << no;
  for (const auto& c : m.proposal->combinations) {
    EXPECT_GE(c.encrypt_minbits, 256);
    EXPECT_EQ(c.auth, 0);
  }
}

TEST_F(Acquire, EspKeyminMovesThatMinimum) {
  announced(SaType::Esp, {.wanted = group(sad::SaProtocol::Esp), .policy = {}});
  settings.esp_keymin = 64;
  server.acquire({.wanted = group(sad::SaProtocol::Esp), .policy = {}}, now);
  const auto weak = ids(next(user), &pf::Combination::encrypt);
  for (const int yes : {2, 3, 6, 7, 12}) EXPECT_TRUE(weak.contains(yes)) << yes;
  settings.esp_keymin = 300;
  server.acquire({.wanted = group(sad::SaProtocol::Esp), .policy = {}}, now);
  const auto strong = ids(next(user), &pf::Combination::encrypt);
  EXPECT_TRUE(strong.contains(7)) << "Blowfish, 448 bits";
  EXPECT_FALSE(strong.contains(12));
}

TEST_F(Acquire, EspIsMultipliedByAuthenticatorsWhenAskedFor) {
  settings.esp_auth = 1;
  const Message m = announced(SaType::Esp, {.wanted = group(sad::SaProtocol::Esp), .policy = {}});
  std::size_t aes = 0;
  for (const auto& c : m.proposal->combinations) {
    if (c.encrypt == kAes) ++aes;
    if (c.encrypt != kGcm16) continue;
    EXPECT_EQ(c.auth, 0) << "an AEAD has its own";
  }
  EXPECT_EQ(aes, 5U);
}

TEST_F(Acquire, IpcompIsProposedWithDeflate) {
  const Message m = announced(SaType::Ipcomp, {.wanted = group(sad::SaProtocol::Ipcomp), .policy = {}});
  ASSERT_EQ(m.proposal->combinations.size(), 1U);
  EXPECT_EQ(m.proposal->combinations[0].encrypt, 2);
}

TEST_F(Acquire, OnlyThoseRegisteredForTheTypeAreAsked) {
  const ClientId for_ah = server.connect(true), idle = server.connect(true);
  ask(for_ah, message(Type::Register, SaType::Ah));
  announced(SaType::Esp, {.wanted = group(sad::SaProtocol::Esp), .policy = {}});
  EXPECT_TRUE(silent(for_ah));
  EXPECT_TRUE(silent(idle));
}

TEST_F(Acquire, AHeaderAloneSaysThatTheDaemonGaveUp) {
  Message m = message(Type::Acquire, SaType::Esp);
  m.sequence = 42;
  m.error = 110;
  server.receive(user, pf::compose(m), now);
  EXPECT_EQ(answered, (std::vector<std::uint32_t>{42}));
  EXPECT_TRUE(silent(user)) << "there is no answer";
  m.sequence = 0;
  server.receive(user, pf::compose(m), now);
  EXPECT_EQ(answered.size(), 1U);
  EXPECT_TRUE(silent(user));
}

TEST_F(Acquire, AUserCanAskTheDaemonsForAnSa) {
  const ClientId daemon = server.connect(true);
  ask(daemon, message(Type::Register, SaType::Esp));
  Message m = between(Type::Acquire, SaType::Esp);
  m.proposal = pf::ProposalExt{};
  server.receive(user, pf::compose(m), now);
  const Message asked = next(daemon);
  EXPECT_EQ(asked.type, Type::Acquire);
  EXPECT_EQ(asked.sequence, 7U);
  EXPECT_EQ(asked.order, (std::vector{Ext::AddressSrc, Ext::AddressDst, Ext::Proposal}));
  EXPECT_TRUE(silent(user));
  ASSERT_EQ(error_of(esp()), 0);
  EXPECT_EQ(error_of(m), EEXIST) << "now there is one";
}

TEST_F(Acquire, ANewMappingTellsTheOldEndAndTheNew) {
  Message m = esp();
  m.nat_t_type = pf::kEncapEspInUdp;
  m.nat_t_sport = 4500;
  m.nat_t_dport = 4500;
  ASSERT_EQ(error_of(m), 0);
  ask(message(Type::Register, SaType::Esp));
  const sad::Sa* sa = sad.inbound(sad::SaProtocol::Esp, *net::Address::parse("20.0.0.2"), Spi{0x1000});
  ASSERT_NE(sa, nullptr);
  server.new_mapping(*sa, {*net::Address::parse("20.0.0.77"), 61000});
  const Message told = next(user);
  EXPECT_EQ(told.type, Type::NatTNewMapping);
  EXPECT_EQ(told.order, (std::vector{Ext::Sa, Ext::AddressSrc, Ext::NatTSport, Ext::AddressDst, Ext::NatTDport}));
  EXPECT_EQ(told.source->endpoint.address.to_string(), "20.0.0.1");
  EXPECT_EQ(told.nat_t_sport, 4500);
  EXPECT_EQ(told.destination->endpoint.address.to_string(), "20.0.0.77");
  EXPECT_EQ(told.nat_t_dport, 61000);
}

TEST_F(Acquire, ANewMappingFromAUserIsTakenInSilence) {
  Message m = esp(0x1000, Type::NatTNewMapping);
  m.encrypt_key.reset();
  m.auth_key.reset();
  m.nat_t_type = pf::kEncapEspInUdp;
  m.nat_t_sport = 4500;
  m.nat_t_dport = 61000;
  server.receive(user, pf::compose(m), now);
  EXPECT_TRUE(silent(user));
}

}  // namespace
}  // namespace testudo::pfkey::server
