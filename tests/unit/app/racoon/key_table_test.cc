// racoon's side of PF_KEY against a testudod that the test plays.
#include "app/racoon/key_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "io/unix_socket.h"

namespace testudo::app {
namespace {

using wire::pfkey::Direction;
using wire::pfkey::Message;
using wire::pfkey::Mode;
using wire::pfkey::Type;

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

net::Selector selector(const char* source, const char* destination, std::uint8_t protocol = net::protocol::kAny,
                       std::uint16_t source_port = 0) {
  return {*net::Prefix::parse(source), *net::Prefix::parse(destination), protocol, source_port, 0};
}

/// A directory with a pfkey.sock, and whoever has connected to it.
class Table : public testing::Test {
 protected:
  Table() {
    std::string name = testing::TempDir() + "tdo-key-table-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    listener_.emplace(*io::SeqPacketListener::listen(directory_ + "/pfkey.sock", 0600));
    auto opened = KeyTable::open(directory_, [this](const std::string& text) { complaints.push_back(text); });
    EXPECT_TRUE(opened);
    table.emplace(*std::move(opened));
    testudod_.emplace(*listener_->accept());
  }
  /// As a program that comes after one that was killed.
  void reopen() {
    table.reset();
    testudod_.reset();
    auto opened = KeyTable::open(directory_, [this](const std::string& text) { complaints.push_back(text); });
    EXPECT_TRUE(opened);
    table.emplace(*std::move(opened));
    testudod_.emplace(*listener_->accept());
  }
  ~Table() override {
    listener_.reset();
    ::rmdir(directory_.c_str());
  }

  /// All that racoon has sent.
  std::vector<Message> heard() {
    std::vector<Message> all;
    while (true) {
      const auto bytes = testudod_->receive();
      if (!bytes || bytes->empty()) return all;
      all.push_back(*wire::pfkey::parse(*bytes));
    }
  }
  void tell(const Message& message) {
    EXPECT_EQ(testudod_->send(wire::pfkey::compose(message)), io::SeqPacket::Sent::Whole);
  }
  /// What becomes of a message of testudod.
  std::vector<ike::Event> say(const Message& message) {
    tell(message);
    std::vector<ike::Event> events;
    EXPECT_TRUE(table->read([&](const ike::Event& event) { events.push_back(event); }));
    return events;
  }
  void add_policy(std::uint32_t id, const net::Selector& s, Mode mode = Mode::Transport) {
    EXPECT_TRUE(say(policy_message(id, s, mode)).empty());
  }
  static Message policy_message(std::uint32_t id, const net::Selector& s, Mode mode = Mode::Transport) {
    Message m;
    m.type = Type::SpdAdd;
    m.source = {{s.source.address, s.source_port}, s.protocol, static_cast<std::uint8_t>(s.source.length)};
    m.destination = {{s.destination.address, 0}, s.protocol, static_cast<std::uint8_t>(s.destination.length)};
    m.policy.emplace();
    m.policy->type = wire::pfkey::PolicyType::Ipsec;
    m.policy->direction = Direction::Out;
    m.policy->id = PolicyId{id};
    wire::pfkey::RequestExt request{50, mode, wire::pfkey::Level::Require, ReqId{}, {}, {}};
    if (mode == Mode::Tunnel)
      request.source = {address("192.0.2.1"), 0}, request.destination = {address("192.0.2.2"), 0};
    m.policy->requests = {request};
    return m;
  }
  static Message answer_to(const Message& question, std::uint8_t error = 0) {
    Message m;
    m.type = question.type;
    m.satype = question.satype;
    m.sequence = question.sequence;
    m.pid = question.pid;
    m.error = error;
    m.source = question.source;
    m.destination = question.destination;
    m.sa = wire::pfkey::SaExt{.spi = Spi{0x1234}};
    return m;
  }
  static Message acquire(std::uint32_t sequence, std::uint32_t policy) {
    Message m;
    m.type = Type::Acquire;
    m.satype = wire::pfkey::SaType::Esp;
    m.sequence = sequence;
    m.source = {{address("192.0.2.1"), 0}, 255, 32};
    m.destination = {{address("192.0.2.2"), 0}, 255, 32};
    m.policy.emplace();
    m.policy->type = wire::pfkey::PolicyType::Ipsec;
    m.policy->direction = Direction::Out;
    m.policy->id = PolicyId{policy};
    return m;
  }

