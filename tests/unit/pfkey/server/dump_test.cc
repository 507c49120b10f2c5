#include <set>

#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

namespace pf = wire::pfkey;
using Dumps = ServerTest;

TEST_F(Dumps, GetReturnsEverythingWithTheKeys) {
  Message m = esp();
  m.hard = pf::LifetimeExt{1000, 2000, 300, 400};
  m.soft = pf::LifetimeExt{900, 1900, 290, 390};
  ASSERT_EQ(error_of(m), 0);
  sad::Sa* sa = sad.find(sad::SaProtocol::Esp, m.source->endpoint.address, m.destination->endpoint.address, m.sa->spi);
  ASSERT_NE(sa, nullptr);
  sa->share().count(1, 100, at(1010));
  sa->share().count(1, 50, at(1020));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(sa->sequence.next());

  Message question = between(Type::Get, SaType::Esp);
  question.sa = {.spi = Spi{0x1000}};
  question.pid = 99;
  const Message reply = ask(question);
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.sequence, 7U);
  EXPECT_EQ(reply.pid, 99U);
  EXPECT_EQ(reply.order, (std::vector{Ext::Sa, Ext::Sa2, Ext::LifetimeHard, Ext::LifetimeSoft, Ext::LifetimeCurrent,
                                      Ext::AddressSrc, Ext::AddressDst, Ext::KeyAuth, Ext::KeyEncrypt, Ext::NatTType}));
  EXPECT_EQ(reply.sa->state, pf::SaState::Mature);
  EXPECT_EQ(reply.sa->replay, 4);
  EXPECT_EQ(reply.sa->auth, kHmacSha1);
  EXPECT_EQ(reply.sa->encrypt, kAes);
  EXPECT_EQ(reply.sa->flags, 0x40U);
  EXPECT_EQ(reply.sa2->mode, pf::Mode::Transport);
  EXPECT_EQ(reply.sa2->sequence, 3U);
  EXPECT_EQ(reply.hard->bytes, 2000U);
  EXPECT_EQ(reply.soft->usetime, 390U);
  EXPECT_EQ(reply.current->allocations, 2U);
  EXPECT_EQ(reply.current->bytes, 150U);
  EXPECT_EQ(reply.current->addtime, static_cast<std::uint64_t>(kWall + 1000));
  EXPECT_EQ(reply.current->usetime, static_cast<std::uint64_t>(kWall + 1020));
  EXPECT_EQ(reply.source->prefix_length, 32);
  EXPECT_EQ(reply.source->protocol, 255);
  EXPECT_TRUE(equal_constant_time(reply.encrypt_key->key.expose(), m.encrypt_key->key.expose()));
  EXPECT_TRUE(equal_constant_time(reply.auth_key->key.expose(), m.auth_key->key.expose()));
  EXPECT_EQ(reply.nat_t_type, 0);
}

TEST_F(Dumps, AnSaThroughANatShowsItsPortsEverywhere) {
  Message m = esp();
  m.nat_t_type = pf::kEncapEspInUdp;
  m.nat_t_sport = 4500;
  m.nat_t_dport = 61000;
  m.nat_t_frag = 552;
  ASSERT_EQ(error_of(m), 0);
  const Message reply = ask(esp(0x1000, Type::Get));
  EXPECT_EQ(reply.order,
            (std::vector{Ext::Sa, Ext::Sa2, Ext::LifetimeCurrent, Ext::AddressSrc, Ext::AddressDst, Ext::KeyAuth,
                         Ext::KeyEncrypt, Ext::NatTType, Ext::NatTSport, Ext::NatTDport, Ext::NatTFrag}));
  EXPECT_EQ(reply.nat_t_type, pf::kEncapEspInUdp);
  EXPECT_EQ(reply.source->endpoint.port, 4500);
  EXPECT_EQ(reply.destination->endpoint.port, 61000);
}

TEST_F(Dumps, ALarvalSaHasNeitherKeysNorLifetimes) {
  const Message larval = ask(between(Type::GetSpi, SaType::Esp));
  const Message shown = ask(message(Type::Dump));
  EXPECT_EQ(shown.sa->state, pf::SaState::Larval);
  EXPECT_EQ(shown.sa->spi, larval.sa->spi);
  EXPECT_EQ(shown.order, (std::vector{Ext::Sa, Ext::Sa2, Ext::AddressSrc, Ext::AddressDst, Ext::NatTType}));
}

