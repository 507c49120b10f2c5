// racoon's side of PF_KEY against a testudod that the test plays.
#include "app/racoon/key_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
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
  /// What becomes of a message of testudod.
  std::vector<ike::Event> say(const Message& message) {
    EXPECT_EQ(testudod_->send(wire::pfkey::compose(message)), io::SeqPacket::Sent::Whole);
    std::vector<ike::Event> events;
    EXPECT_TRUE(table->read([&](const ike::Event& event) { events.push_back(event); }));
    return events;
  }
  void add_policy(std::uint32_t id, const net::Selector& s, Mode mode = Mode::Transport) {
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
    EXPECT_TRUE(say(m).empty());
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

TEST_F(RacoonKeyTable, WhatOthersRemoveIsAnEvent) {
  Message flush;
  flush.type = Type::Flush;
  flush.pid = 1;
  ASSERT_EQ(say(flush).size(), 1U);
  flush.pid = static_cast<std::uint32_t>(::getpid());
  EXPECT_TRUE(say(flush).empty()) << "its own";
}

}  // namespace
}  // namespace testudo::app