  std::vector<std::string> complaints;
  std::optional<KeyTable> table;

 private:
  std::string directory_;
  std::optional<io::SeqPacketListener> listener_;
  std::optional<io::SeqPacket> testudod_;
};
using RacoonKeyTable = Table;

TEST_F(RacoonKeyTable, RegistersAndAsksForThePolicies) {
  const auto sent = heard();
  ASSERT_EQ(sent.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(sent[i].type, Type::Register);
  EXPECT_EQ(sent[3].type, Type::SpdDump);
}

TEST_F(RacoonKeyTable, AcquireIsForThePairOfHostsThatWaits) {
  add_policy(7, selector("192.0.2.1", "0.0.0.0/0", 6, 110));
  const auto events = say(acquire(41, 7));
  ASSERT_EQ(events.size(), 1U);
  const auto& wanted = std::get<ike::Wanted>(events[0]).request;
  EXPECT_EQ(wanted.acquire_sequence, 41U);
  EXPECT_EQ(wanted.outbound, selector("192.0.2.1", "192.0.2.2", 6, 110)) << "not for all clients of the server";
  EXPECT_TRUE(say(acquire(42, 8)).empty()) << "no such policy";
}

TEST_F(RacoonKeyTable, AcquireThatComesBeforeItsPolicyIsKnownWaitsForIt) {
  tell(acquire(41, 7));
  Message dumped = policy_message(7, selector("192.0.2.1", "192.0.2.2"));
  dumped.type = Type::SpdDump;
  dumped.pid = static_cast<std::uint32_t>(::getpid());
  dumped.sequence = 1;
  tell(dumped);
  EXPECT_FALSE(table->await_policies(std::chrono::milliseconds{20})) << "there is another one to come";
  dumped.policy->id = PolicyId{8};
  dumped.sequence = 0;
  tell(dumped);
  ASSERT_TRUE(table->await_policies());
  const auto events = say(acquire(42, 8));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(std::get<ike::Wanted>(events[0]).request.acquire_sequence, 41U);
  EXPECT_EQ(std::get<ike::Wanted>(events[1]).request.acquire_sequence, 42U);
}

TEST_F(RacoonKeyTable, KnowsThatThereAreNoPolicies) {
  Message none;
  none.type = Type::SpdDump;
  none.pid = static_cast<std::uint32_t>(::getpid());
  none.error = ENOENT;
  tell(none);
  EXPECT_TRUE(table->await_policies());
}

TEST_F(RacoonKeyTable, PolicyThatHoldsThePeersNetworksServesInTransportModeOnly) {
  const auto local = address("192.0.2.1"), remote = address("192.0.2.2");
  add_policy(7, selector("192.0.2.1", "0.0.0.0/0", 6, 110));
  add_policy(8, selector("10.1.0.0/16", "10.2.0.0/16"), Mode::Tunnel);
  const auto asked = selector("192.0.2.1", "192.0.2.2", 6, 110);
  const auto found = table->find(asked, local, remote);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->outbound, asked);
  EXPECT_FALSE(table->find(selector("192.0.2.1", "192.0.2.2", 6, 111), local, remote)) << "another port";
  EXPECT_FALSE(table->find(selector("192.0.2.1", "192.0.2.2", 17, 110), local, remote)) << "another protocol";
  EXPECT_FALSE(table->find(selector("192.0.2.0/24", "192.0.2.2", 6, 110), local, remote)) << "more than it holds";
  EXPECT_TRUE(table->find(selector("10.1.0.0/16", "10.2.0.0/16"), local, remote));
  EXPECT_FALSE(table->find(selector("10.1.1.0/24", "10.2.0.0/16"), local, remote)) << "a tunnel is for all of it";
  EXPECT_FALSE(table->find(selector("10.1.0.0/16", "10.2.0.0/16"), local, address("192.0.2.3"))) << "another peer";
}

TEST_F(RacoonKeyTable, AnswersReachTheChildThatAsked) {
  heard();
  const auto ask = [&](std::uint32_t child) {
    table->allocate({ike::ChildId{child}, 0, {}, address("192.0.2.2"), address("192.0.2.1")});
    auto sent = heard();
    return std::move(sent.at(0));
  };
  const Message first = ask(1), second = ask(2);
  EXPECT_GE(first.sequence, 0x80000000U) << "apart from ACQUIREs";
  EXPECT_NE(first.sequence, second.sequence);
  auto events = say(answer_to(second));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<ike::SpiAllocated>(events[0]).child, ike::ChildId{2});
  EXPECT_TRUE(say(answer_to(second)).empty()) << "once";
  Message strange = answer_to(first);
  strange.pid = 1;
  EXPECT_TRUE(say(strange).empty()) << "another program's";
  events = say(answer_to(first, ENOMEM));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<ike::SpiRefused>(events[0]).child, ike::ChildId{1});
}

