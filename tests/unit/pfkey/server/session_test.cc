// Who hears what.
#include "pfkey/server/session.h"

#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

using Session = ServerTest;

TEST_F(Session, AChangeIsToldToEveryPrivilegedClient) {
  const ClientId other = server.connect(true);
  for (const Message& change :
       {esp(0x1000), esp(0x1000, Type::Update), policy(), policy(Type::SpdUpdate), policy(Type::SpdDelete),
        esp(0x1000, Type::Delete), message(Type::Flush), message(Type::SpdFlush)}) {
    ASSERT_EQ(ask(change).error, 0) << static_cast<int>(change.type);
    ASSERT_FALSE(silent(other)) << static_cast<int>(change.type);
    EXPECT_EQ(next(other).type, change.type);
    EXPECT_TRUE(silent(other));
    EXPECT_TRUE(silent(user));
  }
}

TEST_F(Session, AnAnswerIsForTheOneWhoAsked) {
  const ClientId other = server.connect(true);
  ASSERT_EQ(ask(esp()).error, 0);
  all(other);
  for (const Message& question : {esp(0x1000, Type::Get), between(Type::GetSpi, SaType::Esp), message(Type::Dump)})
    EXPECT_EQ(ask(question).error, 0);
  all(user);
  EXPECT_TRUE(silent(other));
}

TEST_F(Session, APromiscuousClientGetsEveryMessageOnceMoreInAWrapper) {
  const ClientId ear = server.connect(true);
  EXPECT_EQ(ask(ear, message(Type::Promisc, SaType::PromiscOn)).error, 0);
  EXPECT_EQ(all(ear).size(), 1U) << "already the answer comes twice";
  EXPECT_EQ(next(user).type, Type::Promisc) << "told to all";

  // A reply for one: the promiscuous client sees the wrapped copy alone.
  server.receive(user, wire::pfkey::compose(between(Type::GetSpi, SaType::Esp)), now);
  const auto reply = server.next_output(user, now);
  const auto wrapped = server.next_output(ear, now);
  ASSERT_TRUE(reply && wrapped);
  EXPECT_EQ(*wrapped, wire::pfkey::wrap_promiscuous(*reply));
  EXPECT_TRUE(silent(ear));

  // A broadcast: two copies.
  ASSERT_EQ(ask(esp()).error, 0);
  EXPECT_EQ(next(ear).type, Type::Promisc);
  EXPECT_EQ(next(ear).type, Type::Add);
  EXPECT_TRUE(silent(ear));

  EXPECT_EQ(ask(ear, message(Type::Promisc)).type, Type::Promisc);
  all(user);
  all(ear);
  ask(between(Type::GetSpi, SaType::Esp));
  EXPECT_TRUE(silent(ear)) << "it was switched off";
}

TEST_F(Session, APromiscuousClientSeesTheDumpsOfOthers) {
  ASSERT_EQ(ask(esp()).error, 0);
  const ClientId ear = server.connect(true);
  ask(ear, message(Type::Promisc, SaType::PromiscOn));
  all(ear);
  all(user);
  server.receive(user, wire::pfkey::compose(message(Type::Dump)), now);
  const auto dumped = server.next_output(user, now);
  ASSERT_TRUE(dumped);
  EXPECT_EQ(server.next_output(ear, now), wire::pfkey::wrap_promiscuous(*dumped));
}

TEST_F(Session, AMessageBehindThePromiscuousHeaderIsPassedOn) {
  const ClientId other = server.connect(true);
  const ByteVector inner = wire::pfkey::compose(between(Type::Expire, SaType::Esp));
  server.receive(user, wire::pfkey::wrap_promiscuous(inner), now);
  EXPECT_EQ(server.next_output(user, now), inner);
  EXPECT_EQ(server.next_output(other, now), inner);
}