TEST_F(Dumps, NullAlgorithmsShowEmptyKeys) {
  Message m = esp();
  m.sa->encrypt = kNullCipher;
  m.sa->auth = kNullMac;
  m.auth_key.reset();
  m.encrypt_key = key(0);
  ASSERT_EQ(error_of(m), 0);
  const Message shown = ask(message(Type::Dump));
  ASSERT_TRUE(shown.auth_key && shown.encrypt_key);
  EXPECT_EQ(shown.auth_key->bits, 0);
}

TEST_F(Dumps, AnIpcompSaShowsItsAlgorithmAndNoKey) {
  ASSERT_EQ(error_of(ipcomp()), 0);
  const Message shown = ask(message(Type::Dump));
  EXPECT_EQ(shown.satype, SaType::Ipcomp);
  EXPECT_EQ(shown.sa->encrypt, 2);
  EXPECT_FALSE(shown.encrypt_key || shown.auth_key);
}

TEST_F(Dumps, AWindowThatTheByteCannotSayComesInOurExtension) {
  struct Row {
    std::uint32_t packets;
    std::uint8_t byte;
    bool extension;
  };
  const std::vector<Row> rows{{0, 0, false},     {8, 1, false}, {32, 4, false},    {2040, 255, false},
                              {2048, 255, true}, {33, 4, true}, {65536, 255, true}};
  std::uint32_t spi = 0x1000;
  for (const Row& row : rows) {
    Message m = esp(++spi);
    m.replay_window = row.packets;
    ASSERT_EQ(error_of(m), 0);
    const Message shown = ask(esp(spi, Type::Get));
    EXPECT_EQ(shown.sa->replay, row.byte) << row.packets;
    EXPECT_EQ(shown.replay_window.has_value(), row.extension) << row.packets;
    if (row.extension) {
      EXPECT_EQ(shown.replay_window, row.packets);
    }
  }
}

TEST_F(Dumps, WhatIsDumpedCanBeAddedAgain) {
  Message m = esp();
  m.sa->flags = pf::saflag::kCycSeq | pf::saflag::kPadZero;
  m.nat_t_type = pf::kEncapEspInUdp;
  m.nat_t_sport = 4500;
  m.nat_t_dport = 61000;
  m.nat_t_oa = net::Address::parse("192.168.0.1");
  m.replay_window = 4096;
  ASSERT_EQ(error_of(m), 0);
  ASSERT_EQ(error_of(ah()), 0);
  ASSERT_EQ(error_of(ipcomp()), 0);
  ASSERT_EQ(error_of(tcp_md5()), 0);
  server.receive(user, pf::compose(message(Type::Dump)), now);
  const auto before = all(user);
  ask(message(Type::Flush));
  for (auto shown = before.rbegin(); shown != before.rend(); ++shown) {
    Message again = pf::clone(*shown);
    again.type = Type::Add;
    ASSERT_EQ(error_of(again), 0);
  }
  server.receive(user, pf::compose(message(Type::Dump)), now);
  const auto after = all(user);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_EQ(pf::compose(after[i]), pf::compose(before[i]));
}

TEST_F(Dumps, TheNewestGroupComesFirstAndTheSequenceCountsDown) {
  for (const std::uint32_t spi : {0x1000U, 0x1001U, 0x1002U}) {
    Message m = esp(spi);
    m.sa2->reqid = ReqId{spi};
    ASSERT_EQ(error_of(m), 0);
  }
  server.receive(user, pf::compose(message(Type::Dump)), now);
  const auto shown = all(user);
  ASSERT_EQ(shown.size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(shown[i].sa->spi, Spi{0x1002 - i});
    EXPECT_EQ(shown[i].sequence, 2 - i);
    EXPECT_EQ(shown[i].pid, 4711U);
  }
}