TEST_F(RacoonKeyTable, RefusedSaIsToldAndNumbersOfAcquiresAreKept) {
  heard();
  ike::ChildSa sa;
  sa.direction = ike::ChildSa::Direction::Out;
  sa.child = ike::ChildId{5};
  sa.source = address("192.0.2.1");
  sa.destination = address("192.0.2.2");
  for (const std::uint32_t acquire : {41U, 0U, 0x80000005U}) {
    sa.acquire_sequence = acquire;
    table->install(sa);
    const auto sent = heard();
    ASSERT_EQ(sent.size(), 1U);
    const Message& add = sent[0];
    EXPECT_EQ(add.type, Type::Add);
    EXPECT_EQ(add.sequence == acquire, acquire == 41) << acquire;
    const auto events = say(answer_to(add, EEXIST));
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<ike::InstallRefused>(events[0]).child, ike::ChildId{5});
  }
}

TEST_F(RacoonKeyTable, TheSizeAtWhichPacketsAreCutGoesWithEspInUdp) {
  heard();
  ike::ChildSa sa;
  sa.source = address("192.0.2.1");
  sa.destination = address("192.0.2.2");
  table->install(sa);
  sa.udp = ike::ChildSa::Udp{.source = 4500, .destination = 4500};
  table->install(sa);
  sa.udp->fragment_size = 552;
  table->install(sa);
  const auto sent = heard();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_FALSE(sent[0].nat_t_frag);
  EXPECT_FALSE(sent[1].nat_t_frag) << "where nothing is to be cut there is nothing to say";
  EXPECT_EQ(sent[2].nat_t_frag, 552);
}

TEST_F(RacoonKeyTable, AChildIsBeingInstalledUntilItsInboundSasAreAnsweredFor) {
  heard();
  ike::ChildSa sa;
  sa.child = ike::ChildId{7};
  sa.terms.mac = crypto::mac_by_name("hmac-sha1");
  sa.source = address("192.0.2.2");
  sa.destination = address("192.0.2.1");
  EXPECT_FALSE(table->is_installing(sa.child));
  table->install(sa);
  sa.item.protocol = ike::ChildProtocol::Ah;
  table->install(sa);
  sa.direction = ike::ChildSa::Direction::Out;
  table->install(sa);
  const auto sent = heard();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_TRUE(table->is_installing(sa.child));
  EXPECT_FALSE(table->is_installing(ike::ChildId{8}));
  say(answer_to(sent[0]));
  EXPECT_TRUE(table->is_installing(sa.child)) << "of two protocols";
  Message of_another = answer_to(sent[1]);
  ++of_another.pid;
  say(of_another);
  EXPECT_TRUE(table->is_installing(sa.child));
  say(answer_to(sent[1], EINVAL));
  EXPECT_FALSE(table->is_installing(sa.child)) << "what goes out is nobody's to wait for";
}