TEST_F(Session, WhatStandsBehindThePromiscuousHeaderMustBeAMessage) {
  for (const std::size_t size : {8U, 16U, 24U}) {
    ByteVector bytes = wire::pfkey::wrap_promiscuous(ByteVector(size, 0));
    server.receive(user, bytes, now);
    EXPECT_EQ(next(user).error, EINVAL);
  }
}

TEST_F(Session, ASlowReaderLosesBroadcastsAndTheyAreCounted) {
  const ClientId slow = server.connect(true);
  for (std::size_t i = 0; i < Sessions::kMaxQueued + 10; ++i) ask(message(Type::Flush));
  EXPECT_EQ(all(slow).size(), Sessions::kMaxQueued);
  EXPECT_EQ(server.counters().overflow, 10U);
  EXPECT_EQ(server.counters().to_all, 2 * (Sessions::kMaxQueued + 10));
}

TEST_F(Session, LargeMessagesFillAQueueByTheirBytes) {
  const ClientId slow = server.connect(true);
  Message large = esp(0x1000);
  large.source_identity = wire::pfkey::IdentityExt{wire::pfkey::IdentityType::Fqdn, 0, std::string(60'000, 'a')};
  large.destination_identity = large.source_identity;
  large.destination_identity->text = "b";
  constexpr std::size_t kSent = 200;
  for (std::uint32_t i = 0; i < kSent; ++i) {
    large.sa->spi = Spi{0x1000 + i};
    ASSERT_EQ(ask(large).error, 0);
  }
  std::size_t bytes = 0, count = 0;
  while (const auto message = server.next_output(slow, now)) {
    bytes += message->size();
    ++count;
  }
  EXPECT_LE(bytes, Sessions::kMaxQueuedBytes);
  EXPECT_GT(bytes + 100'000, Sessions::kMaxQueuedBytes);
  EXPECT_EQ(server.counters().overflow, kSent - count);
  ASSERT_EQ(ask(message(Type::Flush)).error, 0);
  EXPECT_FALSE(silent(slow)) << "there is room again";
}

TEST_F(Session, AClientWithDumpsItDoesNotReadGetsNoMore) {
  ASSERT_EQ(ask(esp()).error, 0);
  const ByteVector request = wire::pfkey::compose(message(Type::Dump));
  for (std::size_t i = 0; i <= Sessions::kMaxDumps; ++i) server.receive(user, request, now);
  const auto replies = all(user);
  ASSERT_EQ(replies.size(), Sessions::kMaxDumps + 1);
  EXPECT_EQ(replies.back().error, ENOBUFS);
  EXPECT_EQ(ask(message(Type::Dump)).error, 0) << "and when it has read them, again";
}

TEST(Dump, CountsDownToZeroPastWhatHasGone) {
  std::vector<bool> there{false, true, true, false, true, false, false};
  const auto describe = [&there](std::size_t n) -> std::optional<Message> {
    if (!there[n]) return std::nullopt;
    Message m;
    m.pid = static_cast<std::uint32_t>(n);
    return m;
  };
  Dump dump{there.size(), describe};
  std::vector<std::uint32_t> items, sequences;
  while (!dump.finished()) {
    const Message m = dump.take();
    items.push_back(m.pid);
    sequences.push_back(m.sequence);
  }
  EXPECT_EQ(items, (std::vector<std::uint32_t>{1, 2, 4}));
  EXPECT_EQ(sequences.back(), 0U);
  EXPECT_GT(sequences[0], sequences[1]);
  EXPECT_GT(sequences[1], 0U);
}

TEST(Dump, EndsWithZeroEvenWhenTheRestGoesWhileItIsRead) {
  std::size_t left = 5;
  Dump dump{5, [&left](std::size_t n) { return n < left ? std::optional{Message{}} : std::nullopt; }};
  EXPECT_EQ(dump.take().sequence, 4U);
  left = 0;
  EXPECT_EQ(dump.take().sequence, 0U);
  EXPECT_TRUE(dump.finished());
}

}  // namespace
}  // namespace testudo::pfkey::server