TEST_F(Dumps, ADumpOfOneTypeShowsThatTypeOnly) {
  ASSERT_EQ(error_of(esp()), 0);
  ASSERT_EQ(error_of(ah()), 0);
  server.receive(user, pf::compose(message(Type::Dump, SaType::Ah)), now);
  const auto shown = all(user);
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].satype, SaType::Ah);
  EXPECT_EQ(shown[0].sequence, 0U);
}

TEST_F(Dumps, TheSameSpiFromTwoSourcesIsShownTwice) {
  Message other = esp();
  other.source = address("20.0.0.9");
  ASSERT_EQ(error_of(esp()), 0);
  ASSERT_EQ(error_of(other), 0);
  server.receive(user, pf::compose(message(Type::Dump)), now);
  const auto shown = all(user);
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_NE(shown[0].source->endpoint, shown[1].source->endpoint);
}

TEST_F(Dumps, AHundredThousandSasAreDumpedWholeWithSequenceToZero) {
  constexpr std::uint32_t kCount = 100'000;
  const ClientId other = server.connect(true);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    sad::SaParameters p;
    p.group = {sad::SaProtocol::Esp, sad::Mode::Any, net::Address::v4(0x0a000001), net::Address::v4(0x0b000000 + i)};
    p.spi = Spi{0x1000 + i};
    p.cipher = crypto::cipher_by_id(kNullCipher);
    auto sa = sad::Sa::make(std::move(p), now);
    ASSERT_TRUE(sa);
    ASSERT_TRUE(sad.add(*std::move(sa)));
  }
  server.receive(user, pf::compose(message(Type::Dump)), now);
  // Somebody flushes policies meanwhile: the broadcast waits behind the dump.
  server.receive(other, pf::compose(message(Type::SpdFlush)), now);
  std::set<net::Address> seen;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const Message shown = next(user);
    ASSERT_EQ(shown.type, Type::Dump);
    ASSERT_EQ(shown.sequence, kCount - 1 - i);
    seen.insert(shown.destination->endpoint.address);
  }
  EXPECT_EQ(seen.size(), kCount);
  EXPECT_EQ(next(user).type, Type::SpdFlush);
  EXPECT_TRUE(silent(user));
}

TEST_F(Dumps, ADumpGoesOnWhenItsSasAreDeleted) {
  for (const std::uint32_t spi : {0x1000U, 0x1001U, 0x1002U}) ASSERT_EQ(error_of(esp(spi)), 0);
  server.receive(user, pf::compose(message(Type::Dump)), now);
  EXPECT_EQ(next(user).sequence, 2U);
  sad.flush({});
  const auto rest = all(user);
  ASSERT_EQ(rest.size(), 1U) << "one was described ahead";
  EXPECT_EQ(rest[0].sequence, 0U);
}

TEST_F(Dumps, ADumpShowsWhatWasThereWhenItBeganHoweverSlowlyItIsRead) {
  constexpr std::uint32_t kCount = 1000;
  for (std::uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(error_of(esp(0x1000 + i)), 0);
  const ClientId slow = server.connect(true);
  server.receive(slow, pf::compose(message(Type::Dump)), now);
  std::set<std::uint32_t> seen;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    // Others add and delete between any two messages of it.
    ASSERT_EQ(error_of(esp(0x10000 + i)), 0);
    const Message shown = next(slow);
    ASSERT_EQ(shown.type, Type::Dump);
    ASSERT_EQ(shown.sequence, kCount - 1 - i);
    ASSERT_TRUE(seen.insert(shown.sa->spi.value).second);
  }
  EXPECT_EQ(*seen.rbegin(), 0x1000 + kCount - 1);
  EXPECT_EQ(all(slow).size(), kCount) << "and then what was told to all meanwhile";
  EXPECT_EQ(server.counters().overflow, 0U);
}

TEST_F(Dumps, DatesFollowTheWallClockWhenItIsSet) {
  ASSERT_EQ(error_of(esp()), 0);
  Message get = between(Type::Get, SaType::Esp);
  get.sa = {.spi = Spi{0x1000}};
  const auto created = [&] { return ask(get).current->addtime; };
  EXPECT_EQ(created(), std::uint64_t{kWall + 1000});
  wall.unix_seconds += 3600;
  EXPECT_EQ(created(), std::uint64_t{kWall + 4600});
}

}  // namespace
}  // namespace testudo::pfkey::server