TEST_F(RacoonKeyTable, WhatOthersRemoveIsAnEvent) {
  Message flush;
  flush.type = Type::Flush;
  flush.pid = 1;
  ASSERT_EQ(say(flush).size(), 1U);
  flush.pid = static_cast<std::uint32_t>(::getpid());
  EXPECT_TRUE(say(flush).empty()) << "its own";
}

ike::MakePolicy wish_for(const net::Selector& outbound, bool unique) {
  ike::MakePolicy wish;
  wish.child = ike::ChildId{9};
  wish.request = {0,
                  address("192.0.2.1"),
                  address("192.0.2.9"),
                  outbound,
                  {{ike::ChildProtocol::Esp, ike::Encapsulation::Tunnel, ReqId{}}}};
  wish.unique = unique;
  wish.seconds = 100;
  return wish;
}

/// As testudod answers: with an id, and a reqid for what is unique.
Message stored(Message question, std::uint32_t id) {
  question.policy->id = PolicyId{id};
  for (auto& request : question.policy->requests) {
    if (request.level == wire::pfkey::Level::Unique && request.reqid == ReqId{}) request.reqid = ReqId{0x4000 + id};
  }
  return question;
}

const net::Selector kWarrior = {*net::Prefix::parse("10.9.0.0/24"), *net::Prefix::parse("10.0.1.5/32")};

TEST_F(RacoonKeyTable, MakesPoliciesOfBothDirections) {
  heard();
  table->make_policy(wish_for(kWarrior, true));
  auto sent = heard();
  ASSERT_EQ(sent.size(), 2U);
  for (const bool in : {false, true}) {
    const Message& m = sent[in ? 1 : 0];
    EXPECT_EQ(m.type, Type::SpdAdd);
    EXPECT_EQ(m.policy->direction, in ? Direction::In : Direction::Out);
    EXPECT_EQ((in ? m.destination : m.source)->prefix(), kWarrior.source);
    EXPECT_EQ((in ? m.source : m.destination)->prefix(), kWarrior.destination);
    const auto& request = m.policy->requests.at(0);
    EXPECT_EQ(request.level, wire::pfkey::Level::Unique);
    EXPECT_EQ((in ? request.destination : request.source)->address, address("192.0.2.1"));
    EXPECT_EQ((in ? request.source : request.destination)->address, address("192.0.2.9"));
    EXPECT_EQ(m.hard->addtime, 100U);
  }
  EXPECT_TRUE(say(stored(wire::pfkey::clone(sent[0]), 21)).empty()) << "one is not enough";
  const auto events = say(stored(wire::pfkey::clone(sent[1]), 22));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<ike::PolicyMade>(events[0]).child, ike::ChildId{9});
  const auto request = table->find(kWarrior, address("192.0.2.1"), address("192.0.2.9"));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->items.at(0).reqid, ReqId{0x4015});
  EXPECT_EQ(request->items.at(0).reqid_in, ReqId{0x4016});
  EXPECT_EQ(table->in_the_way(kWarrior), "") << "it is no administrator's";
  table->make_policy(wish_for(kWarrior, true));
  sent = heard();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].type, Type::SpdUpdate);
  EXPECT_EQ(sent[0].policy->requests.at(0).reqid, ReqId{0x4015}) << "its SAs go on";
  EXPECT_EQ(sent[1].policy->requests.at(0).reqid, ReqId{0x4016});
  table->drop_policy(kWarrior);
  sent = heard();
  ASSERT_EQ(sent.size(), 2U);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_EQ(sent[i].type, Type::SpdDelete2);
    EXPECT_EQ(sent[i].policy->id, PolicyId{static_cast<std::uint32_t>(21 + i)});
  }
  table->drop_policy(kWarrior);
  EXPECT_TRUE(heard().empty()) << "it is gone";
}

TEST_F(RacoonKeyTable, OnePolicyThatIsRefusedTakesTheOtherWithIt) {
  heard();
  table->make_policy(wish_for(kWarrior, false));
  auto sent = heard();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].policy->requests.at(0).level, wire::pfkey::Level::Require);
  say(stored(wire::pfkey::clone(sent[0]), 31));
  Message refusal;
  refusal.type = Type::SpdAdd;
  refusal.sequence = sent[1].sequence;
  refusal.pid = sent[1].pid;
  refusal.error = EEXIST;
  const auto events = say(refusal);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<ike::PolicyRefused>(events[0]).why, "File exists");
  sent = heard();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].type, Type::SpdDelete2);
  EXPECT_EQ(sent[0].policy->id, PolicyId{31});
}

TEST_F(RacoonKeyTable, PoliciesThatTheHostDoesNotFollowAreTakenBack) {
  heard();
  table->make_policy(wish_for(kWarrior, false));
  auto sent = heard();
  ASSERT_EQ(sent.size(), 2U);
  std::vector<ike::Event> events;
  for (const std::uint32_t i : {0U, 1U}) {
    Message answer = stored(wire::pfkey::clone(sent[i]), 61 + i);
    answer.error = EINPROGRESS;
    events = say(answer);
  }
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<ike::PolicyRefused>(events[0]));
  sent = heard();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].policy->id, PolicyId{61});
  EXPECT_EQ(sent[1].policy->id, PolicyId{62});
}

TEST_F(RacoonKeyTable, PolicyThatSomebodyElseUpdatesIsTheirsFromThen) {
  heard();
  table->make_policy(wish_for(kWarrior, false));
  const auto sent = heard();
  ASSERT_EQ(sent.size(), 2U);
  say(stored(wire::pfkey::clone(sent[0]), 41));
  say(stored(wire::pfkey::clone(sent[1]), 42));
  Message update = stored(wire::pfkey::clone(sent[0]), 41);
  update.type = Type::SpdUpdate;
  update.pid = 1;
  EXPECT_EQ(say(update).size(), 1U);
  EXPECT_NE(table->in_the_way(kWarrior), "");
  table->drop_policy(kWarrior);
  const auto dropped = heard();
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_EQ(dropped[0].policy->id, PolicyId{42}) << "not theirs";
}

TEST_F(RacoonKeyTable, AFailedRenewalLeavesThePolicyThatIsInUse) {
  heard();
  table->make_policy(wish_for(kWarrior, false));
  auto sent = heard();
  ASSERT_EQ(sent.size(), 2U);
  say(stored(wire::pfkey::clone(sent[0]), 51));
  say(stored(wire::pfkey::clone(sent[1]), 52));
  table->make_policy(wish_for(kWarrior, false));
  sent = heard();
  for (Message& m : sent) {
    Message refusal;
    refusal.type = m.type;
    refusal.sequence = m.sequence;
    refusal.pid = m.pid;
    refusal.error = EINVAL;
    say(refusal);
  }
  EXPECT_TRUE(heard().empty());
  EXPECT_EQ(table->in_the_way(kWarrior), "") << "it is known as generated still";
}

/// A policy of generate_policy, as SPDDUMP shows it to a racoon that comes after the one that made it.
Message left_behind(Message made, std::uint32_t id) {
  made.type = Type::SpdDump;
  made.error = 0;
  made.policy->id = PolicyId{id};
  made.policy->requests.front().reqid = ReqId{0x4001};
  return made;
}

TEST_F(RacoonKeyTable, PoliciesThatAKilledRacoonLeftAreTakenOver) {
  heard();
  const ike::MakePolicy wish = wish_for(kWarrior, true);
  table->make_policy(wish);
  auto made = heard();
  ASSERT_EQ(made.size(), 2U);
  reopen();
  heard();
  const net::Selector& outbound = wish.request.outbound;
  const net::Address &here = wish.request.local, &there = wish.request.remote;
  EXPECT_TRUE(say(left_behind(wire::pfkey::clone(made[0]), 71)).empty());
  EXPECT_TRUE(say(left_behind(wire::pfkey::clone(made[1]), 72)).empty());
  EXPECT_FALSE(table->find(outbound, here, there)) << "nobody has it";
  EXPECT_EQ(table->in_the_way(outbound), "") << "who asks for the same gets it";
  net::Selector part = outbound, wide = outbound;
  part.source.length += 1;
  wide.destination.length -= 1;
  EXPECT_NE(table->in_the_way(part), "") << "the rest of it would go in clear";
  EXPECT_NE(table->in_the_way(wide), "");
  table->make_policy(wish);
  const auto updates = heard();
  ASSERT_EQ(updates.size(), 2U);
  for (const Message& update : updates) {
    EXPECT_EQ(update.type, Type::SpdUpdate) << "at no time there is none";
    EXPECT_EQ(update.policy->requests.at(0).reqid, ReqId{0x4001});
  }
  std::vector<ike::Event> events;
  for (std::size_t i = 0; i < 2; ++i) {
    Message answer = left_behind(wire::pfkey::clone(updates[i]), i == 0 ? 71 : 72);
    answer.type = Type::SpdUpdate;
    for (ike::Event& event : say(answer)) events.push_back(std::move(event));
  }
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<ike::PolicyMade>(events[0]));
  EXPECT_TRUE(table->find(outbound, here, there));
  table->drop_policy(outbound);
  EXPECT_EQ(heard().size(), 2U) << "it goes as any other";
}

TEST_F(RacoonKeyTable, PoliciesWithoutTheMarkAreTheAdministrators) {
  heard();
  const ike::MakePolicy wish = wish_for(kWarrior, true);
  table->make_policy(wish);
  auto made = heard();
  ASSERT_EQ(made.size(), 2U);
  reopen();
  heard();
  for (Message& each : made) each.policy->priority = 0;
  EXPECT_TRUE(say(left_behind(wire::pfkey::clone(made[0]), 71)).empty());
  EXPECT_NE(table->in_the_way(wish.request.outbound), "");
  EXPECT_TRUE(table->find(wish.request.outbound, wish.request.local, wish.request.remote));
}

/// What testudod has under an SPI, for a peer behind a NAT.
Message natted_sa(const Message& asked) {
  Message m;
  m.type = Type::Get;
  m.satype = asked.satype;
  m.sequence = asked.sequence;
  m.pid = asked.pid;
  m.source = asked.source;
  m.destination = asked.destination;
  m.sa = wire::pfkey::SaExt{.spi = asked.sa->spi, .state = wire::pfkey::SaState::Dying};
  m.sa2 = wire::pfkey::Sa2Ext{Mode::Tunnel, 0, ReqId{7}};
  m.nat_t_type = wire::pfkey::kEncapEspInUdp;
  m.nat_t_sport = 4500, m.nat_t_dport = 61000;
  m.auth_key = wire::pfkey::KeyExt{32, Secret{ByteVector{1, 2, 3, 4}}};
  m.current = wire::pfkey::LifetimeExt{};
  return m;
}

ike::Move move_to(std::uint16_t port) {
  const net::Endpoint here{address("192.0.2.1"), 4500};
  return {
      ike::ChildProtocol::Esp, Spi{0x77}, {here, {address("192.0.2.2"), 61000}}, {here, {address("192.0.2.2"), port}}};
}

TEST_F(RacoonKeyTable, AnSaMovesWithTheKeysThatTheTableHas) {
  heard();
  table->move(move_to(62000));
  auto asked = heard();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].type, Type::Get);
  EXPECT_EQ(asked[0].destination->endpoint.port, 61000);
  EXPECT_TRUE(say(natted_sa(asked[0])).empty());
  const auto update = heard();
  ASSERT_EQ(update.size(), 1U);
  EXPECT_EQ(update[0].type, Type::Update);
  EXPECT_EQ(update[0].nat_t_sport, 4500);
  EXPECT_EQ(update[0].nat_t_dport, 62000);
  EXPECT_EQ(update[0].sa->spi, Spi{0x77});
  EXPECT_EQ(update[0].sa2->reqid, ReqId{7});
  ASSERT_TRUE(update[0].auth_key);
  EXPECT_TRUE(equal_constant_time(update[0].auth_key->key.expose(), ByteVector{1, 2, 3, 4}));
  EXPECT_TRUE(say(natted_sa(asked[0])).empty());
  EXPECT_TRUE(heard().empty()) << "an answer to nothing";
}

TEST_F(RacoonKeyTable, AnSaThatIsRemovedMeanwhileDoesNotMove) {
  heard();
  table->move(move_to(62000));
  const auto asked = heard();
  const ike::Move wish = move_to(62000);
  table->remove({wish.protocol, wish.spi, wish.now.source, wish.now.destination});
  const auto removed = heard();
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_EQ(removed[0].destination->endpoint.port, 61000) << "where it still is";
  EXPECT_TRUE(say(natted_sa(asked.at(0))).empty());
  EXPECT_TRUE(heard().empty());
  table->move(move_to(62000));
  Message gone = natted_sa(heard().at(0));
  gone.error = ENOENT;
  EXPECT_TRUE(say(gone).empty());
  EXPECT_TRUE(heard().empty());
}

TEST_F(RacoonKeyTable, MappingsAreNewsOfTestudodAlone) {
  Message m;
  m.type = Type::NatTNewMapping;
  m.satype = wire::pfkey::SaType::Esp;
  m.sa = wire::pfkey::SaExt{.spi = Spi{0x77}};
  m.source = {{address("192.0.2.2"), 61000}, net::protocol::kAny, 32};
  m.destination = {{address("192.0.2.2"), 62000}, net::protocol::kAny, 32};
  EXPECT_TRUE(say(m).empty()) << "without ports";
  m.nat_t_sport = 61000, m.nat_t_dport = 62000;
  const auto events = say(m);
  ASSERT_EQ(events.size(), 1U);
  const auto& mapping = std::get<ike::NewMapping>(events[0]);
  EXPECT_EQ(mapping.was, (net::Endpoint{address("192.0.2.2"), 61000}));
  EXPECT_EQ(mapping.now, (net::Endpoint{address("192.0.2.2"), 62000}));
  EXPECT_EQ(mapping.spi, Spi{0x77});
}

TEST_F(RacoonKeyTable, PoliciesOfOthersAreInTheWayAndThoseThatComeLaterAreTold) {
  add_policy(7, selector("10.9.0.0/16", "10.0.0.0/8"), Mode::Tunnel);
  EXPECT_EQ(table->in_the_way(kWarrior), "10.9.0.0/16 to 10.0.0.0/8");
  EXPECT_EQ(table->in_the_way(selector("10.9.0.0/24", "172.16.0.1/32")), "");
  Message late;
  late.type = Type::SpdAdd;
  late.pid = 1;
  late.source = {{address("10.0.1.0"), 0}, 255, 24};
  late.destination = {{address("10.9.0.0"), 0}, 255, 16};
  late.policy.emplace();
  late.policy->type = wire::pfkey::PolicyType::None;
  late.policy->direction = Direction::In;
  late.policy->id = PolicyId{8};
  EXPECT_TRUE(say(late).empty()) << "nothing was generated";
  table->make_policy(wish_for(kWarrior, false));
  const auto events = say(late);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<ike::PolicyAdded>(events[0]).outbound, selector("10.9.0.0/16", "10.0.1.0/24"));
  late.type = Type::SpdExpire;
  EXPECT_TRUE(std::holds_alternative<ike::PolicyGone>(say(late).at(0)));
}

}  // namespace
}  // namespace testudo::app
